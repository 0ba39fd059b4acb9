"""The portal's page: what an administrator clicks at Apple, as plain forms that need no script.

Every form posts, does one thing, and comes back to the page, to the server it was about, with a sentence about it;
*Get Token* downloads the file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from adept.errors import AdeptError, Misuse
from adept.simulator.catalogue import FAMILY_WEIGHTS
from adept.simulator.control_api import download
from adept.simulator.simulator import Simulator

if TYPE_CHECKING:
    from jinja2 import Template

_MOST_BOUGHT = 100_000
_SHOWN_DEVICES = 50
_TEMPLATES = Path(__file__).parent / "templates"


class PortalPage:
    """The page and its forms; `routes` lists them."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """The page at `/`, its forms below `/portal`."""
        forms: dict[str, Callable[[FormData], str]] = {
            "add-server": self.add_server,
            "upload-key": self.upload_key,
            "revoke-token": self.revoke_token,
            "buy": self.buy,
            "assign": self.assign,
            "release": self.release,
            "switch-on": self.switch_on,
            "terms": self.terms,
            "clock": self.clock,
        }
        posts = [Route(f"/portal/{name}", _form(act), methods=["POST"]) for name, act in forms.items()]
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/portal/get-token", self.get_token, methods=["POST"]),
            *posts,
        ]

    async def show(self, request: Request) -> Response:
        """The page, with the devices of one server (`?server=NAME`)."""
        state = self._simulator.state()
        names = [server["name"] for server in state["servers"]]
        asked = request.query_params.get("server", "")
        chosen = asked if asked in names else names[0]
        return HTMLResponse(
            _template().render(
                state=state,
                families=list(FAMILY_WEIGHTS),
                chosen=chosen,
                devices=self._simulator.newest_devices(_SHOWN_DEVICES, chosen),
                shown=_SHOWN_DEVICES,
                said=request.query_params.get("said"),
                failed=request.query_params.get("failed"),
            )
        )

    async def get_token(self, request: Request) -> Response:
        """*Get Token*."""
        form = await request.form()
        try:
            return download(self._simulator.get_token(_text(form, "server")))
        except AdeptError as error:
            return _back(form, failed=str(error))

    def add_server(self, form: FormData) -> str:
        """*Add MDM Server*, with its key if one was chosen."""
        name = _text(form, "name")
        organisation = _optional(form, "organization")
        self._simulator.add_server(name, organisation=organisation, certificate=_file(form, "certificate"))
        return f"MDM server {name} was added."

    def upload_key(self, form: FormData) -> str:
        """*Upload Key*."""
        certificate = _file(form, "certificate")
        if certificate is None:
            raise Misuse("choose the certificate file first")
        name = _text(form, "server")
        self._simulator.upload_certificate(name, certificate)
        return f"The key of {name} was uploaded."

    def revoke_token(self, form: FormData) -> str:
        """Revoke a token."""
        name = _text(form, "server")
        self._simulator.revoke_token(name)
        return f"The token of {name} was revoked."

    def buy(self, form: FormData) -> str:
        """Buy devices."""
        count = _text(form, "count")
        if not count.isdigit() or not 1 <= int(count) <= _MOST_BOUGHT:
            raise Misuse(f"buy 1 to {_MOST_BOUGHT} devices at a time, not {count!r}")
        serials = self._simulator.buy(int(count), family=_optional(form, "family"), server=_optional(form, "server"))
        return f"{_were(len(serials))} bought, from {serials[0]} on."

    def assign(self, form: FormData) -> str:
        """Assign devices to a server, or to nobody."""
        serials, server = _serials(form), _optional(form, "server")
        self._simulator.assign(serials, server)
        return f"{_were(len(serials))} assigned to {server or 'nobody'}."

    def release(self, form: FormData) -> str:
        """Release devices."""
        serials = _serials(form)
        self._simulator.release(serials)
        return f"{_were(len(serials))} released."

    def switch_on(self, form: FormData) -> str:
        """Set devices up."""
        serials = _serials(form)
        fetched = self._simulator.switch_on(serials)
        return f"{len(fetched)} of {len(serials)} fetched a profile."

    def terms(self, form: FormData) -> str:
        """Sign terms, or publish new ones."""
        name, signed = _text(form, "organization"), _text(form, "signed") == "yes"
        self._simulator.sign_terms(signed=signed, organisation=name)
        return f"{name} has {'signed the terms' if signed else 'new terms to sign'}."

    def clock(self, form: FormData) -> str:
        """Move the clock by hours."""
        hours = _text(form, "hours")
        if not hours.lstrip("-").isdigit() or abs(int(hours)) > 24 * 3660:
            raise Misuse(f"hours are a whole number of at most ten years, not {hours!r}")
        self._simulator.advance(int(hours) * 3600)
        return f"The clock was moved by {hours} hours."


@cache
def _template() -> Template:
    """Compiled when somebody looks at the page: most simulators are never looked at."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    return environment.get_template("portal.html")


def _form(act: Callable[[FormData], str]) -> Callable[[Request], Awaitable[Response]]:
    async def posted(request: Request) -> Response:
        form = await request.form()
        try:
            return _back(form, said=act(form))
        except AdeptError as error:
            return _back(form, failed=str(error))
        finally:
            await form.close()

    return posted


def _back(form: FormData, **sentence: str) -> Response:
    server = _optional(form, "server")
    shown = {"server": server} if server else {}
    return RedirectResponse(f"/?{urlencode(shown | sentence)}", status_code=303)


def _were(count: int) -> str:
    return "1 device was" if count == 1 else f"{count} devices were"


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Misuse(f"fill in {name.replace('_', ' ')}")
    return value.strip()


def _optional(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _serials(form: FormData) -> list[str]:
    return _text(form, "serials").replace(",", " ").split()


def _file(form: FormData, name: str) -> bytes | None:
    value = form.get(name)
    if not isinstance(value, UploadFile) or not value.filename:
        return None
    return value.file.read()
