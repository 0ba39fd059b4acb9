"""What a person sets of an account, and what it may be. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from adept.errors import Misuse
from adept.store.accounts import StoredAccount

INTERVALS_S = range(60, 6 * 86_400 + 1)  # Apple forgets a cursor after seven days
PAGE_SIZES = range(1, 1001)  # Apple gives no more than 1000 devices a page


class Keep(Enum):
    """Says of a setting that it stays as it is, where None has a meaning of its own."""

    KEEP = "keep"


KEEP = Keep.KEEP


def check_interval(interval_s: int) -> int:
    """Seconds between syncs; Misuse outside what Apple's cursors and its patience allow."""
    if interval_s not in INTERVALS_S:
        allowed = f"{INTERVALS_S[0]} to {INTERVALS_S[-1]} seconds"
        raise Misuse(f"the interval must be {allowed}, not {interval_s}", field="interval_s")
    return interval_s


def check_page_size(page_size: int | None) -> int | None:
    """Devices a page, None for as many as Apple gives; Misuse for a number Apple doesn't know."""
    if page_size is not None and page_size not in PAGE_SIZES:
        allowed = f"{PAGE_SIZES[0]} to {PAGE_SIZES[-1]}"
        raise Misuse(f"the page size must be {allowed}, not {page_size}", field="page_size")
    return page_size


def settings_of(
    *, base_url: str | Keep = KEEP, interval_s: int | Keep = KEEP, page_size: int | Keep | None = KEEP
) -> dict[str, object]:
    """The settings that were given, checked, by their columns' names. The base URL is checked in `addresses`."""
    wanted: dict[str, object] = {}
    if not isinstance(base_url, Keep):
        wanted["base_url"] = base_url
    if not isinstance(interval_s, Keep):
        wanted["interval_s"] = check_interval(interval_s)
    if not isinstance(page_size, Keep):
        wanted["page_size"] = check_page_size(page_size)
    return wanted


def what_changes(account: StoredAccount, wanted: dict[str, object]) -> dict[str, object]:
    """Those of the settings that the account doesn't have already."""
    return {column: value for column, value in wanted.items() if getattr(account, column) != value}


def next_sync_after(account: StoredAccount, changed: dict[str, object], *, now: datetime) -> datetime:
    """When the account is due after the change: a new service is asked at once, a new interval counts from the last
    pass that ended well; whatever waits because of failures goes on waiting."""
    if "base_url" in changed:
        return now
    interval_s = changed.get("interval_s")
    if not isinstance(interval_s, int) or account.failures or account.last_pass_at is None:
        return account.next_sync_at
    return max(now, account.last_pass_at + timedelta(seconds=interval_s))
