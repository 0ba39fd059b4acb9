"""`AsyncClient`: Apple's device assignment service for tasks of one asyncio loop.

The twin of `Client`, which documents what both do: the same endpoints, the same conversation, driven with await.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from adept.client import endpoints
from adept.client.batches import batches, join_assigned, join_details, join_results, wanted_serials
from adept.client.call import Call
from adept.client.clock import new_nonce, utc_now
from adept.client.conversation import Pause, Renew, Request, Step, converse
from adept.client.exchange import Answer, Exchange, HttpRequest
from adept.client.listing import AsyncDevices
from adept.client.observation import Observe, observed
from adept.client.pacing import Pace, at_once
from adept.client.recording import Record, recorder
from adept.client.session import Held, Session, read_session
from adept.client.setup import APPLE_URL, DEFAULT_USER_AGENT, Setup, check_confirmed
from adept.client.transport import AsyncHttp, AsyncLine
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


class AsyncClient:
    """As `Client`, for tasks of one event loop; an async context manager that closes itself.

    `http` is an httpx2 AsyncClient (which stays the caller's) or async transport; ASGITransport talks to a simulator in
    this process. `record` and `observe` callables are called in the loop. `pace` is entered around each HTTP request:
    see `adept.client.pacing`.
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
        http: AsyncHttp | None = None,
        record: Record | str | Path | None = None,
        observe: Observe | None = None,
        pace: Pace = at_once,
        session: Session | None = None,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        nonce: Callable[[], str] = new_nonce,
    ) -> None:
        self.setup = Setup(token, base_url, user_agent, protocol_version, assign_method, timeout_s)
        self.session = session or Session()
        self.wait_budget_s = wait_budget_s
        self.waited_s = 0.0  # in all, after Retry-After
        self.requests = 0  # HTTP requests sent so far
        self._record = recorder(record)
        self._observe = observe
        self._pace = pace
        self._line = AsyncLine(http, timeout_s=timeout_s, plain_http=self.setup.is_plain_http)
        self._now = now
        self._sleep = sleep
        self._nonce = nonce

    @classmethod
    def from_token_file(cls, path: str | Path, **settings: object) -> Self:
        """A client for the decrypted token in a JSON file; TokenFileError if it isn't one. `settings` as `Client`'s."""
        return cls(ServerToken.from_file(path), **settings)  # type: ignore[arg-type] # checked by __init__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.setup.token!r}, base_url={self.setup.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; later calls are Misuse. The session at Apple's end runs out by itself."""
        await self._line.aclose()

    async def send(self, call: Call[T]) -> T:
        """Carry out any call of `adept.client.endpoints`; the methods below are this with one of them."""
        self.setup.refuse_expired(self._now())
        await self.session.catch_up(now=self._now())
        try:
            value = await self._carry_out(call)
        except AdeptError:  # the answer that says no may have brought a new session token
            await self.session.keep(now=self._now())
            raise
        await self.session.keep(now=self._now())
        return value

    async def _carry_out(self, call: Call[T]) -> T:
        steps = converse(call, self.session, wait_budget_s=self.wait_budget_s, now=self._now)
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._take(step, call)
                except AdeptError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            value: T = end.value
            return value

    async def _take(self, step: Step, call: Call[T]) -> Answer | None:
        match step:
            case Request(method, held):
                request = self.setup.request(call, method=method, held=held)
                return await self._exchange(request, about=call.about, endpoint=call.endpoint)
            case Renew(refused, may_adopt):
                await self.renew_session(refused, may_adopt=may_adopt)
            case Pause(seconds):
                log.warning("waiting as Apple asked", extra={"endpoint": call.endpoint, "seconds": seconds})
                await self._sleep(seconds)
                self.waited_s += seconds
        return None

    async def renew_session(self, refused: Held, *, may_adopt: bool = True) -> None:
        """Open a new session, unless one was opened since the refused one; also by others, if `may_adopt`."""
        async with self.session.task_lock:
            if self.session.held.opening != refused.opening:
                return  # somebody else has opened a new one
            if may_adopt and await self.session.take_over(refused, now=self._now()):
                return
            request = self.setup.session_request(timestamp=int(self._now().timestamp()), nonce=self._nonce())
            answer = await self._exchange(request, about="opening a session", endpoint=SESSION)
            self.session.start(read_session(answer, now=self._now()))
            await self.session.keep(now=self._now())
        log.info("session opened", extra={"sessions": self.session.opened})

    async def _exchange(self, request: HttpRequest, *, about: str, endpoint: str) -> Answer:
        async with self._pace(endpoint):
            self.requests += 1
            with observed(self._observe, endpoint) as show:
                answer = show(await self._line.send(request, about=about, endpoint=endpoint))
        log.debug("request answered", extra={"endpoint": endpoint, "status": answer.status})
        if self._record:
            self._record(Exchange(request, answer))
        return answer

    async def account(self) -> Account:
        """Who the server token belongs to."""
        return await self.send(endpoints.account())

    async def fetch_devices(self, cursor: str | None = None, *, limit: int | None = None) -> DevicePage:
        """A page of all devices, from the start without a cursor; EXHAUSTED_CURSOR if it was the last page's."""
        return await self.send(endpoints.fetch_devices(cursor, limit=limit))

    async def sync_devices(self, cursor: str, *, limit: int | None = None) -> DevicePage:
        """A page of what changed since `cursor`; Refused EXPIRED_CURSOR if that is older than 7 days."""
        return await self.send(endpoints.sync_devices(cursor, limit=limit))

    def all_devices(self, cursor: str | None = None, *, limit: int = MAXIMUM_LIMIT) -> AsyncDevices:
        """All devices in Apple's order, page by page as they are asked for; from `cursor` on if one is given."""
        endpoints.fetch_devices(cursor, limit=limit)  # what is wrong with the arguments is told now, not in the loop
        return AsyncDevices(Walk(lambda at: endpoints.fetch_devices(at, limit=limit), cursor), self.send)

    def all_changes(self, cursor: str, *, limit: int = MAXIMUM_LIMIT) -> AsyncDevices:
        """All changes since `cursor`, oldest first; the same serial number may come several times."""
        endpoints.sync_devices(cursor, limit=limit)  # as above
        return AsyncDevices(Walk(lambda at: endpoints.sync_devices(at or "", limit=limit), cursor), self.send)

    async def device_details(self, serials: Iterable[str]) -> DeviceDetails:
        """What Apple knows of any number of serial numbers, ours or not."""
        return await self._in_batches(serials, endpoints.device_details, join_details)

    async def replacement_details(self, serial: str) -> ReplacementDetails:
        """Which device this replacement stands for; Refused DEVICE_NOT_FOUND for one that is none."""
        return await self.send(endpoints.replacement_details(serial))

    async def define_profile(self, profile: Profile) -> DefineResult:
        """Store a profile at Apple under a new UUID, and assign it to its `devices`. Never repeated where it may have
        happened: after `Unreachable` with `may_have_happened` a second try may make a second profile."""
        return await self.send(endpoints.define_profile(profile))

    async def profile(self, uuid: str) -> Profile:
        """The profile of that UUID; Refused NOT_FOUND or PROFILE_NOT_FOUND where there is none."""
        return await self.send(endpoints.profile(uuid))

    async def assign_profile(self, uuid: str, serials: Iterable[str]) -> AssignResult:
        """Give a profile to any number of devices. Look at each status and at `missing`: they raise no error."""
        method = self.setup.assign_method
        return await self._in_batches(
            serials, lambda batch: endpoints.assign_profile(uuid, batch, method=method), join_assigned
        )

    async def remove_profile(self, serials: Iterable[str]) -> DeviceResults:
        """Take their profile away from any number of devices. Look at each status, as with `assign_profile`."""
        return await self._in_batches(serials, endpoints.remove_profile, join_results)

    async def activation_lock(
        self, serial: str, *, escrow_key: str | None = None, lost_message: str | None = None
    ) -> ActivationLockResult:
        """Lock a device, with the hash of a bypass code or to a person. Look at the status: failures raise no error."""
        return await self.send(endpoints.activation_lock(serial, escrow_key=escrow_key, lost_message=lost_message))

    async def beta_tokens(self) -> BetaTokens:
        """The organisation's tokens for beta programmes."""
        return await self.send(endpoints.beta_tokens())

    async def account_driven_enrollment(self) -> AccountDrivenEnrollment:
        """The URL for account-driven enrollment; Refused NOT_FOUND where none is set."""
        return await self.send(endpoints.account_driven_enrollment())

    async def set_account_driven_enrollment(self, url: str) -> None:
        """Set that URL."""
        await self.send(endpoints.set_account_driven_enrollment(url))

    async def delete_account_driven_enrollment(self) -> None:
        """Have no such URL any more."""
        await self.send(endpoints.delete_account_driven_enrollment())

    async def disown(self, serials: Iterable[str], *, confirm_count: int) -> DeviceResults:
        """Release devices from the organisation, for ever. Misuse unless `confirm_count` is how many they are, folded
        and each counted once. Never repeated; after an error ask `device_details` what became of them."""
        wanted = wanted_serials(serials)
        check_confirmed(wanted, confirm_count)
        return await self._in_batches(wanted, endpoints.disown, join_results)

    async def _in_batches(
        self,
        serials: Iterable[str],
        question: Callable[[tuple[str, ...]], Call[T]],
        join: Callable[[list[T]], T],
    ) -> T:
        parts: list[T] = []
        for batch in batches(wanted_serials(serials)):
            try:
                parts.append(await self.send(question(batch)))
            except AdeptError as error:
                error.partial = join(parts) if parts else None
                raise
        return join(parts)
