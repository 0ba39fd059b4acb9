"""An account's health: one word, since when, and the sentence to act on; and its circuit breaker. Pure.

no_token ──token──▶ ok ◀──▶ expiring ──▶ expired        by the token's date
                    │ ▲
   a failed pass    ▼ │  the next pass that ends well
         rejected · terms_not_signed · forbidden · throttled · unreachable

held (a hold waits for a person) and paused (a person paused it) stand above ok and expiring; paused above all.

The breaker is open, and Apple is asked for GET /account alone, while only a person can help (rejected, expired,
terms_not_signed, forbidden) and after five failures in a row. It has no state of its own: the word and the number of
failures are it. A pass that ends well closes it, and so does a new token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adept.errors import AdeptError, Refused, TokenRejected

EXPIRING_WITHIN = timedelta(days=30)
BREAKER_FAILURES = 5


class Health(StrEnum):
    """The words of an account's health."""

    NO_TOKEN = "no_token"  # noqa: S105  # a word, no secret
    OK = "ok"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REJECTED = "rejected"
    TERMS_NOT_SIGNED = "terms_not_signed"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    HELD = "held"
    PAUSED = "paused"


WAY_OUT = {
    Health.NO_TOKEN: "upload a server token",
    Health.OK: "nothing to do",
    Health.EXPIRING: "make a new token in Apple's portal and upload it before the old one ends",
    Health.EXPIRED: "make a new token in Apple's portal and upload it",
    Health.REJECTED: "Apple no longer accepts this token: make a new one in Apple's portal and upload it",
    Health.TERMS_NOT_SIGNED: "an administrator of the organisation has to accept Apple's new terms in the portal",
    Health.FORBIDDEN: "Apple denies this server what was asked: look at its permissions in the portal",
    Health.THROTTLED: "Apple asked to wait: the next pass does",
    Health.UNREACHABLE: "look at the network and at Apple's system status; it is tried again by itself",
    Health.HELD: "look at the hold and confirm or discard it",
    Health.PAUSED: "resume the account when it should be synced again",
}


_NEEDING_PERSON = frozenset({Health.REJECTED, Health.EXPIRED, Health.TERMS_NOT_SIGNED, Health.FORBIDDEN})
_DISPROVED_BY_PROBE = frozenset({Health.REJECTED, Health.EXPIRED, Health.TERMS_NOT_SIGNED, Health.NO_TOKEN})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A health word and why, in a sentence without secrets; None where the word says it all."""

    health: Health
    reason: str | None = None


def when_well(*, expires_at: datetime | None, held: bool, paused: bool, now: datetime) -> Diagnosis:
    """The health of an account whose last pass ended well."""
    if paused:
        return Diagnosis(Health.PAUSED)
    if expires_at is not None and expires_at <= now:
        return Diagnosis(Health.EXPIRED, f"the server token ended on {expires_at:%Y-%m-%d}")
    if held:
        return Diagnosis(Health.HELD, "a full fetch left out so many devices that a person has to decide")
    if expires_at is not None and expires_at - now < EXPIRING_WITHIN:
        return Diagnosis(Health.EXPIRING, f"the server token ends on {expires_at:%Y-%m-%d}")
    return Diagnosis(Health.OK)


def when_failed(error: AdeptError, *, organisation: str | None = None) -> Diagnosis:
    """The health of an account whose pass ended with an error of Apple's or of the way there.

    `organisation` is the account's, where it is known: each organisation signs Apple's terms separately, and the one
    whose terms are waiting has to be named.
    """
    word = _word(error)
    if word is Health.TERMS_NOT_SIGNED and organisation:
        return Diagnosis(word, f"{error.message} (the organisation is {organisation})")
    return Diagnosis(word, error.message)


def _word(error: AdeptError) -> Health:
    if isinstance(error, TokenRejected):
        return Health.EXPIRED if error.status == 0 else Health.REJECTED
    if isinstance(error, Refused):
        if error.code == "T_C_NOT_SIGNED":
            return Health.TERMS_NOT_SIGNED
        return Health.THROTTLED if error.status == 429 else Health.FORBIDDEN
    return Health.UNREACHABLE


def is_about_the_token(error: AdeptError) -> bool:
    """True if the error says something of the token that was used, and so nothing of one that replaced it since."""
    return isinstance(error, TokenRejected)


def needs_person(health: Health) -> bool:
    """True if trying again helps only after somebody has done something about it."""
    return health in _NEEDING_PERSON


def is_breaker_open(health: Health, failures: int) -> bool:
    """True if nothing but GET /account is to be asked until that is answered well. `failures`: in a row."""
    return needs_person(health) or failures >= BREAKER_FAILURES


def stays_after_probe(health: Health, *, pass_follows: bool) -> bool:
    """True if GET /account, answered well, is no reason to change the word.

    It proves that token and terms are good. Whether devices may be read, and Apple can keep up, is for the pass to
    say that follows; where none does, nothing is known against the account any more.
    """
    return pass_follows and health not in _DISPROVED_BY_PROBE
