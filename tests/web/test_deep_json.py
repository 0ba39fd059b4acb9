"""JSON nested deeper than anybody means: what Apple sends breaks nothing that shows it, what people send is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adept.protocol.answers import MAXIMUM_DEPTH
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.sync.outcome import PassKind, PassState
from tests.web.conftest import RunningService
from tests.web.test_roles import Route, routes
from tests.web.ui.conftest import CookieOf, cookie_of, password_hash
from tests.web.walking import add_account, walk

__all__ = ["cookie_of", "password_hash", "routes"]

TAKEN, REFUSED = "C02TAKEN0001", "C02REFUSED01"


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.fixture
def engine_name() -> str:
    """SQLite alone: nothing here is the engine's."""
    return "sqlite"


@pytest.fixture
def simulator() -> Iterator[Running]:
    """Two devices: one as deep as is taken, and one that Python itself could still just about read."""
    apple = Simulator(devices=0)
    apple.buy(serials=[TAKEN], fields={"nested": nested(MAXIMUM_DEPTH - 1)})
    apple.buy(serials=[REFUSED], fields={"nested": nested(900)})
    with serve(apple) as running:
        yield running


async def test_a_device_as_deep_as_is_taken_is_shown_everywhere_and_a_deeper_one_breaks_nothing(
    service: RunningService, cookie_of: CookieOf
) -> None:
    await add_account(service)
    outcome = await walk(service, kind=PassKind.FULL)
    assert (outcome.state, outcome.totals.malformed) == (PassState.DONE, 1)
    service.simulator.simulator.amend([TAKEN], nested=nested(MAXIMUM_DEPTH - 2))
    await walk(service)
    wrong = []
    for method, path in (
        ("GET", "/api/v1/devices"),
        ("GET", f"/api/v1/devices/hq/{TAKEN}"),
        ("GET", f"/api/v1/devices/hq/{TAKEN}/changes"),
        ("POST", f"/api/v1/devices/hq/{TAKEN}/ask"),
        ("GET", "/api/v1/changes"),
        ("GET", "/api/v1/devices/export?format=csv"),
        ("GET", "/api/v1/devices/export?format=ndjson"),
    ):
        answer = await service.request(method, path, role="admin")
        if answer.status_code != 200 or TAKEN not in answer.text or REFUSED in answer.text:
            wrong.append((path, answer.status_code))
    cookie = await cookie_of("admin")
    for method, path in (
        ("GET", "/"),
        ("GET", "/devices"),
        ("GET", f"/devices/hq/{TAKEN}"),
        ("POST", f"/devices/hq/{TAKEN}"),
        ("GET", "/accounts/hq"),
    ):
        answer = await service.request(method, path, headers=cookie)
        if answer.status_code != 200:
            wrong.append((path, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("depth", [900, 985, 200_000])
async def test_a_body_nested_beyond_reason_is_refused_on_every_route(
    service: RunningService, routes: list[Route], depth: int
) -> None:
    deep = b'{"name":' + b"[" * depth + b"]" * depth + b"}"
    headers = {"Authorization": f"Bearer {await service.key('admin')}", "Content-Type": "application/json"}
    wrong = []
    for route in routes:
        if route.method != "GET" and not route.is_page:
            answer = await service.client.request(route.method, route.address, content=deep, headers=headers)
            if not 400 <= answer.status_code < 500:
                wrong.append((route.name, answer.status_code))
    assert wrong == []
