"""Requests to addresses that were looked at first: an `http` for `AsyncClient` where not every host will do.

A name is looked up for each request, and the request is sent to what was found, under the host's own name (the Host
header, and the name that TLS asks a certificate for). So a name that leads elsewhere a moment later leads nobody there:
what was looked at is what is connected to. Which addresses will do is decided by whoever makes this. It uses no proxy.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import httpx2

from adept.client.transport import trust

LookUp = Callable[[str], Awaitable[list[str]]]  # a host's addresses, at least one; OSError where they won't do


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends where `look_up` says that the host is, one address after the other until one is connected to.

    Where it says that none will do there is no connection. `trusted` is whom TLS believes; the system's by default.
    """

    def __init__(self, look_up: LookUp, *, trusted: ssl.SSLContext | None = None) -> None:
        self._look_up = look_up
        self._inner = httpx2.AsyncHTTPTransport(verify=trusted or trust(plain_http=False), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request."""
        host = request.url.host
        try:
            *first, last = await self._look_up(host)
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        for address in first:
            try:
                return await self._inner.handle_async_request(_sent_to(address, host, request))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue  # nothing was sent
        return await self._inner.handle_async_request(_sent_to(last, host, request))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _sent_to(address: str, host: str, request: httpx2.Request) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions | {"sni_hostname": host},
    )
