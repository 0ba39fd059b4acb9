"""Which requests are let in at all: decided from their method, path and headers, before anything is looked up.

- The Host must be one of ours: otherwise any page could reach a service on this machine through a name that it
  makes point here.
- A request that changes something must not come from another site's page. Browsers say so in Sec-Fetch-Site, older
  ones at least in Origin; what says neither is no browser. (Also where a key is shown: browsers repeat HTTP Basic.)
- NUL characters are in no name of ours, and databases refuse them.
"""

from __future__ import annotations

from collections.abc import Set
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from adept.setting_values import is_loopback
from adept.web.problems import Told

_SAFE = {"GET", "HEAD", "OPTIONS"}
_FOR_ANY_HOST = {"/healthz", "/readyz"}  # load balancers ask by address; there is nothing in the answers

_CROSS_SITE = Told(
    403,
    "this request comes from the page of another site",
    "cross_site",
    "open adept's own page, and send the request from there",
)
_NUL = Told(400, "the address has a NUL character in it", "bad_request")


class Gate:
    """Refuses what `refusal` refuses."""

    def __init__(self, app: ASGIApp, *, hosts: Set[str]) -> None:
        self.app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer that it is not."""
        if scope["type"] == "http" and (told := refusal(scope, self._hosts)):
            return await told.response()(scope, receive, send)
        return await self.app(scope, receive, send)


def refusal(scope: Scope, hosts: Set[str]) -> Told | None:
    """Why the request isn't let in; None where it is. `hosts` are beside this machine's own."""
    headers = Headers(scope=scope)
    if scope["path"] not in _FOR_ANY_HOST and not is_ours(headers.get("host", ""), hosts):
        return Told(
            421,
            "adept doesn't serve the host that this request names",
            "host_not_allowed",
            "add the name to ADEPT_ALLOWED_HOSTS",
        )
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        return _NUL
    if scope["method"] not in _SAFE and is_cross_site(headers):
        return _CROSS_SITE
    return None


def is_ours(host: str, hosts: Set[str]) -> bool:
    """Whether a Host header names this machine's loopback or one of `hosts`, lower-case names or `*.names`."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name:
        return False
    name = name.rstrip(".")
    return is_loopback(name) or not hosts.isdisjoint({name, f"[{name}]", f"*.{name.partition('.')[2]}"})


def is_cross_site(headers: Headers) -> bool:
    """Whether a browser says that another site's page sent this."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True
