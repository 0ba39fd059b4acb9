"""Everything at a glance: how the accounts are, what they hold, and what changed lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adept.accounts.health import Health, needs_person
from adept.records.accounts import AccountRecord, account_list
from adept.records.health import HealthRecord, health_record
from adept.store.database import Store
from adept.store.tally import DayCount, FacetCount, changes_per_day, live_by_facets

DAYS = 14
KEPT_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of the devices have this in common; None is what Apple did not say."""

    name: str | None
    devices: int
    percent: float


@dataclass(frozen=True, slots=True)
class Day:
    """What was found new on a day (UTC)."""

    begins: datetime
    added: int = 0
    modified: int = 0
    deleted: int = 0

    @property
    def changes(self) -> int:
        """All of them."""
        return self.added + self.modified + self.deleted


@dataclass(frozen=True, slots=True)
class Tallies:
    """What takes a scan to count, and when it was counted."""

    counted_at: datetime
    families: tuple[Share, ...]
    profile_states: tuple[Share, ...]
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """The accounts, the most urgent first (those that stand still, then the longest waiting), and how all are."""

    health: HealthRecord
    accounts: tuple[AccountRecord, ...]


class KeptTallies:
    """Counts once for everybody who looks within a minute."""

    def __init__(self) -> None:
        self._kept: Tallies | None = None

    async def get(self, store: Store, *, now: Callable[[], datetime]) -> Tallies:
        """The tallies, at most a minute old."""
        kept = self._kept
        if kept is None or now() - kept.counted_at >= KEPT_FOR or now() < kept.counted_at:
            kept = self._kept = await tallies(store, now=now())
        return kept


async def tallies(store: Store, *, now: datetime) -> Tallies:
    """Count now."""
    first = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=DAYS - 1)
    async with store.reading() as tx:
        facets = await live_by_facets(tx)
        counts = await changes_per_day(tx, first)
    return Tallies(
        now,
        shares(facets, "device_family"),
        shares(facets, "profile_status"),
        tuple(days(counts, first=first)),
    )


async def glance(store: Store) -> Glance:
    """How the accounts are, now."""
    accounts = await account_list(store)
    health = health_record(accounts)
    waiting = [
        concern.account for concern in sorted(health.concerns, key=lambda found: not _stands_still(found.health))
    ]
    place = {name: number for number, name in enumerate(waiting)}
    return Glance(health, tuple(sorted(accounts, key=lambda account: place.get(account.name, len(place)))))


def _stands_still(health: str) -> bool:
    """Whether nothing is synced until somebody has done something."""
    return needs_person(Health(health))


def shares(facets: Sequence[FacetCount], facet: str) -> tuple[Share, ...]:
    """How the devices divide by the facet, the most first. Pure."""
    counts: Counter[str | None] = Counter()
    for found in facets:
        counts[getattr(found, facet) or None] += found.devices
    whole = counts.total()
    return tuple(Share(name, count, 100 * count / whole) for name, count in counts.most_common())


def days(counts: Sequence[DayCount], *, first: datetime, number: int = DAYS) -> list[Day]:
    """So many days in a row from the first on, those without changes too. Pure."""
    by_day: dict[datetime, dict[str, int]] = {}
    for found in counts:
        by_day.setdefault(found.day, {})[found.kind] = found.changes
    begins = (first + timedelta(days=count) for count in range(number))
    return [Day(begin, **by_day.get(begin, {})) for begin in begins]
