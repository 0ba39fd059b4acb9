"""The simulator as one object: Apple's service, the portal, and a hand on everything behind them.

    simulator = Simulator(devices=2000, seed=7)
    with serve(simulator) as running:  # adept.simulator.running
        ...  # Client(running.token, base_url=running.url)
        simulator.buy(3)
        simulator.fault("post_devices_sync", "unauthorized")

All methods may be called from any thread, while requests are served or not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from adept.errors import ConfigError, Misuse
from adept.protocol.server_token import ServerToken
from adept.simulator import device_acts, portal_acts
from adept.simulator.answers import Answer
from adept.simulator.catalogue import FAMILY_WEIGHTS
from adept.simulator.clock import Clock, as_apple_time
from adept.simulator.credentials import Credentials
from adept.simulator.cursors import CursorForm
from adept.simulator.depsim import read_configuration
from adept.simulator.documents import read
from adept.simulator.faults import Faults
from adept.simulator.hostility import PAGE_LIMIT, ROTATE_EVERY, Hostility
from adept.simulator.listings import Listings
from adept.simulator.organisation import MdmServer
from adept.simulator.portal_acts import REVOKED
from adept.simulator.requests import LoggedRequest, RequestLog, ServiceRequest
from adept.simulator.service import Habits, Service
from adept.simulator.sessions import DEFAULT_LIFE_S, Sessions
from adept.simulator.token_files import TokenFile, token_file
from adept.simulator.truth import Truth

FIRST_ORGANISATION = "Example Organisation"
FIRST_SERVER = "Example MDM"


@dataclass(frozen=True)
class Settings:
    """Everything a simulator is made from; a reset goes back to it. Fields as the arguments of `Simulator`."""

    devices: int | None
    seed: int
    config: Mapping[str, Any] | str | Path | None
    token: ServerToken | None
    hostile: bool
    quoted_errors: bool
    session_life_s: int
    rotate_sessions_every: int
    forbid_unknown_sessions: bool
    cursor_length: int
    assign_methods: tuple[str, ...]
    page_limit: int | None


class Simulator:
    """A simulated Apple with one organisation and one MDM server to start with.

    `devices` is the size of the fleet on that server; None leaves it to the configuration (0 without one). `seed` decides
    everything that is drawn. `config` is a depsim configuration, as a file or a dictionary. `token` makes exactly these
    credentials good for the first server; else they follow from the seed. `now` is where real time comes from.
    Raises ConfigError, naming the word, for a configuration that can't be used.
    """

    def __init__(
        self,
        devices: int | None = None,
        seed: int = 0,
        *,
        config: Mapping[str, Any] | str | Path | None = None,
        token: ServerToken | None = None,
        hostile: bool = False,
        quoted_errors: bool = False,
        session_life_s: int = DEFAULT_LIFE_S,
        rotate_sessions_every: int = 0,
        forbid_unknown_sessions: bool = False,
        cursor_length: int = 0,
        assign_methods: Sequence[str] = ("POST", "PUT"),
        page_limit: int | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        if devices is not None and devices < 0:
            raise ConfigError(f"a fleet has 0 devices or more, not {devices}")
        if not set(assign_methods) <= {"POST", "PUT"} or not assign_methods:
            raise ConfigError(f"profiles are assigned by POST, PUT or both, not {tuple(assign_methods)}")
        if not 0 <= cursor_length <= 1000:
            raise ConfigError(f"cursors have up to 1000 characters, not {cursor_length}")
        if page_limit is not None and not 1 <= page_limit <= 1000:
            raise ConfigError(f"a page holds 1 to 1000 devices, not {page_limit}")
        self.settings = Settings(
            devices=devices,
            seed=seed,
            config=config,
            token=token,
            hostile=hostile,
            quoted_errors=quoted_errors,
            session_life_s=session_life_s,
            rotate_sessions_every=rotate_sessions_every or (ROTATE_EVERY if hostile else 0),
            forbid_unknown_sessions=forbid_unknown_sessions,
            cursor_length=cursor_length,
            assign_methods=tuple(assign_methods),
            page_limit=page_limit or (PAGE_LIMIT if hostile else None),
        )
        self._now = now
        self._lock = threading.RLock()
        self._resets = 0
        self.reset()

    def reset(self) -> None:
        """Go back to the start: same fleet, same token; no faults, sessions, requests or moved clock."""
        settings = self.settings
        configuration = read_configuration(settings.config)
        clock = Clock(self._now)
        truth = Truth(seed=settings.seed, clock=clock, hostile=settings.hostile)
        portal_acts.add_organisation(truth, FIRST_ORGANISATION)
        server = portal_acts.add_server(truth, FIRST_SERVER)
        if settings.token is None:
            portal_acts.new_token(truth, server)
        else:
            portal_acts.use_token(server, _credentials(settings.token))
        size = configuration.devices if settings.devices is None else settings.devices
        device_acts.found(truth, server, size or 0, configuration.families)
        faults = Faults(settings.seed)
        for endpoint, word, count in configuration.faults:
            faults.add(endpoint, word, count=count)
        sessions = Sessions(
            clock, seed=settings.seed, life_s=settings.session_life_s, rotate_every=settings.rotate_sessions_every
        )
        form = CursorForm(f"{settings.seed} {self._resets}", length=settings.cursor_length)
        log = RequestLog()
        service = Service(
            truth,
            clock=clock,
            sessions=sessions,
            listings=Listings(clock, form),
            faults=faults,
            log=log,
            habits=Habits(
                settings.quoted_errors, settings.forbid_unknown_sessions, settings.assign_methods, settings.page_limit
            ),
            hostility=Hostility(settings.seed) if settings.hostile else None,
        )
        with self._lock:
            self._resets += 1
            self._clock, self._truth, self._faults, self._sessions = clock, truth, faults, sessions
            self._log, self._service = log, service

    # Apple's service

    def answer(self, request: ServiceRequest) -> Answer:
        """Answer one request to the service."""
        with self._lock:
            return self._service.answer(request)

    @property
    def token(self) -> ServerToken:
        """The first server's present token. Raises Misuse if it was revoked."""
        return self.token_of(None)

    def token_of(self, server: str | None = None) -> ServerToken:
        """A server's present token; of the first one for None. Raises Misuse if it has none."""
        with self._lock:
            found = self._truth.server(server)
            if found.credentials is None:
                raise Misuse(f"the MDM server {found.name!r} has no token; get one from the portal")
            return ServerToken.from_json(found.credentials.as_json())

    # The portal

    def add_organisation(self, name: str, *, type: str = "org", version: str = "v2") -> str:  # noqa: A002
        """A new organisation; `type` is org or edu, `version` v1 or v2. Gives its name."""
        with self._lock:
            return portal_acts.add_organisation(self._truth, name, type=type, version=version).name

    def add_server(
        self,
        name: str,
        *,
        organisation: str | None = None,
        certificate: bytes | None = None,
        may_disown: bool = True,
    ) -> str:
        """*Add MDM Server*: gives its UUID. `certificate` is PEM or DER."""
        with self._lock:
            owner = self._truth.organisation(organisation)
            return portal_acts.add_server(
                self._truth, name, organisation=owner, certificate=certificate, may_disown=may_disown
            ).uuid

    def upload_certificate(self, server: str, certificate: bytes) -> None:
        """*Upload Key*: the certificate that the server's next token is encrypted to."""
        with self._lock:
            portal_acts.upload_certificate(self._truth.server(server), certificate)

    def get_token(self, server: str | None = None, *, form: str = "ber") -> TokenFile:
        """*Get Token*: a new token, as Apple's `.p7m` (`ber`, or `der`) or as plain `json`. The old one dies now."""
        with self._lock:
            found = self._truth.server(server)
            return token_file(found, lambda: portal_acts.new_token(self._truth, found), form=form, at=self._clock.now())

    def revoke_token(self, server: str | None = None) -> None:
        """Make the server's token good for nothing; a new one can be got."""
        with self._lock:
            portal_acts.retire_token(self._truth.server(server), REVOKED)

    def sign_terms(self, *, signed: bool = True, organisation: str | None = None) -> None:
        """Accept Apple's terms for an organisation; with `signed=False`, new terms are waiting to be signed."""
        with self._lock:
            self._truth.organisation(organisation).terms_signed = signed

    def allow_betas(self, *, allowed: bool, organisation: str | None = None) -> None:
        """Turn the organisation's beta programme on or off."""
        with self._lock:
            self._truth.organisation(organisation).betas_allowed = allowed

    # Devices

    def buy(
        self,
        count: int | None = None,
        *,
        serials: Sequence[str] | None = None,
        family: str | None = None,
        server: str | None = FIRST_SERVER,
        organisation: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """New devices: `count` of them, or these serials. On `server`, or, for None, assigned to nobody yet."""
        if family is not None and family not in FAMILY_WEIGHTS:
            raise Misuse(f"there is no device family {family!r}; there are {', '.join(FAMILY_WEIGHTS)}")
        with self._lock:
            return device_acts.buy(
                self._truth,
                count=count,
                serials=serials,
                families=(family,) if family else (),
                server=self._truth.server(server) if server is not None else None,
                organisation=self._truth.organisation(organisation) if organisation else None,
                fields=fields,
            )

    def assign(self, serials: Sequence[str], server: str | None, *, migration_deadline: datetime | None = None) -> None:
        """Assign devices to a server in the portal; to None, unassign them. All of them or none."""
        with self._lock:
            if server is None:
                device_acts.unassign(self._truth, serials)
            else:
                target = self._truth.server(server)
                device_acts.assign(self._truth, serials, target, migration_deadline=migration_deadline)

    def release(self, serials: Sequence[str]) -> None:
        """Release devices from their organisation."""
        with self._lock:
            device_acts.release(self._truth, serials)

    def replace(self, serials: Sequence[str], *, server: str | None = None) -> dict[str, str]:
        """Have Apple replace devices: old serial number to new."""
        with self._lock:
            target = self._truth.server(server) if server is not None else None
            return device_acts.replace(self._truth, serials, server=target)

    def switch_on(self, serials: Sequence[str]) -> list[str]:
        """Set devices up; gives those that had a profile to fetch."""
        with self._lock:
            return device_acts.switch_on(self._truth, serials)

    def amend(self, serials: Sequence[str], **fields: Any) -> None:
        """Change any field of assigned devices; None takes it away."""
        with self._lock:
            device_acts.amend(self._truth, serials, fields)

    def throttle(self, serials: Sequence[str], seconds: int) -> None:
        """Refuse profile assignments to these devices for so long."""
        with self._lock:
            device_acts.throttle(self._truth, serials, seconds)

    def devices(self, server: str | None = None) -> dict[str, bytes]:
        """The truth: what is on a server now, serial number to JSON of the newest protocol version, in Apple's order."""
        with self._lock:
            return dict(self._truth.server(server).roster)

    def newest_devices(self, count: int, server: str | None = None) -> list[dict[str, Any]]:
        """The fields of the devices assigned last, newest first."""
        with self._lock:
            documents = islice(reversed(self._truth.server(server).roster.values()), count)
            return [read(document) for document in documents]

    def profiles(self, server: str | None = None) -> dict[str, dict[str, Any]]:
        """The profiles that were defined for a server, by UUID."""
        with self._lock:
            return dict(self._truth.server(server).profiles)

    # Clock, faults, what was asked

    def now(self) -> datetime:
        """The simulated time."""
        return self._clock.now()

    def advance(self, seconds: float) -> datetime:
        """Move the simulator's clock."""
        with self._lock:
            return self._clock.advance(timedelta(seconds=seconds))

    def fault(
        self,
        endpoint: str,
        response: str,
        *,
        count: int | None = None,
        share: float | None = None,
        after: int = 0,
        seconds: float | None = None,
    ) -> None:
        """Order a fault, as `adept.simulator.faults.Faults.add`. Raises ConfigError for words nobody knows."""
        with self._lock:
            self._faults.add(endpoint, response, count=count, share=share, after=after, seconds=seconds)

    def clear_faults(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force."""
        with self._lock:
            return self._faults.as_json()

    def end_sessions(self) -> None:
        """Forget all sessions, as a restart of Apple's service would."""
        with self._lock:
            self._sessions.close_all()

    def requests(self, since: int = 0) -> list[LoggedRequest]:
        """The requests after that number, oldest first."""
        with self._lock:
            return self._log.since(since)

    def state(self) -> dict[str, Any]:
        """Everything at a glance: time, organisations, servers, faults, counts. Without secrets."""
        with self._lock:
            truth = self._truth
            return {
                "now": as_apple_time(self._clock.now()),
                "seed": self.settings.seed,
                "hostile": self.settings.hostile,
                "organizations": [
                    {
                        "name": owner.name,
                        "type": owner.type,
                        "version": owner.version,
                        "terms_signed": owner.terms_signed,
                        "unassigned": len(owner.unassigned),
                    }
                    for owner in truth.organisations.values()
                ],
                "servers": [_server_state(server) for server in truth.servers.values()],
                "faults": self._faults.as_json(),
                "sessions": len(self._sessions),
                "requests": self._log.count,
            }


def _server_state(server: MdmServer) -> dict[str, Any]:
    return {
        "name": server.name,
        "uuid": server.uuid,
        "organization": server.organisation.name,
        "devices": len(server.roster),
        "operations": len(server.log),
        "profiles": len(server.profiles),
        "has_certificate": server.certificate is not None,
        "token_expiry": server.credentials.expiry_text if server.credentials else None,
    }


def _credentials(token: ServerToken) -> Credentials:
    return Credentials(
        consumer_key=token.consumer_key,
        consumer_secret=token.consumer_secret,
        access_token=token.access_token,
        access_secret=token.access_secret,
        expires_at=token.access_token_expiry,
        expiry_text=token.expiry_text,
    )
