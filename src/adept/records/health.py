"""How everything is, at a glance: the first question of whoever looks after adept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from adept.accounts.health import Health
from adept.records.accounts import AccountRecord

_WELL = (Health.OK, Health.PAUSED)  # nobody has to do anything about these


class Concern(BaseModel):
    """An account about which somebody should do something."""

    model_config = ConfigDict(frozen=True)

    account: str
    health: str
    since: datetime
    reason: str | None
    way_out: str = Field(description="What to do about it.")


class HealthRecord(BaseModel):
    """Whether everything is all right, and if not, what to do."""

    model_config = ConfigDict(frozen=True)

    status: str = Field(description="`ok`, or `attention` where an account needs somebody.")
    accounts: int
    devices: int = Field(description="Devices that are there, of all accounts.")
    by_health: dict[str, int] = Field(description="How many accounts have each of the words that occur.")
    concerns: list[Concern] = Field(description="Accounts that need somebody, the longest waiting first.")


def health_record(accounts: Sequence[AccountRecord]) -> HealthRecord:
    """The summary of the accounts. Pure."""
    troubled = sorted(
        (account for account in accounts if account.health not in _WELL), key=lambda account: account.health_since
    )
    return HealthRecord(
        status="attention" if troubled else "ok",
        accounts=len(accounts),
        devices=sum(account.devices for account in accounts),
        by_health=dict(sorted(Counter(account.health for account in accounts).items())),
        concerns=[
            Concern(
                account=account.name,
                health=account.health,
                since=account.health_since,
                reason=account.health_reason,
                way_out=account.way_out,
            )
            for account in troubled
        ],
    )
