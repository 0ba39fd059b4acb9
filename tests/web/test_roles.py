"""Every route says who may call it, and lets in nobody else: walked with every role and with none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx2
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from adept.access.roles import Role
from adept.web.access import Needs, Public
from adept.web.app import create_app
from adept.web.service import Service
from tests.access.people import PASSWORD, user
from tests.web.conftest import RunningService

PAGES = "adept.web.ui."  # the page for people: who isn't known is led to the login

# Who may do what over the API. Pages are for people: what they may do there is what they may do here.
API = {
    "POST /api/v1/session": None,
    "GET /api/v1/session": "viewer",
    "DELETE /api/v1/session": "viewer",
    "POST /api/v1/setup": None,
    "GET /api/v1/accounts": "viewer",
    "POST /api/v1/accounts": "admin",
    "GET /api/v1/accounts/{name}": "viewer",
    "PUT /api/v1/accounts/{name}": "admin",
    "DELETE /api/v1/accounts/{name}": "admin",
    "PUT /api/v1/accounts/{name}/pause": "operator",
    "DELETE /api/v1/accounts/{name}/pause": "operator",
    "GET /api/v1/accounts/{name}/certificate": "admin",
    "GET /api/v1/accounts/{name}/token": "viewer",
    "PUT /api/v1/accounts/{name}/token": "admin",
    "GET /api/v1/accounts/{name}/holds": "viewer",
    "GET /api/v1/accounts/{name}/holds/{hold_id}": "viewer",
    "PUT /api/v1/accounts/{name}/holds/{hold_id}": "operator",
    "POST /api/v1/accounts/{name}/passes": "operator",
    "GET /api/v1/accounts/{name}/passes": "viewer",
    "GET /api/v1/passes": "viewer",
    "GET /api/v1/passes/{pass_id}": "viewer",
    "GET /api/v1/passes/{pass_id}/events": "viewer",
    "GET /api/v1/devices": "viewer",
    "GET /api/v1/devices/export": "viewer",
    "GET /api/v1/devices/{name}/{serial}": "viewer",
    "GET /api/v1/devices/{name}/{serial}/changes": "viewer",
    "POST /api/v1/devices/{name}/{serial}/ask": "operator",
    "GET /api/v1/changes": "viewer",
    "GET /api/v1/health": "viewer",
    "GET /api/v1/users": "admin",
    "POST /api/v1/users": "admin",
    "GET /api/v1/users/{name}": "admin",
    "PUT /api/v1/users/{name}": "admin",
    "PUT /api/v1/users/{name}/password": "viewer",  # their own, and an admin anybody's
    "GET /api/v1/users/{name}/sessions": "viewer",  # likewise
    "DELETE /api/v1/users/{name}/sessions": "viewer",  # likewise
    "DELETE /api/v1/users/{name}/sessions/{session_id}": "viewer",  # likewise
    "GET /api/v1/keys": "admin",
    "POST /api/v1/keys": "admin",
    "GET /api/v1/keys/{name}": "admin",
    "DELETE /api/v1/keys/{name}": "admin",
    "GET /api/v1/audit": "admin",
    "GET /api/v1/openapi.json": None,
    "GET /api/v1/docs": None,
    "GET /healthz": None,
    "GET /readyz": None,
    "GET /metrics": "viewer",
    "GET /dep/certificate/download": "admin",
    "POST /dep/stoken/upload": "admin",
}
# Whose path names a user: it is for that user, and for admins. Keys are nobody's own.
OWN = ("/api/v1/users/{name}/", "/people/{name}")
BODIES = {"PUT /api/v1/users/{name}/password": {"password": "a password that is new"}}


@dataclass(frozen=True)
class Route:
    """A route with one of its methods; `role` is None for one that is public."""

    method: str
    path: str
    is_page: bool
    role: Role | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_own(self) -> bool:
        """Whether it is for the user whom it names."""
        return self.role is Role.VIEWER and self.path.startswith(OWN)

    @property
    def address(self) -> str:
        """A path that the route takes; what it names is not there."""
        parts = self.path.split("/")
        return "/".join(("1" if "id" in part else "nobody") if part.startswith("{") else part for part in parts)


async def asked(
    service: RunningService,
    route: Route,
    *,
    role: str | None = None,
    headers: Mapping[str, str] | None = None,
    address: str | None = None,
) -> httpx2.Response:
    """The head of the route's answer: the body of some never ends."""
    sent = dict(headers or {})
    if role is not None:
        sent["Authorization"] = f"Bearer {await service.key(role, may_read_secrets=True)}"
    body = BODIES.get(route.name)
    async with service.client.stream(route.method, address or route.address, headers=sent, json=body) as answer:
        return answer


def said(dependant: Dependant) -> Iterator[Needs | Public]:
    """What a route says on who may call it."""
    if isinstance(dependant.call, (Needs, Public)):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from said(inner)


@pytest.fixture
def routes(service: RunningService) -> list[Route]:
    """Every route of the application; one that says nothing, or two things, is a mistake."""
    return list(walk(service))


def walk(service: RunningService) -> Iterator[Route]:
    app = create_app(Service(service.store, service.settings, service.clock, lambda *_: None, lambda: None))  # type: ignore[arg-type]  # nobody is asked
    for context in iter_route_contexts(app.routes):
        route = context.route
        if isinstance(route, Mount):
            assert route.path == "/static", "files for everybody; anything else needs routes that say who it is for"
            continue
        told = set(said(context.dependant))
        assert len(told) == 1, f"{context.path_format} must say once who may call it: {told or 'it says nothing'}"
        (who,) = told
        for method in context.methods or ():
            is_page = context.endpoint.__module__.startswith(PAGES)
            yield Route(method, str(context.path_format), is_page, who.role if isinstance(who, Needs) else None)


async def test_every_route_needs_the_role_it_should(routes: list[Route]) -> None:
    assert {route.name: route.role for route in routes if not route.is_page} == API


async def test_nobody_gets_through_a_route_that_needs_a_role(service: RunningService, routes: list[Route]) -> None:
    wrong = []
    for route in routes:
        for headers in ({}, {"Authorization": "Bearer adk_" + "A" * 43}, {"Cookie": "adept_session=" + "A" * 43}):
            if route.role is None:
                continue
            answer = await asked(service, route, headers=headers)
            challenged = answer.status_code == 401 and (route.is_page or "www-authenticate" in answer.headers)
            led_to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
            if not (challenged or (route.is_page and led_to_login)):
                wrong.append((route.name, headers, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_gets_through_the_routes_it_covers_and_no_others(
    service: RunningService, routes: list[Route], role: Role
) -> None:
    """What they ask for isn't there: who gets through is told so (404, 409, 422)."""
    wrong = []
    for route in routes:
        if route.role is None:
            continue
        answer = await asked(service, route, role=role)
        may = role.covers(Role.ADMIN if route.is_own else route.role)
        if (answer.status_code != 403) != may or answer.status_code in (401, 500):
            wrong.append((route.name, answer.status_code))
    assert wrong == []


async def test_public_routes_ask_nobody_who_they_are(service: RunningService, routes: list[Route]) -> None:
    wrong = []
    for route in routes:
        if route.role is None:
            answer = await asked(service, route)
            if answer.status_code in (303, 401, 403, 500) and not route.is_page:
                wrong.append((route.name, answer.status_code))
    assert wrong == []


async def test_no_other_sites_page_changes_anything_with_an_admins_cookie(
    service: RunningService, routes: list[Route]
) -> None:
    """On every route that isn't a mere look, public ones too: a login is something that another site may not do."""
    await user(service.store, role=Role.ADMIN)
    login = await service.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})
    cookie = {"Cookie": login.headers["set-cookie"].partition(";")[0]}
    wrong = []
    for route in routes:
        for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            if route.method not in ("GET", "HEAD"):
                answer = await asked(service, route, headers=cookie | foreign)
                if answer.status_code != 403 or "set-cookie" in answer.headers:
                    wrong.append((route.name, foreign, answer.status_code))
    assert wrong == []
    assert (await service.get("/api/v1/session", headers=cookie)).status_code == 200


async def test_a_refusal_says_which_role_it_takes(service: RunningService) -> None:
    answer = await service.get("/api/v1/users", role="operator")
    assert answer.status_code == 403
    problem = answer.json()
    assert (problem["code"], problem["detail"]) == (
        "role_needed",
        "this needs the role admin, and operator has the role operator",
    )
