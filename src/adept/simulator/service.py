"""Apple's service: from a request to its answer. No I/O; `service_app.py` puts it on the wire.

A request passes, in this order: a fault waiting for its endpoint; the host it believes to speak to; the User-Agent;
the session (or, at /session, OAuth); the organisation's terms; the endpoint. Paths, methods and required headers are
written down here by hand, not shared with the client, and both are held to Apple's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from adept.errors import ConfigError
from adept.simulator import account_endpoints, device_endpoints, profile_endpoints
from adept.simulator.answers import Answer, ServiceError, error, rendered, success
from adept.simulator.calls import Call
from adept.simulator.clock import Clock, as_apple_time
from adept.simulator.fault_words import find_word
from adept.simulator.faults import Fault, Faults
from adept.simulator.hostility import Hostility
from adept.simulator.line_faults import refusal, troubled
from adept.simulator.listings import Listings, Page, render_page
from adept.simulator.oauth import Doorkeeper
from adept.simulator.organisation import MdmServer
from adept.simulator.page_faults import spoil
from adept.simulator.requests import RequestLog, ServiceRequest
from adept.simulator.sessions import Session, Sessions
from adept.simulator.truth import Truth

# Source: Apple, the pages of each endpoint (read 2026-11). The number is the oldest protocol version that has it.
_ENDPOINTS: Mapping[str, tuple[Callable[[Call], Answer], int]] = {
    "POST /devices": (device_endpoints.details, 1),
    "POST /devices/disown": (device_endpoints.disown, 1),
    "GET /device/replacementDetails": (device_endpoints.replacement, 10),
    "POST /device/activationlock": (device_endpoints.activation_lock, 2),
    "POST /profile": (profile_endpoints.define, 1),
    "GET /profile": (profile_endpoints.get, 1),
    "POST /profile/devices": (profile_endpoints.assign, 1),
    "PUT /profile/devices": (profile_endpoints.assign, 1),
    "DELETE /profile/devices": (profile_endpoints.remove, 1),
    "POST /account-driven-enrollment/profile": (account_endpoints.set_discovery, 1),
    "GET /account-driven-enrollment/profile": (account_endpoints.discovery, 1),
    "DELETE /account-driven-enrollment/profile": (account_endpoints.delete_discovery, 1),
    "GET /os-beta-enrollment/tokens": (account_endpoints.beta_tokens, 1),
}
_SESSION, _ACCOUNT, _FETCH, _SYNC = "GET /session", "GET /account", "POST /server/devices", "POST /devices/sync"
_ROUTES = frozenset({*_ENDPOINTS, _SESSION, _ACCOUNT, _FETCH, _SYNC})
_CHANGING = frozenset(route for route in _ENDPOINTS if not route.startswith("GET ")) - {"POST /devices"}
_PATHS = frozenset(route.partition(" ")[2] for route in _ROUTES)
_FAULT_KEYS = {route: route.lower().replace(" /", "_").replace("/", "_").replace("-", "_") for route in _ROUTES}
_SESSION_CONTENT_TYPE = "application/json;charset=utf8"
_APPLES_HOST = re.compile(r"(?i)(^|\.)apple\.com\.?(:\d+)?$")  # nobody shall take the simulator for production
_NO_SESSION = {"WWW-Authenticate": "ADM-Auth-Token"}

_REMEMBERED_HEADERS = ("content-type", "x-server-protocol-version")

SERVE = "serve"  # the name of the act that is a request
Doing = Callable[[str, Mapping[str, Any]], AbstractContextManager[None]]  # around an act, with its name and arguments


@dataclass
class Habits:
    """How this Apple behaves where Apples differ."""

    quoted_errors: bool = False  # depsim's error bodies
    forbid_unknown_sessions: bool = False  # depsim's 403 FORBIDDEN in place of 401 UNAUTHORIZED
    assign_methods: tuple[str, ...] = ("POST", "PUT")
    page_limit: int | None = None  # the most devices a page holds, whatever a request asks; told in /account


class _Repeatable(msgspec.Struct, frozen=True):
    """A request that changes something, as it is remembered: nothing of who asked but the server."""

    server: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    forced: str | None


class Service:
    """Answers requests from the truth. Not thread-safe: `Simulator` holds the lock."""

    def __init__(
        self,
        truth: Truth,
        *,
        clock: Clock,
        sessions: Sessions,
        listings: Listings,
        faults: Faults,
        log: RequestLog,
        habits: Habits,
        hostility: Hostility | None,
        doing: Doing,
    ) -> None:
        self._truth = truth
        self._clock = clock
        self._sessions = sessions
        self._doorkeeper = Doorkeeper(truth.servers, clock)
        self._listings = listings
        self._faults = faults
        self._log = log
        self._habits = habits
        self._hostility = hostility
        self._doing = doing

    def answer(self, request: ServiceRequest) -> Answer:
        """The answer to a request, which by then has taken effect and stands in the log."""
        route = f"{request.method} {request.path}"
        fault = self._faults.strike(_FAULT_KEYS[route]) if route in _ROUTES else None
        try:
            answer = self._troubled(route, request, fault)
        except ServiceError as failure:
            answer = failure.answer(quoted=self._habits.quoted_errors)
        self._log.add(
            request,
            at=as_apple_time(self._clock.now()),
            status=None if answer.breaks else answer.status,
            fault=fault.word.name if fault else None,
        )
        return answer

    def _troubled(self, route: str, request: ServiceRequest, fault: Fault | None) -> Answer:
        """Serve the request, or what the fault makes of it."""
        if fault is None or fault.word.effect in ("page", "result", "session"):
            return self._serve(route, request, fault)
        if fault.word.status is not None:
            return refusal(fault, real_now=self._clock.real_now(), quoted=self._habits.quoted_errors)
        return troubled(fault, lambda: self._serve(route, request, fault))

    def _serve(self, route: str, request: ServiceRequest, fault: Fault | None) -> Answer:
        if _APPLES_HOST.search(request.headers.get("host", "")):
            raise ServiceError(421, "THIS_IS_A_SIMULATOR")
        if route == "GET /token":
            return self._token()
        if route not in _ROUTES or (request.path == "/profile/devices" and self._is_refused_method(request.method)):
            return error(405 if request.path in _PATHS else 404)
        if not request.headers.get("user-agent", "").strip():
            raise ServiceError(400, "USER_AGENT_MISSING")
        if route == _SESSION:
            return self._open_session(request, fault)
        session = self._session(request, fault)
        self._check_terms(session.server)
        if self._hostility and (refused := self._hostility.refusal(session.server)):
            return refused
        try:
            answer = self._endpoint(route, request, session.server, fault)
        except ServiceError as failure:
            answer = failure.answer(quoted=self._habits.quoted_errors)
        return self._with_session_headers(answer, request, session, fault)

    def _is_refused_method(self, method: str) -> bool:
        return method in ("POST", "PUT") and method not in self._habits.assign_methods

    def _token(self) -> Answer:
        """The first server's token, as depsim's GET /token gives it."""
        credentials = self._truth.server().credentials if self._truth.servers else None
        return rendered(credentials.as_json()) if credentials else error(404)

    def _open_session(self, request: ServiceRequest, fault: Fault | None) -> Answer:
        """GET /session. Observed: depsim wants exactly this content type; with a blank, or as UTF-8, it is another."""
        if request.headers.get("content-type", "").lower() != _SESSION_CONTENT_TYPE:
            raise ServiceError(400)
        server = self._doorkeeper.server_of(request.url, request.headers.get("authorization"))
        request.server_name = server.name
        self._check_terms(server)
        if fault and fault.word.name == "empty_session_token":
            return success({"auth_session_token": ""})
        left = self._hostility.session_length(server) if self._hostility else None
        return success({"auth_session_token": self._sessions.open(server, requests_left=left)})

    def _session(self, request: ServiceRequest, fault: Fault | None) -> Session:
        token = request.headers.get("x-adm-auth-session", "")
        session = self._sessions.find(token)
        if session is not None:
            request.server_name = session.server.name
            if fault and fault.word.name == "expire_session":
                self._sessions.close(session)
                session = None
        if session is None:
            if self._habits.forbid_unknown_sessions:
                raise ServiceError(403, "FORBIDDEN")
            raise ServiceError(401, "UNAUTHORIZED", **_NO_SESSION)
        return session

    def _check_terms(self, server: MdmServer) -> None:
        if not server.organisation.terms_signed:
            raise ServiceError(403, "T_C_NOT_SIGNED")

    def _endpoint(self, route: str, request: ServiceRequest, server: MdmServer, fault: Fault | None) -> Answer:
        forced = fault.word if fault and fault.word.effect == "result" else None
        call = Call(request, self._truth, server, forced)
        if route in (_FETCH, _SYNC):
            return rendered(render_page(self._page(route, call, fault), call.version))
        if route == _ACCOUNT:
            return account_endpoints.account(call, page_limit=self._habits.page_limit)
        endpoint, since = _ENDPOINTS[route]
        if call.version < since:  # Assumed: an endpoint of a later version is not there
            return error(404)
        if self._hostility:
            self._hostility.muffle(call)
        if route not in _CHANGING:
            return endpoint(call)
        try:
            with self._doing(SERVE, _repeatable(call)):
                return endpoint(call)
        except ConfigError:  # it can't be remembered, so it isn't done
            return error(500)

    def repeat(self, given: Mapping[str, Any]) -> None:
        """Do once more what a request of another run of this process changed. Raises what it raised then."""
        asked = msgspec.convert(given, _Repeatable)
        request = ServiceRequest(asked.method, asked.path, "", asked.query, asked.headers, asked.body)
        route = f"{asked.method} {asked.path}"
        forced = find_word(asked.forced, _FAULT_KEYS[route]) if asked.forced is not None else None
        _ENDPOINTS[route][0](Call(request, self._truth, self._truth.server(asked.server), forced))

    def _page(self, route: str, call: Call, fault: Fault | None) -> Page:
        cursor, limit = device_endpoints.cursor_and_limit(call, page_limit=self._habits.page_limit)
        listing = self._listings.fetch if route == _FETCH else self._listings.sync
        page = listing(call.server, cursor, limit)
        if fault and fault.word.effect == "page":
            return spoil(page, fault.word.name)
        return self._hostility.page(page) if self._hostility else page

    def _with_session_headers(
        self, answer: Answer, request: ServiceRequest, session: Session, fault: Fault | None
    ) -> Answer:
        """Echo the protocol version, and hand out a new session token where it is time for one."""
        headers = {"X-Server-Protocol-Version": str(request.protocol_version)}
        is_due = bool(fault and fault.word.name == "new_session_token")
        token = self._sessions.rolled(session, is_due=is_due)
        if token:
            headers["X-ADM-Auth-Session"] = token
        return replace(answer, headers={**answer.headers, **headers})


def _repeatable(call: Call) -> dict[str, Any]:
    request = call.request
    told = {name: request.headers[name] for name in _REMEMBERED_HEADERS if name in request.headers}
    forced = call.forced.name if call.forced else None
    asked = _Repeatable(call.server.name, request.method, request.path, request.query, told, request.body, forced)
    return msgspec.structs.asdict(asked)
