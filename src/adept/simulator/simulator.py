"""The simulator as one object: Apple's service, the portal, and a hand on everything behind them.

    simulator = Simulator(devices=2000, seed=7)
    with serve(simulator) as running:  # adept.simulator.running
        ...  # Client(running.token, base_url=running.url)
        simulator.buy(3)
        simulator.fault("post_devices_sync", "unauthorized")

All methods may be called from any thread, while requests are served or not.

Those that are acts happen at one moment each, and in a simulator with a state file stand there before they are done.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, get_type_hints

import msgspec

from adept.errors import ConfigError, Misuse
from adept.protocol.server_token import ServerToken
from adept.simulator import device_acts, portal_acts
from adept.simulator.answers import Answer
from adept.simulator.catalogue import FAMILY_WEIGHTS
from adept.simulator.clock import Clock
from adept.simulator.documents import read, with_suffix
from adept.simulator.journal import GENERATION, Entry, Head, Journal
from adept.simulator.portal_acts import REVOKED
from adept.simulator.requests import LoggedRequest, ServiceRequest
from adept.simulator.service import SERVE
from adept.simulator.sessions import DEFAULT_LIFE_S
from adept.simulator.state import state_of
from adept.simulator.token_files import TokenFile, token_file
from adept.simulator.world import FIRST_SERVER, Settings, World, assemble, made_of

P = ParamSpec("P")
T = TypeVar("T")

_acts: dict[str, Callable[..., Any]] = {}


def _act(method: Callable[Concatenate[Simulator, P], T]) -> Callable[Concatenate[Simulator, P], T]:
    """A method that changes the truth."""
    signature = inspect.signature(method)
    _acts[method.__name__] = method

    @wraps(method)
    def act(self: Simulator, /, *arguments: P.args, **named: P.kwargs) -> T:
        given = signature.bind(self, *arguments, **named).arguments
        del given["self"]
        with self._lock, self._doing(method.__name__, given):
            return method(self, *arguments, **named)

    return act


class Simulator:
    """A simulated Apple with one organisation and one MDM server to start with.

    The arguments are those of `adept.simulator.world.Settings`; `now` is where real time comes from. `state` names a
    file that keeps what is done to it: one that is made of the same goes on from there, with the devices, profiles,
    tokens and cursors of before; sessions, faults and the log of requests begin anew, as after a restart of Apple's
    service. Raises ConfigError, naming the word, for a configuration that can't be used, or a state file of something
    else; Busy where another simulator has that file.
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
        throttle_after: int | None = None,
        now: Callable[[], datetime] | None = None,
        state: str | Path | None = None,
    ) -> None:
        self.settings = Settings(
            devices=devices,
            seed=seed,
            config=config,
            token=token,
            hostile=hostile,
            quoted_errors=quoted_errors,
            session_life_s=session_life_s,
            rotate_sessions_every=rotate_sessions_every,
            forbid_unknown_sessions=forbid_unknown_sessions,
            cursor_length=cursor_length,
            assign_methods=tuple(assign_methods),
            page_limit=page_limit,
            throttle_after=throttle_after,
        )
        self._now = now
        self._lock = threading.RLock()
        self._head = self._new_head(run=1)
        self._journal: Journal | None = None
        if state is None:
            self._world = self._made(self._head)
        else:
            self._journal = Journal(Path(state))
            try:
                self._remember(self._journal)
            except BaseException:
                self._journal.close()
                raise

    def close(self) -> None:
        """Let another simulator have the state file; nothing without one. No act is possible any more."""
        if self._journal is not None:
            self._journal.close()

    def reset(self) -> None:
        """Go back to the start: same fleet, same token; no faults, sessions, requests or moved clock."""
        head = self._new_head(run=self._head.run + 1)
        world = self._made(head)
        with self._lock:
            if self._journal is not None:
                self._journal.write(head)
            self._head, self._world = head, world

    def _new_head(self, *, run: int) -> Head:
        return Head(generation=GENERATION, made_of=made_of(self.settings), run=run, founded_at=Clock(self._now).now())

    def _made(self, head: Head) -> World:
        return assemble(self.settings, run=head.run, founded_at=head.founded_at, now=self._now, doing=self._doing)

    def _remember(self, journal: Journal) -> None:
        """Become what the file tells of; a new one begins with what this is."""
        if journal.head is None:
            journal.write(self._head)
        else:
            _check_same(journal.path, was=journal.head, is_now=self._head)
            self._head = journal.head
        self._world = self._made(self._head)
        for entry in journal.entries:
            with self._world.clock.held(entry.at), suppress(Exception):  # what failed then fails again
                self._repeat(entry)

    def _repeat(self, entry: Entry) -> None:
        if entry.act == SERVE:
            self._world.service.repeat(entry.given)
            return
        method = _acts[entry.act]
        hints, signature = get_type_hints(method), inspect.signature(method)
        bound = signature.bind_partial(self)
        for name, value in entry.given.items():
            is_plain = signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
            bound.arguments[name] = value if is_plain else msgspec.convert(value, hints[name])
        method(*bound.args, **bound.kwargs)

    @contextmanager
    def _doing(self, act: str, given: Mapping[str, Any]) -> Iterator[None]:
        """Around an act: it is written down, and lasts no time."""
        at = self._world.clock.now()
        if self._journal is not None:
            self._journal.write(Entry(at=at, act=act, given=dict(given)))
        with self._world.clock.held(at):
            yield

    # Apple's service

    def answer(self, request: ServiceRequest) -> Answer:
        """Answer one request to the service."""
        with self._lock:
            return self._world.service.answer(request)

    @property
    def token(self) -> ServerToken:
        """The first server's present token. Raises Misuse if it was revoked."""
        return self.token_of(None)

    def token_of(self, server: str | None = None) -> ServerToken:
        """A server's present token; of the first one for None. Raises Misuse if it has none."""
        with self._lock:
            found = self._world.truth.server(server)
            if found.credentials is None:
                raise Misuse(f"the MDM server {found.name!r} has no token; get one from the portal")
            return ServerToken.from_json(found.credentials.as_json())

    # The portal

    @_act
    def add_organisation(self, name: str, *, type: str = "org", version: str = "v2") -> str:  # noqa: A002
        """A new organisation; `type` is org or edu, `version` v1 or v2. Gives its name."""
        return portal_acts.add_organisation(self._world.truth, name, type=type, version=version).name

    @_act
    def add_server(
        self,
        name: str,
        *,
        organisation: str | None = None,
        certificate: bytes | None = None,
        may_disown: bool = True,
    ) -> str:
        """*Add MDM Server*: gives its UUID. `certificate` is PEM or DER."""
        owner = self._world.truth.organisation(organisation)
        return portal_acts.add_server(
            self._world.truth, name, organisation=owner, certificate=certificate, may_disown=may_disown
        ).uuid

    @_act
    def upload_certificate(self, server: str, certificate: bytes) -> None:
        """*Upload Key*: the certificate that the server's next token is encrypted to."""
        portal_acts.upload_certificate(self._world.truth.server(server), certificate)

    @_act
    def get_token(self, server: str | None = None, *, form: str = "ber") -> TokenFile:
        """*Get Token*: a new token, as Apple's `.p7m` (`ber`, or `der`) or as plain `json`. The old one dies now."""
        found = self._world.truth.server(server)
        return token_file(
            found, lambda: portal_acts.new_token(self._world.truth, found), form=form, at=self._world.clock.now()
        )

    @_act
    def revoke_token(self, server: str | None = None) -> None:
        """Make the server's token good for nothing; a new one can be got."""
        portal_acts.retire_token(self._world.truth.server(server), REVOKED)

    @_act
    def sign_terms(self, *, signed: bool = True, organisation: str | None = None) -> None:
        """Accept Apple's terms for an organisation; with `signed=False`, new terms are waiting to be signed."""
        self._world.truth.organisation(organisation).terms_signed = signed

    @_act
    def allow_betas(self, *, allowed: bool, organisation: str | None = None) -> None:
        """Turn the organisation's beta programme on or off."""
        self._world.truth.organisation(organisation).betas_allowed = allowed

    # Devices

    @_act
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
        return device_acts.buy(
            self._world.truth,
            count=count,
            serials=serials,
            families=(family,) if family else (),
            server=self._world.truth.server(server) if server is not None else None,
            organisation=self._world.truth.organisation(organisation) if organisation else None,
            fields=fields,
        )

    @_act
    def assign(self, serials: Sequence[str], server: str | None, *, migration_deadline: datetime | None = None) -> None:
        """Assign devices to a server in the portal; to None, unassign them. All of them or none."""
        if server is None:
            device_acts.unassign(self._world.truth, serials)
        else:
            target = self._world.truth.server(server)
            device_acts.assign(self._world.truth, serials, target, migration_deadline=migration_deadline)

    @_act
    def release(self, serials: Sequence[str]) -> None:
        """Release devices from their organisation."""
        device_acts.release(self._world.truth, serials)

    @_act
    def replace(self, serials: Sequence[str], *, server: str | None = None) -> dict[str, str]:
        """Have Apple replace devices: old serial number to new."""
        target = self._world.truth.server(server) if server is not None else None
        return device_acts.replace(self._world.truth, serials, server=target)

    @_act
    def switch_on(self, serials: Sequence[str]) -> list[str]:
        """Set devices up; gives those that had a profile to fetch."""
        return device_acts.switch_on(self._world.truth, serials)

    @_act
    def amend(self, /, serials: Sequence[str], **fields: Any) -> None:
        """Change any field of assigned devices; None takes it away."""
        device_acts.amend(self._world.truth, serials, fields)

    @_act
    def throttle(self, serials: Sequence[str], seconds: int) -> None:
        """Refuse profile assignments to these devices for so long."""
        device_acts.throttle(self._world.truth, serials, seconds)

    def devices(self, server: str | None = None) -> dict[str, bytes]:
        """The truth: what is on a server now, serial number to JSON of the newest protocol version, in fetch order."""
        with self._lock:
            return dict(self._world.truth.server(server).roster)

    def log(self, server: str | None = None, *, since: int = 0) -> list[bytes]:
        """What happened to a server's devices, oldest first, as a sync tells it: JSON with `op_type` and `op_date`.

        After the first `since` operations. The devices that a server began with stand in no log.
        """
        with self._lock:
            operations = self._world.truth.server(server).log[since:]
        return [with_suffix(entry.document, entry.suffix) for entry in operations]

    def newest_devices(self, count: int, server: str | None = None) -> list[dict[str, Any]]:
        """The fields of the devices assigned last, newest first."""
        with self._lock:
            documents = islice(reversed(self._world.truth.server(server).roster.values()), count)
            return [read(document) for document in documents]

    def profiles(self, server: str | None = None) -> dict[str, dict[str, Any]]:
        """The profiles that were defined for a server, by UUID."""
        with self._lock:
            return dict(self._world.truth.server(server).profiles)

    # Clock, faults, what was asked

    def now(self) -> datetime:
        """The simulated time."""
        return self._world.clock.now()

    @_act
    def advance(self, seconds: float) -> datetime:
        """Move the simulator's clock."""
        return self._world.clock.advance(timedelta(seconds=seconds))

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
            self._world.faults.add(endpoint, response, count=count, share=share, after=after, seconds=seconds)

    def clear_faults(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._world.faults.clear()

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force."""
        with self._lock:
            return self._world.faults.as_json()

    def end_sessions(self) -> None:
        """Forget all sessions, as a restart of Apple's service would."""
        with self._lock:
            self._world.sessions.close_all()

    def requests(self, since: int = 0) -> list[LoggedRequest]:
        """The requests after that number, oldest first."""
        with self._lock:
            return self._world.log.since(since)

    def state(self) -> dict[str, Any]:
        """Everything at a glance: time, organisations, servers, faults, counts. Without secrets."""
        with self._lock:
            return state_of(self._world, self.settings)


def _check_same(path: Path, *, was: Head, is_now: Head) -> None:
    """Refuse to go on with what was made of something else: the same acts would come to something else."""
    if was.generation != is_now.generation:
        raise ConfigError(
            f"the state file {path} is of another version of adept, whose simulator drew other devices",
            way_out="remove it to begin anew, or go on with that version",
        )
    differing = [name for name, value in is_now.made_of.items() if was.made_of.get(name) != value]
    if differing:
        there, here = (
            ", ".join(f"{name} {made_of[name]}" for name in differing if name != "token")
            for made_of in (was.made_of, is_now.made_of)
        )
        said = f": {there} there, {here} here" if there else ": another token"
        raise ConfigError(
            f"the state file {path} is of a simulator that was started otherwise{said}",
            way_out="start it with the same options, or name another file",
        )
