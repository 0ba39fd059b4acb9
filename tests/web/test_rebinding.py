"""A base URL whose name leads inwards by the time something is sent there: nothing is, by the service as it is made."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from adept.accounts.addresses import public_addresses
from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.protocol.p7m_seal import seal_server_token
from adept.protocol.server_token import ServerToken
from adept.settings import Settings
from adept.store.audit import ADEPT
from adept.web.base_urls import way_to
from tests.web.conftest import RunningService


@pytest.fixture
def service_settings(service_settings: Settings) -> Settings:
    return service_settings.model_copy(update={"allow_private_addresses": False})


@pytest.fixture
def inside() -> Iterator[socket.socket]:
    """Somebody on this machine, who would notice a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    return AsyncClient(token, base_url=base_url)


async def test_nothing_is_sent_where_a_name_leads_inwards_when_it_is_connected_to(
    service: RunningService, inside: socket.socket
) -> None:
    url = f"https://localhost:{inside.getsockname()[1]}"  # a name that led elsewhere when the account got it
    await add(service.store, "hq", base_url=url, now=service.clock, connect=connect, by=ADEPT)
    certificate = await service.get("/api/v1/accounts/hq/certificate", role="admin")
    file = seal_server_token(service.simulator.token, certificate.content)
    answer = await service.put("/api/v1/accounts/hq/token", role="admin", content=file)
    waits_for = answer.json()["waits_for"]
    assert (answer.status_code, waits_for["code"]) == (202, "unreachable")
    assert "no connection: 'localhost' leads to 127.0.0.1, which is not a public address" in str(waits_for)
    assert "ADEPT_ALLOW_PRIVATE_ADDRESSES" in str(waits_for)
    with pytest.raises(BlockingIOError):
        inside.accept()


@pytest.mark.parametrize(
    ("change", "is_guarded"),
    [({}, True), ({"allow_private_addresses": True}, False), ({"url": "https://mdm.example"}, False)],
)
async def test_only_what_the_operator_chose_is_connected_to_wherever_it_leads(
    service_settings: Settings, change: dict[str, object], is_guarded: bool
) -> None:
    way = way_to("https://mdm.example", service_settings.model_copy(update=change))
    assert (way is not None) == is_guarded
    if way is not None:
        await way.aclose()


async def test_a_proxy_of_the_operators_looks_names_up_itself(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert way_to("https://mdm.example", service_settings) is None


async def test_where_a_name_leads_is_looked_at_each_time() -> None:
    answers = iter([["17.1.1.1"], ["17.1.1.1", "10.0.0.5"]])
    assert await public_addresses("mdm.example", resolve=lambda _: next(answers)) == ["17.1.1.1"]
    with pytest.raises(PermissionError, match=r"leads to 10\.0\.0\.5"):
        await public_addresses("mdm.example", resolve=lambda _: next(answers))
