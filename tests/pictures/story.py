"""An organisation with a past: accounts in every state, three weeks of passes, people and what they did.

Everything is drawn from a seed and happens at fixed times, so that two runs tell the same story. Apple's side is the
simulator; whatever is stored, adept itself found out from it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adept.access import keys, users
from adept.access.roles import Role
from adept.accounts import exchange, registry
from adept.client.async_client import AsyncClient
from adept.errors import AdeptError
from adept.jobs.account_pass import run_pass
from adept.protocol.keypair import generate_keypair
from adept.protocol.profile import Profile
from adept.protocol.server_token import ServerToken
from adept.simulator.running import Running
from adept.store.audit import Actor
from adept.sync.outcome import PassKind
from adept.web.service import Service

MORNING = datetime(2026, 11, 23, 8, 14, tzinfo=UTC)  # the Monday on which the pictures are taken
DAYS = 20  # of history before it
SEED = 7
PASSWORD = "correct horse battery staple"
ANN = Actor("user", "ann", "192.0.2.17")
JONAS = Actor("user", "jonas", "192.0.2.23")


@dataclass
class StoryClock:
    """The service's time. It goes on a little with every look, so that what is done takes time; `stop` holds it."""

    time: datetime
    step: timedelta = timedelta(milliseconds=70)
    draw: random.Random = field(default_factory=lambda: random.Random(SEED))

    def __call__(self) -> datetime:
        self.time += self.step * self.draw.uniform(0.5, 3)
        return self.time

    def stop(self, at: datetime) -> None:
        """Stand still from now on."""
        self.time, self.step = at, timedelta()


def way_to_apple(token: ServerToken, url: str) -> AsyncClient:
    """As the service connects."""
    return AsyncClient(token, base_url=url)


@dataclass(frozen=True)
class Cast:
    """One MDM server at Apple and our account for it."""

    name: str
    server: str
    organisation: str
    fleet: dict[str, int]  # devices by family
    token_made: timedelta  # before the morning
    daily: int = 4  # devices that change on a working day


CASTS = (
    Cast("hq", "Head Office", "Northwind Traders", {"Mac": 812, "iPhone": 404, "iPad": 61}, timedelta(days=120), 9),
    Cast(
        "schools", "Classroom iPads", "Northwind Academy", {"iPad": 2380, "Mac": 96, "AppleTV": 41}, timedelta(days=352)
    ),
    Cast("retail", "Shop Floor", "Northwind Traders", {"iPad": 190, "iPhone": 88}, timedelta(days=200)),
    Cast("warehouse", "Warehouse Scanners", "Northwind Logistics", {"iPhone": 143}, timedelta(days=75), 2),
    Cast(
        "lab", "Test Lab", "Northwind Traders", {"Mac": 24, "iPad": 18, "iPhone": 9, "Vision": 3}, timedelta(days=41), 1
    ),
    Cast("kiosks", "Kiosks", "Northwind Traders", {"iPad": 37}, timedelta(days=260), 1),
)


@dataclass
class Story:
    """The stage: our service and Apple's, and the clock they share."""

    service: Service
    apple: Running
    clock: StoryClock
    draw: random.Random = field(default_factory=lambda: random.Random(SEED))
    files: dict[str, bytes] = field(default_factory=dict)  # what was downloaded on the way
    sessions: dict[str, str] = field(default_factory=dict)  # secrets of sessions, by the user's name
    moved: str = ""  # the serial number of a device that moved between two accounts

    async def tell(self) -> None:
        """Everything up to the morning."""
        first_day = MORNING - timedelta(days=DAYS)
        self.clock.time = first_day
        for cast in CASTS:
            await self._take_on(cast, first_day)
        for number in range(1, DAYS + 1):
            await self._day(first_day + timedelta(days=number))
        await self._this_morning()
        self.clock.stop(MORNING)

    def at(self, time: datetime) -> None:
        """Both clocks there."""
        self.clock.time = time
        self.apple.simulator.advance((time - self.apple.simulator.now()).total_seconds())

    async def walk(self, name: str, kind: PassKind = PassKind.SYNC, by: Actor | None = None) -> None:
        """A pass, whatever it comes to."""
        with suppress(AdeptError):  # it is stored, which is what the pictures show
            await run_pass(
                self.service.store, name, connect=way_to_apple, now=self.clock, holder="pictures", kind=kind, by=by
            )

    async def people(self) -> None:
        """Who may log in, and the keys."""
        store, now = self.service.store, self.clock
        self.at(MORNING - timedelta(days=DAYS))
        for name, role in (
            ("ann", Role.ADMIN),
            ("jonas", Role.OPERATOR),
            ("helpdesk", Role.VIEWER),
            ("petra", Role.VIEWER),
        ):
            await users.add_user(store, name, role=role, password=PASSWORD, by=ANN, now=now)
        for name, role, days in (
            ("inventory-export", Role.VIEWER, 365),
            ("munki", Role.OPERATOR, 90),
            ("old-script", Role.ADMIN, 30),
        ):
            await keys.create_key(store, name, role=role, expires_at=now() + timedelta(days=days), by=ANN, now=now)
        await keys.revoke_key(store, "old-script", by=ANN, now=now)
        await users.change_user(store, "petra", disabled=True, version=None, by=ANN, now=now)

    async def _take_on(self, cast: Cast, day: datetime) -> None:
        apple, store = self.apple.simulator, self.service.store
        if cast.organisation not in [found["name"] for found in apple.state()["organizations"]]:
            apple.add_organisation(cast.organisation, type="edu" if "Academy" in cast.organisation else "org")
        self.at(MORNING - cast.token_made)
        pair = generate_keypair(cast.server, now=self.clock())
        apple.add_server(cast.server, organisation=cast.organisation, certificate=pair.certificate_pem)
        for family, count in cast.fleet.items():
            for order in self._orders(count):
                apple.buy(order, family=family, server=cast.server)
        self.at(MORNING - cast.token_made)
        self.at(day)
        await registry.add(store, cast.name, base_url=self.apple.url, connect=way_to_apple, by=ANN, now=self.clock)
        pem = await exchange.certificate(store, cast.name, by=ANN, now=self.clock)
        apple.upload_certificate(cast.server, pem)
        self.apple.simulator.advance((MORNING - cast.token_made - apple.now()).total_seconds())
        file = apple.get_token(cast.server)
        self.at(day + timedelta(minutes=10))
        await exchange.upload_token(store, cast.name, file.content, connect=way_to_apple, by=ANN, now=self.clock)
        await self._profiles(cast)
        await self.walk(cast.name)

    def _orders(self, count: int) -> Sequence[int]:
        orders = []
        while count:
            orders.append(min(count, self.draw.choice((5, 12, 20, 40, 80, 200))))
            count -= orders[-1]
        return orders

    async def _profiles(self, cast: Cast) -> None:
        apple = self.apple.simulator
        serials = sorted(apple.devices(cast.server))
        async with AsyncClient(apple.token_of(cast.server), base_url=self.apple.url) as client:
            profile = Profile(profile_name=f"{cast.server} enrolment", url="https://mdm.example.org/enroll")
            defined = await client.define_profile(profile)
            chosen = self.draw.sample(serials, int(len(serials) * 0.93))
            await client.assign_profile(defined.profile_uuid, chosen)
        apple.switch_on(chosen[: int(len(chosen) * 0.85)])

    async def _day(self, day: datetime) -> None:
        if day.weekday() < 5:
            for cast in CASTS:
                self._changes(cast, day.replace(hour=9, minute=self.draw.randrange(60)))
        for hour in (10, 16):
            for minute, cast in enumerate(CASTS):
                time = day.replace(hour=hour, minute=3 * minute)
                if time < MORNING:
                    self.at(time)
                    await self.walk(cast.name)

    def _changes(self, cast: Cast, time: datetime) -> None:
        if time >= MORNING:
            return
        self.at(time)
        apple = self.apple.simulator
        serials = sorted(apple.devices(cast.server))
        number = self.draw.randrange(cast.daily * 2 + 1)
        if self.draw.random() < 0.25:
            apple.buy(number * 3 + 1, family=next(iter(cast.fleet)), server=cast.server)
        for serial in self.draw.sample(serials, min(number, len(serials))):
            apple.amend([serial], asset_tag=f"NW-{self.draw.randrange(10_000, 99_999)}")
        if self.draw.random() < 0.3:
            apple.release(self.draw.sample(serials, max(1, number // 3)))

    async def _this_morning(self) -> None:
        apple, store = self.apple.simulator, self.service.store
        at_seven = MORNING.replace(hour=7, minute=2)
        self.at(at_seven)
        self.moved = sorted(apple.devices("Head Office"))[11]
        apple.assign([self.moved], "Shop Floor")
        for name in ("retail", "hq"):
            await self.walk(name)
        # new terms, a token that somebody replaced, Apple away, an emptied lab
        apple.sign_terms(signed=False, organisation="Northwind Logistics")
        apple.revoke_token("Shop Floor")
        apple.assign(sorted(apple.devices("Test Lab"))[:31], None)
        self.at(at_seven + timedelta(minutes=8))
        for name in ("warehouse", "retail"):
            await self.walk(name)
        apple.fault("post_devices_sync", "malformed_device", count=1)
        await self.walk("hq")
        apple.fault("post_devices_sync", "bad_request_expired_cursor", count=1)
        await self.walk("lab")
        apple.fault("get_session", "service_unavailable", count=9)
        self.at(at_seven + timedelta(minutes=20))
        await self.walk("kiosks")
        apple.clear_faults()
        await registry.pause(store, "kiosks", by=JONAS, now=self.clock)
        await self.walk("schools", PassKind.FULL, by=JONAS)
        await self._waiting()
        self.at(at_seven + timedelta(minutes=45))
        await self.walk("hq", by=JONAS)
        await self.walk("schools")

    async def _waiting(self) -> None:
        """An account whose token can't be asked about yet, and one that has none."""
        apple, store = self.apple.simulator, self.service.store
        apple.add_server("Returns Desk", organisation="Northwind Logistics")
        for name in ("returns", "vision-pilot"):
            await registry.add(store, name, base_url=self.apple.url, connect=way_to_apple, by=ANN, now=self.clock)
        pem = await exchange.certificate(store, "returns", by=ANN, now=self.clock)
        apple.upload_certificate("Returns Desk", pem)
        file = apple.get_token("Returns Desk")
        await exchange.upload_token(store, "returns", file.content, connect=way_to_apple, by=ANN, now=self.clock)
