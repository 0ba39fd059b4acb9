"""When an account is looked at next. Pure: chance comes in as a number from 0 to 1, 0.5 makes no difference.

    what happened                    next
    ─────────────────────────────    ──────────────────────────────────────────────────────────────────────────
    a pass or a probe ended well     a pass after the account's interval; GET /account when a day went without
    terms are unsigned               GET /account every 5 minutes
    another failure                  1 minute, doubled with each in a row, up to 6 hours where it may pass by
                                     itself, up to a day where somebody has to act; never before Apple allows
    a token waits as candidate       it is tried every 5 minutes at least

Accounts that were made at one time drift apart: every span is up to a tenth longer or shorter.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from adept.accounts.health import Health, needs_person

BACK_OFF_FIRST_S = 60
BACK_OFF_LIMIT_S = 6 * 3600
BACK_OFF_LIMIT_NEEDING_PERSON_S = 24 * 3600
TERMS_EVERY_S = 5 * 60
CANDIDATE_EVERY_S = 5 * 60
PROBE_EVERY_S = 24 * 3600
JITTER = 0.1


def no_jitter() -> float:
    """A chance that makes no difference."""
    return 0.5


def next_sync_at(*, interval_s: int, now: datetime, chance: float) -> datetime:
    """When the account is walked again after what ended well."""
    return now + _span(interval_s, chance)


def next_probe_at(*, candidate_waits: bool, now: datetime, chance: float) -> datetime:
    """When GET /account is asked again after what ended well, unless a pass comes before."""
    return now + _span(CANDIDATE_EVERY_S if candidate_waits else PROBE_EVERY_S, chance)


def tried_again_at(
    health: Health, *, failures: int, retry_after_s: float | None, now: datetime, chance: float
) -> datetime:
    """When the account is tried again after so many failures in a row, the last of which left it in this health."""
    wished = _span(_back_off_s(health, failures), chance)
    return now + max(wished, timedelta(seconds=retry_after_s or 0.0))


def _back_off_s(health: Health, failures: int) -> int:
    if health is Health.TERMS_NOT_SIGNED:
        return TERMS_EVERY_S
    limit_s = BACK_OFF_LIMIT_NEEDING_PERSON_S if needs_person(health) else BACK_OFF_LIMIT_S
    return min(BACK_OFF_FIRST_S << min(max(failures - 1, 0), 20), limit_s)


def _span(seconds: float, chance: float) -> timedelta:
    return timedelta(seconds=seconds * (1 + JITTER * (2 * chance - 1)))
