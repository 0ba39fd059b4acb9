"""Iterators over a whole listing, one for each client. What they decide is in `walk`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from adept.client.call import Call
from adept.client.walk import Walk
from adept.errors import Refused
from adept.protocol.device import Device, MalformedDevice
from adept.protocol.pages import DevicePage


class _Listing:
    """What both iterators show of their progress."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    @property
    def cursor(self) -> str | None:
        """Of the last page read, whose devices may not all have been given out before the end."""
        return self._walk.cursor

    @property
    def pages(self) -> int:
        """How many pages were read."""
        return self._walk.pages

    @property
    def malformed(self) -> list[MalformedDevice]:
        """Entries of the pages read that are no devices we can read."""
        return self._walk.malformed


class Devices(_Listing, Iterator[Device]):
    """The devices of a listing, one after the other; each page is asked for when the one before is used up.

    Once it has ended, `cursor` is where a sync goes on. Raises Malformed for a listing that would never end, after the
    devices of the pages that came.
    """

    def __init__(self, walk: Walk, send: Callable[[Call[DevicePage]], DevicePage]) -> None:
        super().__init__(walk)
        self._devices = self._generate(send)

    def __iter__(self) -> Iterator[Device]:
        return self._devices  # the generator itself, so that a loop costs one step a device

    def __next__(self) -> Device:
        return next(self._devices)

    def _generate(self, send: Callable[[Call[DevicePage]], DevicePage]) -> Iterator[Device]:
        while (call := self._walk.next_call()) is not None:
            try:
                page = send(call)
            except Refused as error:
                self._walk.refused(error)
            else:
                yield from self._walk.take(page)


class AsyncDevices(_Listing, AsyncIterator[Device]):
    """As `Devices`, with `async for`."""

    def __init__(self, walk: Walk, send: Callable[[Call[DevicePage]], Awaitable[DevicePage]]) -> None:
        super().__init__(walk)
        self._devices = self._generate(send)

    def __aiter__(self) -> AsyncIterator[Device]:
        return self._devices  # as above

    async def __anext__(self) -> Device:
        return await anext(self._devices)

    async def _generate(self, send: Callable[[Call[DevicePage]], Awaitable[DevicePage]]) -> AsyncIterator[Device]:
        while (call := self._walk.next_call()) is not None:
            try:
                page = await send(call)
            except Refused as error:
                self._walk.refused(error)
            else:
                for device in self._walk.take(page):
                    yield device
