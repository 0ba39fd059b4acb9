"""What a pass asks of Apple: pages and details, within its waiting time, with the token that works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from adept.client.async_client import AsyncClient
from adept.errors import Refused, TokenRejected
from adept.protocol.details import DeviceDetails
from adept.protocol.pages import DevicePage
from adept.sync.cursor import Position
from adept.sync.outcome import PageLimits

WAIT_BUDGET_S = 60.0  # a pass waits in place no longer, in all

T = TypeVar("T")
RenewedClient = Callable[[], Awaitable[AsyncClient | None]]


class Questions:
    """Asks for one pass. `requests` and `waited_s` count what the pass has cost so far."""

    def __init__(self, client: AsyncClient, *, limits: PageLimits, renewed_client: RenewedClient | None) -> None:
        self._client = client
        self._limits = limits
        self._renewed_client = renewed_client
        self._requests_before = client.requests
        self._waited_before_s = client.waited_s

    @property
    def requests(self) -> int:
        """HTTP requests of this pass so far."""
        return self._client.requests - self._requests_before

    @property
    def waited_s(self) -> float:
        """Seconds that this pass has waited after Retry-After."""
        return self._client.waited_s - self._waited_before_s

    async def page(self, position: Position) -> DevicePage | Refused:
        """The page at the position, or Apple's refusal of its cursor; every other error is raised."""
        try:
            if position.is_fetch:
                return await self._ask(lambda client: client.fetch_devices(position.cursor, limit=self._limits.fetch))
            cursor = position.cursor or ""
            return await self._ask(lambda client: client.sync_devices(cursor, limit=self._limits.sync))
        except Refused as refusal:
            if refusal.code.endswith("_CURSOR"):
                return refusal
            raise

    async def details(self, serials: list[str]) -> DeviceDetails:
        """What Apple says of these devices; at most 1000."""
        return await self._ask(lambda client: client.device_details(serials))

    async def _ask(self, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Ask; a token that Apple rejects and that was renewed meanwhile is replaced, once a pass."""
        self._client.wait_budget_s = max(0.0, WAIT_BUDGET_S - self.waited_s)
        try:
            return await question(self._client)
        except TokenRejected:
            renewed = await self._renewed_client() if self._renewed_client is not None else None
            if renewed is None:
                raise
        self._requests_before = renewed.requests - self.requests
        self._waited_before_s = renewed.waited_s - self.waited_s
        self._client, self._renewed_client = renewed, None
        return await question(self._client)
