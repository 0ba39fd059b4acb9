"""Beta programme tokens: what GET /os-beta-enrollment/tokens answers.

The keys are in camel case, unlike the rest of the service. The tokens are handed to devices; they are not logged.
Source: Apple, "Get Beta Enrollment Tokens" (read 2026-11).
"""

from __future__ import annotations

import msgspec

from adept.protocol.answers import read_struct


class BetaToken(msgspec.Struct, frozen=True):
    """One programme an organisation may enroll devices in."""

    token: str
    title: str | None = None  # for people, such as a programme's name
    os: str | None = None  # opaque: Apple's table says OSX, its article macOS

    def __repr__(self) -> str:
        return f"BetaToken(title={self.title!r}, os={self.os!r})"


class BetaTokens(msgspec.Struct, frozen=True):
    """The organisation's tokens."""

    tokens: tuple[BetaToken, ...] = msgspec.field(default=(), name="betaEnrollmentTokens")
    # Observed: in the schemas of micromdm/apple-device-services; undocumented
    seed_build_tokens: tuple[BetaToken, ...] = msgspec.field(default=(), name="seedBuildTokens")


def decode_beta_tokens(body: bytes, *, endpoint: str) -> BetaTokens:
    """Read the tokens; none is an empty answer; raises Malformed, which shows no token."""
    return read_struct(body, BetaTokens, endpoint=endpoint, what="a list of beta tokens", secret=True)
