"""`Client`: Apple's device assignment service for threads.

A thin driver: `endpoints` says what is asked, `conversation` what follows from the answer, `transport` sends. Here is
only what needs a thread: sending, sleeping, and the lock under which a session is renewed. `AsyncClient` is its twin.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from adept.client import endpoints
from adept.client.batches import batches, join_assigned, join_details, join_results, wanted_serials
from adept.client.call import Call
from adept.client.clock import new_nonce, utc_now
from adept.client.conversation import Pause, Renew, Request, Step, converse
from adept.client.exchange import Answer, Exchange, HttpRequest
from adept.client.listing import Devices
from adept.client.observation import Observe, observed
from adept.client.recording import Record, recorder
from adept.client.session import Held, Session, read_session
from adept.client.setup import APPLE_URL, DEFAULT_USER_AGENT, Setup, check_confirmed
from adept.client.transport import SyncHttp, SyncLine
from adept.client.walk import Walk
from adept.errors import AdeptError
from adept.protocol.account import Account
from adept.protocol.account_driven import AccountDrivenEnrollment
from adept.protocol.activation_lock import ActivationLockResult
from adept.protocol.beta_tokens import BetaTokens
from adept.protocol.details import DeviceDetails
from adept.protocol.error_codes import SESSION
from adept.protocol.pages import MAXIMUM_LIMIT, DevicePage
from adept.protocol.profile import Profile
from adept.protocol.replacement import ReplacementDetails
from adept.protocol.results import AssignResult, DefineResult, DeviceResults
from adept.protocol.server_token import ServerToken
from adept.protocol.versions import PROTOCOL_VERSION

log = logging.getLogger("adept.client")

T = TypeVar("T")


class Client:
    """Asks Apple on behalf of one server token; may be shared by threads; a context manager that closes itself.

    Every method makes one logical call (or one per 1000 serial numbers), which is renewed, waited for and repeated as
    `conversation` says and raises `Refused`, `TokenRejected`, `Unreachable`, `Malformed` or `Misuse`. Where a list of
    serial numbers was cut up and a later part failed, the error's `partial` holds the joined results of the earlier.

    `wait_budget_s` is how long one logical call may wait in all where Apple sends Retry-After, 0 for not at all; it is
    read at the start of each call and may be set any time. `http` is an httpx2 Client (which stays the caller's) or
    transport: for proxies, private CAs, tests. `record` is a folder for sanitised exchanges or a callable that is told
    each `Exchange` as it was, with its secrets. `observe` is told what became of each request, without. `session` is
    shared with another client of the same token.
    """

    def __init__(
        self,
        token: ServerToken,
        *,
        base_url: str = APPLE_URL,
        user_agent: str = DEFAULT_USER_AGENT,
        protocol_version: int = PROTOCOL_VERSION,
        timeout_s: float = 60.0,
        wait_budget_s: float = 0.0,
        assign_method: str = "POST",
        http: SyncHttp | None = None,
        record: Record | str | Path | None = None,
        observe: Observe | None = None,
        session: Session | None = None,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        nonce: Callable[[], str] = new_nonce,
    ) -> None:
        self.setup = Setup(token, base_url, user_agent, protocol_version, assign_method, timeout_s)
        self.session = session or Session()
        self.wait_budget_s = wait_budget_s
        self.waited_s = 0.0  # in all, after Retry-After
        self.requests = 0  # HTTP requests sent so far
        self._counting = threading.Lock()
        self._record = recorder(record)
        self._observe = observe
        self._line = SyncLine(
            http, base_url=self.setup.base_url, timeout_s=timeout_s, plain_http=self.setup.is_plain_http
        )
        self._now = now
        self._sleep = sleep
        self._nonce = nonce

    @classmethod
    def from_token_file(cls, path: str | Path, **settings: object) -> Self:
        """A client for the decrypted token in a JSON file; TokenFileError if it isn't one. `settings` as `Client`'s."""
        return cls(ServerToken.from_file(path), **settings)  # type: ignore[arg-type] # checked by __init__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.setup.token!r}, base_url={self.setup.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; later calls are Misuse. The session at Apple's end runs out by itself."""
        self._line.close()

    def send(self, call: Call[T]) -> T:
        """Carry out any call of `adept.client.endpoints`; the methods below are this with one of them."""
        self.setup.refuse_expired(self._now())
        steps = converse(call, self.session, wait_budget_s=self.wait_budget_s, now=self._now)
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._take(step, call)
                except AdeptError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            value: T = end.value
            return value

    def _take(self, step: Step, call: Call[T]) -> Answer | None:
        match step:
            case Request(method, held):
                request = self.setup.request(call, method=method, held=held)
                return self._exchange(request, about=call.about, endpoint=call.endpoint)
            case Renew(refused):
                self.renew_session(refused)
            case Pause(seconds):
                log.warning("waiting as Apple asked", extra={"endpoint": call.endpoint, "seconds": seconds})
                self._sleep(seconds)
                with self._counting:
                    self.waited_s += seconds
        return None

    def renew_session(self, refused: Held) -> None:
        """Open a new session, unless one was opened since the refused one (`client.session.held`, then).

        Every call does this by itself where it must.
        """
        with self.session.thread_lock:
            if self.session.held.opening != refused.opening:
                return  # somebody else has opened a new one
            request = self.setup.session_request(timestamp=int(self._now().timestamp()), nonce=self._nonce())
            answer = self._exchange(request, about="opening a session", endpoint=SESSION)
            self.session.start(read_session(answer, now=self._now()))
        log.info("session opened", extra={"sessions": self.session.opened})

    def _exchange(self, request: HttpRequest, *, about: str, endpoint: str) -> Answer:
        with self._counting:
            self.requests += 1
        with observed(self._observe, endpoint) as show:
            answer = show(self._line.send(request, about=about, endpoint=endpoint))
        log.debug("request answered", extra={"endpoint": endpoint, "status": answer.status})
        if self._record:
            self._record(Exchange(request, answer))
        return answer

    def account(self) -> Account:
        """Who the server token belongs to."""
        return self.send(endpoints.account())

    def fetch_devices(self, cursor: str | None = None, *, limit: int | None = None) -> DevicePage:
        """A page of all devices, from the start without a cursor; EXHAUSTED_CURSOR if it was the last page's."""
        return self.send(endpoints.fetch_devices(cursor, limit=limit))

    def sync_devices(self, cursor: str, *, limit: int | None = None) -> DevicePage:
        """A page of what changed since `cursor`; Refused EXPIRED_CURSOR if that is older than 7 days."""
        return self.send(endpoints.sync_devices(cursor, limit=limit))

    def all_devices(self, cursor: str | None = None, *, limit: int = MAXIMUM_LIMIT) -> Devices:
        """All devices in Apple's order, page by page as they are asked for; from `cursor` on if one is given."""
        endpoints.fetch_devices(cursor, limit=limit)  # what is wrong with the arguments is told now, not in the loop
        return Devices(Walk(lambda at: endpoints.fetch_devices(at, limit=limit), cursor), self.send)

    def all_changes(self, cursor: str, *, limit: int = MAXIMUM_LIMIT) -> Devices:
        """All changes since `cursor`, oldest first; the same serial number may come several times."""
        endpoints.sync_devices(cursor, limit=limit)  # as above
        return Devices(Walk(lambda at: endpoints.sync_devices(at or "", limit=limit), cursor), self.send)

    def device_details(self, serials: Iterable[str]) -> DeviceDetails:
        """What Apple knows of any number of serial numbers, ours or not."""
        return self._in_batches(serials, endpoints.device_details, join_details)

    def replacement_details(self, serial: str) -> ReplacementDetails:
        """Which device this replacement stands for; Refused DEVICE_NOT_FOUND for one that is none."""
        return self.send(endpoints.replacement_details(serial))

    def define_profile(self, profile: Profile) -> DefineResult:
        """Store a profile at Apple under a new UUID, and assign it to its `devices`. Never repeated where it may have
        happened: after `Unreachable` with `may_have_happened` a second try may make a second profile."""
        return self.send(endpoints.define_profile(profile))

    def profile(self, uuid: str) -> Profile:
        """The profile of that UUID; Refused NOT_FOUND or PROFILE_NOT_FOUND where there is none."""
        return self.send(endpoints.profile(uuid))

    def assign_profile(self, uuid: str, serials: Iterable[str]) -> AssignResult:
        """Give a profile to any number of devices. Look at each status and at `missing`: they raise no error."""
        method = self.setup.assign_method
        return self._in_batches(
            serials, lambda batch: endpoints.assign_profile(uuid, batch, method=method), join_assigned
        )

    def remove_profile(self, serials: Iterable[str]) -> DeviceResults:
        """Take their profile away from any number of devices. Look at each status, as with `assign_profile`."""
        return self._in_batches(serials, endpoints.remove_profile, join_results)

    def activation_lock(
        self, serial: str, *, escrow_key: str | None = None, lost_message: str | None = None
    ) -> ActivationLockResult:
        """Lock a device, with the hash of a bypass code or to a person. Look at the status: failures raise no error."""
        return self.send(endpoints.activation_lock(serial, escrow_key=escrow_key, lost_message=lost_message))

    def beta_tokens(self) -> BetaTokens:
        """The organisation's tokens for beta programmes."""
        return self.send(endpoints.beta_tokens())

    def account_driven_enrollment(self) -> AccountDrivenEnrollment:
        """The URL for account-driven enrollment; Refused NOT_FOUND where none is set."""
        return self.send(endpoints.account_driven_enrollment())

    def set_account_driven_enrollment(self, url: str) -> None:
        """Set that URL."""
        self.send(endpoints.set_account_driven_enrollment(url))

    def delete_account_driven_enrollment(self) -> None:
        """Have no such URL any more."""
        self.send(endpoints.delete_account_driven_enrollment())

    def disown(self, serials: Iterable[str], *, confirm_count: int) -> DeviceResults:
        """Release devices from the organisation, for ever. Misuse unless `confirm_count` is how many they are, folded
        and each counted once. Never repeated; after an error ask `device_details` what became of them."""
        wanted = wanted_serials(serials)
        check_confirmed(wanted, confirm_count)
        return self._in_batches(wanted, endpoints.disown, join_results)

    def _in_batches(
        self,
        serials: Iterable[str],
        question: Callable[[tuple[str, ...]], Call[T]],
        join: Callable[[list[T]], T],
    ) -> T:
        parts: list[T] = []
        for batch in batches(wanted_serials(serials)):
            try:
                parts.append(self.send(question(batch)))
            except AdeptError as error:
                error.partial = join(parts) if parts else None
                raise
        return join(parts)
