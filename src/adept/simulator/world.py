"""What a simulator is made from, and the making: every part of one run, put together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adept.errors import ConfigError
from adept.protocol.server_token import ServerToken
from adept.simulator import device_acts, portal_acts
from adept.simulator.clock import Clock
from adept.simulator.credentials import Credentials
from adept.simulator.cursors import MAXIMUM_LENGTH, CursorForm
from adept.simulator.depsim import Configuration, read_configuration
from adept.simulator.faults import Faults
from adept.simulator.hostility import PAGE_LIMIT, ROTATE_EVERY, Hostility
from adept.simulator.listings import MAXIMUM_LIMIT, Listings
from adept.simulator.requests import RequestLog
from adept.simulator.service import Doing, Habits, Service
from adept.simulator.sessions import Sessions
from adept.simulator.truth import Truth

FIRST_ORGANISATION = "Example Organisation"
FIRST_SERVER = "Example MDM"


@dataclass(frozen=True)
class Settings:
    """Everything a simulator is made from; a reset goes back to it. Raises ConfigError for what can't be."""

    devices: int | None  # size of the fleet on the first server; None: as the configuration says, or 0
    seed: int  # decides everything that is drawn
    config: Mapping[str, Any] | str | Path | None  # a depsim configuration, as a file or a dictionary
    token: ServerToken | None  # exactly these credentials are good for the first server; None: they follow the seed
    hostile: bool
    quoted_errors: bool  # depsim's error bodies
    session_life_s: int  # of inactivity, by the simulator's clock
    rotate_sessions_every: int  # answers; 0: session tokens don't roll
    forbid_unknown_sessions: bool  # depsim's 403 FORBIDDEN in place of 401 UNAUTHORIZED
    cursor_length: int  # the least number of characters of a cursor
    assign_methods: tuple[str, ...]  # POST, PUT or both
    page_limit: int | None  # the most devices a page holds, whatever a request asks; told in /account
    throttle_after: int | None  # assignments to one device within a day, before it is throttled; None: never

    def __post_init__(self) -> None:
        if self.devices is not None and self.devices < 0:
            raise ConfigError(f"a fleet has 0 devices or more, not {self.devices}")
        if not self.assign_methods or not set(self.assign_methods) <= {"POST", "PUT"}:
            raise ConfigError(f"profiles are assigned by POST, PUT or both, not by {self.assign_methods}")
        if not 0 <= self.cursor_length <= MAXIMUM_LENGTH:
            raise ConfigError(f"cursors have up to {MAXIMUM_LENGTH} characters, not {self.cursor_length}")
        if self.page_limit is not None and not 1 <= self.page_limit <= MAXIMUM_LIMIT:
            raise ConfigError(f"a page holds 1 to {MAXIMUM_LIMIT} devices, not {self.page_limit}")


@dataclass(frozen=True)
class World:
    """The parts of one run, from one reset to the next."""

    clock: Clock
    truth: Truth
    sessions: Sessions
    faults: Faults
    log: RequestLog
    service: Service


def made_of(settings: Settings) -> dict[str, Any]:
    """What shapes the truth of a simulator, from its start on: with the same, the same acts come to the same."""
    configuration = read_configuration(settings.config)
    token = settings.token and hashlib.sha256(settings.token.to_json()).hexdigest()
    return {
        "devices": _size(settings, configuration),
        "families": list(configuration.families),
        "seed": settings.seed,
        "token": token,
        "hostile": settings.hostile,
        "throttle_after": settings.throttle_after,
    }


def assemble(
    settings: Settings, *, run: int, founded_at: datetime, now: Callable[[], datetime] | None, doing: Doing
) -> World:
    """A world at its start, `founded_at`. `run` tells one run's cursors from another's; `now` is where real time comes
    from; `doing` is around each request that changes something.
    """
    configuration = read_configuration(settings.config)
    clock = Clock(now)
    truth = Truth(seed=settings.seed, clock=clock, hostile=settings.hostile, throttle_after=settings.throttle_after)
    with clock.held(founded_at):
        _found(truth, _size(settings, configuration), configuration.families, settings.token)
    faults = Faults(settings.seed)
    for endpoint, word, count in configuration.faults:
        faults.add(endpoint, word, count=count)
    rotate_every = settings.rotate_sessions_every or (ROTATE_EVERY if settings.hostile else 0)
    sessions = Sessions(clock, seed=settings.seed, life_s=settings.session_life_s, rotate_every=rotate_every)
    log = RequestLog()
    service = Service(
        truth,
        clock=clock,
        sessions=sessions,
        listings=Listings(clock, CursorForm(f"{settings.seed} {run}", length=settings.cursor_length)),
        faults=faults,
        log=log,
        habits=_habits(settings),
        hostility=Hostility(settings.seed, real_now=clock.real_now) if settings.hostile else None,
        doing=doing,
    )
    return World(clock, truth, sessions, faults, log, service)


def _size(settings: Settings, configuration: Configuration) -> int:
    return (configuration.devices if settings.devices is None else settings.devices) or 0


def _found(truth: Truth, size: int, families: tuple[str, ...], token: ServerToken | None) -> None:
    """The first organisation and its server, with its token and its fleet."""
    portal_acts.add_organisation(truth, FIRST_ORGANISATION)
    server = portal_acts.add_server(truth, FIRST_SERVER)
    if token is None:
        portal_acts.new_token(truth, server)
    else:
        portal_acts.use_token(server, _credentials(token))
    device_acts.found(truth, server, size, families)


def _habits(settings: Settings) -> Habits:
    return Habits(
        quoted_errors=settings.quoted_errors,
        forbid_unknown_sessions=settings.forbid_unknown_sessions,
        assign_methods=settings.assign_methods,
        page_limit=settings.page_limit or (PAGE_LIMIT if settings.hostile else None),
    )


def _credentials(token: ServerToken) -> Credentials:
    return Credentials(
        consumer_key=token.consumer_key,
        consumer_secret=token.consumer_secret,
        access_token=token.access_token,
        access_secret=token.access_secret,
        expires_at=token.access_token_expiry,
        expiry_text=token.expiry_text,
    )
