"""The control API: JSON over HTTP for what the portal's page and the Python API do by other means.

Errors are `{"error": sentence, "code": word}`: 400 for a body that can't be read or a word nobody knows, 404 for a name
or serial number nobody knows, 409 for what can't be done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adept.errors import AdeptError, ConfigError, Misuse
from adept.simulator.clock import as_apple_time
from adept.simulator.control_bodies import (
    Advance,
    Amendment,
    Betas,
    Body,
    Certificate,
    Devices,
    NewFault,
    NewOrganization,
    NewServer,
    Purchase,
    Terms,
    Throttle,
)
from adept.simulator.simulator import Simulator
from adept.simulator.token_files import TokenFile
from adept.simulator.truth import Unknown

B = TypeVar("B", bound=Body)
Endpoint = Callable[[Request], Awaitable[Response]]


def json_answer(value: Any, status: int = 200) -> Response:
    """A JSON response; bytes pass as they are."""
    content = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(content, status, media_type="application/json")


def download(file: TokenFile) -> Response:
    """A file for the browser to save under its name."""
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.content_type, headers=headers)


def error_answer(error: Exception) -> Response:
    """What went wrong, as JSON with the right status."""
    status = 404 if isinstance(error, Unknown) else 409 if isinstance(error, Misuse) else 400
    code = error.code if isinstance(error, AdeptError) else "malformed"
    return json_answer({"error": str(error), "code": code}, status)


class ControlApi:
    """One method for each route; `routes` lists them."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """The routes, each refusing what it can't do with a sentence."""
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/state", self.state),
            ("POST", "/reset", self.reset),
            ("GET", "/requests", self.requests),
            ("POST", "/organizations", self.add_organization),
            ("POST", "/servers", self.add_server),
            ("PUT", "/servers/{name}/certificate", self.put_certificate),
            ("POST", "/servers/{name}/token", self.get_token),
            ("DELETE", "/servers/{name}/token", self.revoke_token),
            ("GET", "/devices", self.devices),
            ("GET", "/log", self.log),
            ("POST", "/devices", self.buy),
            ("POST", "/devices/assign", self.assign),
            ("POST", "/devices/unassign", self.unassign),
            ("POST", "/devices/release", self.release),
            ("POST", "/devices/switch-on", self.switch_on),
            ("POST", "/devices/replace", self.replace),
            ("POST", "/devices/amend", self.amend),
            ("GET", "/profiles", self.profiles),
            ("POST", "/terms", self.terms),
            ("POST", "/betas", self.betas),
            ("POST", "/throttle", self.throttle),
            ("POST", "/clock", self.clock),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("DELETE", "/sessions", self.end_sessions),
        ]
        return [Route(path, _refusing(endpoint), methods=[method]) for method, path, endpoint in table]

    async def state(self, _request: Request) -> Response:
        """Everything at a glance."""
        return json_answer(self._simulator.state())

    async def reset(self, _request: Request) -> Response:
        """Back to the start."""
        self._simulator.reset()
        return json_answer(self._simulator.state())

    async def requests(self, request: Request) -> Response:
        """The requests to the service after number `since`; `next` is what to ask with next time."""
        since = _number(request, "since")
        found = self._simulator.requests(since)
        return json_answer({"requests": found, "next": found[-1].number if found else since})

    async def add_organization(self, request: Request) -> Response:
        """A new organisation."""
        body = await _read(request, NewOrganization)
        name = self._simulator.add_organisation(body.name, type=body.type, version=body.version)
        return json_answer({"name": name}, 201)

    async def add_server(self, request: Request) -> Response:
        """*Add MDM Server*."""
        body = await _read(request, NewServer)
        uuid = self._simulator.add_server(
            body.name,
            organisation=body.organization,
            certificate=body.certificate.encode() if body.certificate is not None else None,
            may_disown=body.may_disown,
        )
        return json_answer({"name": body.name, "uuid": uuid}, 201)

    async def put_certificate(self, request: Request) -> Response:
        """*Upload Key*: the body is the certificate (PEM or DER), or JSON with it."""
        content = await request.body()
        if content.lstrip().startswith(b"{"):
            content = (await _read(request, Certificate)).certificate.encode()
        self._simulator.upload_certificate(request.path_params["name"], content)
        return json_answer({"name": request.path_params["name"]})

    async def get_token(self, request: Request) -> Response:
        """*Get Token*: the file, `?form=ber|der|json`."""
        form = request.query_params.get("form", "ber")
        return download(self._simulator.get_token(request.path_params["name"], form=form))

    async def revoke_token(self, request: Request) -> Response:
        """Make a server's token good for nothing."""
        self._simulator.revoke_token(request.path_params["name"])
        return Response(status_code=204)

    async def devices(self, request: Request) -> Response:
        """The truth: what is on a server now (`?server=NAME`, else the first)."""
        documents = self._simulator.devices(request.query_params.get("server")).values()
        return json_answer(b'{"devices":[' + b",".join(documents) + b"]}")

    async def log(self, request: Request) -> Response:
        """What happened to a server's devices (`?server=NAME`), after the first `since` operations of its log."""
        since = _number(request, "since")
        entries = self._simulator.log(request.query_params.get("server"), since=since)
        listed = b'{"operations":[' + b",".join(entries) + b'],"next":'
        return json_answer(listed + str(since + len(entries)).encode() + b"}")

    async def profiles(self, request: Request) -> Response:
        """The profiles defined for a server."""
        return json_answer({"profiles": list(self._simulator.profiles(request.query_params.get("server")).values())})

    async def buy(self, request: Request) -> Response:
        """New devices."""
        body = await _read(request, Purchase)
        where = {} if body.server is msgspec.UNSET else {"server": body.server}
        serials = self._simulator.buy(
            body.count,
            serials=body.serials,
            family=body.family,
            organisation=body.organization,
            fields=body.fields,
            **where,
        )
        return json_answer({"serials": serials})

    async def assign(self, request: Request) -> Response:
        """Assign devices to a server; a null server unassigns them."""
        body = await _read(request, Devices)
        if body.server is msgspec.UNSET:
            raise Misuse("name the server to assign the devices to; null unassigns them")
        self._simulator.assign(body.serials, body.server, migration_deadline=body.migration_deadline)
        return json_answer({"serials": body.serials})

    async def unassign(self, request: Request) -> Response:
        """Take devices off their servers; they stay in the organisation."""
        body = await _read(request, Devices)
        self._simulator.assign(body.serials, None)
        return json_answer({"serials": body.serials})

    async def release(self, request: Request) -> Response:
        """Release devices from their organisation."""
        body = await _read(request, Devices)
        self._simulator.release(body.serials)
        return json_answer({"serials": body.serials})

    async def switch_on(self, request: Request) -> Response:
        """Set devices up; answers with those that fetched a profile."""
        body = await _read(request, Devices)
        return json_answer({"serials": self._simulator.switch_on(body.serials)})

    async def replace(self, request: Request) -> Response:
        """Have Apple replace devices; `serials` are the new ones."""
        body = await _read(request, Devices)
        server = None if body.server is msgspec.UNSET else body.server
        replaced = self._simulator.replace(body.serials, server=server)
        return json_answer({"serials": list(replaced.values()), "replaced": replaced})

    async def amend(self, request: Request) -> Response:
        """Change fields of devices."""
        body = await _read(request, Amendment)
        self._simulator.amend(body.serials, **body.fields)
        return json_answer({"serials": body.serials})

    async def terms(self, request: Request) -> Response:
        """Sign Apple's terms, or have new ones to sign."""
        body = await _read(request, Terms)
        self._simulator.sign_terms(signed=body.signed, organisation=body.organization)
        return json_answer({"signed": body.signed})

    async def betas(self, request: Request) -> Response:
        """Turn the beta programme on or off."""
        body = await _read(request, Betas)
        self._simulator.allow_betas(allowed=body.allowed, organisation=body.organization)
        return json_answer({"allowed": body.allowed})

    async def throttle(self, request: Request) -> Response:
        """Throttle devices."""
        body = await _read(request, Throttle)
        self._simulator.throttle(body.serials, body.seconds)
        return json_answer({"serials": body.serials})

    async def clock(self, request: Request) -> Response:
        """Move the clock."""
        body = await _read(request, Advance)
        return json_answer({"now": as_apple_time(self._simulator.advance(body.advance_s))})

    async def faults(self, _request: Request) -> Response:
        """The faults in force."""
        return json_answer({"faults": self._simulator.faults()})

    async def add_fault(self, request: Request) -> Response:
        """Order a fault."""
        body = await _read(request, NewFault)
        self._simulator.fault(
            body.endpoint,
            body.response,
            count=body.count,
            share=body.share,
            after=body.after,
            seconds=body.seconds,
        )
        return json_answer({"faults": self._simulator.faults()}, 201)

    async def clear_faults(self, _request: Request) -> Response:
        """Forget all faults."""
        self._simulator.clear_faults()
        return Response(status_code=204)

    async def end_sessions(self, _request: Request) -> Response:
        """Forget all sessions, as a restart would."""
        self._simulator.end_sessions()
        return Response(status_code=204)


def _refusing(endpoint: Endpoint) -> Endpoint:
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (Misuse, ConfigError, msgspec.DecodeError, RecursionError) as error:
            return error_answer(error)

    return answered


async def _read(request: Request, kind: type[B]) -> B:
    return msgspec.json.decode(await request.body() or b"{}", type=kind)


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isdigit():
        raise ConfigError(f"{name} is a number, not {text!r}")
    return int(text)
