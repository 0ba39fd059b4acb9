"""What became of a server token that came in, as it is shown: never a secret."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from adept.accounts.switch import TokenOutcome


class WaitsFor(BaseModel):
    """Why Apple could not be asked about a token yet."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str


class TokenOutcomeRecord(BaseModel):
    """A token that was accepted, or kept until Apple can be asked about it."""

    model_config = ConfigDict(frozen=True)

    account: str
    state: str = Field(description="`active`, or `candidate` while it waits.")
    expires_at: datetime
    server_name: str | None
    server_uuid: str | None
    org_name: str | None
    remarks: list[str] = Field(description="Sentences for a person.")
    deleted_devices: int = Field(description="Devices of the server that this token's took the place of.")
    waits_for: WaitsFor | None


def token_outcome_record(outcome: TokenOutcome) -> TokenOutcomeRecord:
    """The outcome as it is shown."""
    identity, waits_for = outcome.identity, outcome.waits_for
    return TokenOutcomeRecord(
        account=outcome.account_name,
        state="active" if outcome.is_active else "candidate",
        expires_at=outcome.expires_at,
        server_name=identity.server_name if identity else None,
        server_uuid=identity.server_uuid_normalised if identity else None,
        org_name=identity.org_name if identity else None,
        remarks=list(outcome.remarks),
        deleted_devices=outcome.deleted_devices,
        waits_for=WaitsFor(code=waits_for.code, message=waits_for.message) if waits_for else None,
    )
