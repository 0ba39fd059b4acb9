"""Both clients on the simulator, over real sockets: everything once, and in the moods a real Apple has."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

import adept
from adept.client.clock import utc_now
from adept.errors import Malformed, Refused, TokenRejected, Unreachable
from adept.simulator.running import Running, serve
from adept.simulator.service_app import ServiceApp
from adept.simulator.simulator import Simulator
from tests.client.apple import Apple, Asker

SERVER = "Example MDM"


@contextmanager
def asking(kind: str, simulator: Simulator, **settings: Any) -> Iterator[tuple[Asker, Running]]:
    """A client of either kind on a simulator of its own, over sockets."""
    with serve(simulator) as running:
        given: dict[str, Any] = {"now": utc_now, "base_url": running.url, "token": running.token}
        ask = Asker(kind, Apple(), http=None, **given | settings)
        try:
            yield ask, running
        finally:
            ask.close()


def test_everything_once(client_kind: str) -> None:
    with asking(client_kind, Simulator(devices=2500, seed=4)) as (ask, running):
        assert ask("account").server_name == SERVER
        listing = ask.client.all_devices()
        devices = ask.listed(listing)
        serials = [device.serial_number for device in devices]
        assert len(set(serials)) == 2500
        assert listing.pages == 3

        profile = adept.Profile(profile_name="Macs", url="https://mdm.example.org/enroll", is_supervised=True)
        uuid = ask("define_profile", profile).profile_uuid
        result = ask("assign_profile", uuid, [serial.lower() for serial in serials])
        assert set(result.statuses.values()) == {"SUCCESS"}
        assert result.missing(serials) == ()
        assert ask("profile", uuid).profile_name == "Macs"

        details = ask("device_details", [*serials[:1500], "C02STRANGER1"])
        assert len(details.found) == 1500
        assert list(details.absent) == ["C02STRANGER1"]
        assert {device.profile_status for device in details.found.values()} == {"assigned"}

        assert ask("remove_profile", serials[:5]).statuses == dict.fromkeys(serials[:5], "SUCCESS")
        changes = ask("all_changes", listing.cursor)
        assert {change.serial_number for change in changes} >= set(serials)
        assert ask("disown", serials[:2], confirm_count=2).statuses == dict.fromkeys(serials[:2], "SUCCESS")
        assert serials[0] not in running.simulator.devices(SERVER)

        ask("set_account_driven_enrollment", "https://mdm.example.org/discovery")
        assert ask("account_driven_enrollment").mdm_service_discovery_url == "https://mdm.example.org/discovery"
        ask("delete_account_driven_enrollment")
        with pytest.raises(Refused) as caught:
            ask("account_driven_enrollment")
        assert caught.value.code == "NOT_FOUND"
        assert ask("beta_tokens").tokens
        assert ask("activation_lock", serials[10]).serial_number == serials[10]


def test_a_session_that_apple_forgot_costs_two_more_requests(client_kind: str) -> None:
    with asking(client_kind, Simulator(devices=5)) as (ask, running):
        ask("account")
        before = ask.client.requests
        running.simulator.end_sessions()
        ask("account")
        assert ask.client.requests - before == 3


@pytest.mark.parametrize(
    "mood",
    [
        {"rotate_sessions_every": 1},
        {"quoted_errors": True},
        {"forbid_unknown_sessions": True},
        {"cursor_length": 1000},
        {"assign_methods": ("PUT",)},
        {"page_limit": 7},
    ],
    ids=lambda mood: next(iter(mood)),
)
def test_a_fleet_is_walked_and_assigned_in_every_mood(client_kind: str, mood: dict[str, Any]) -> None:
    with asking(client_kind, Simulator(devices=60, seed=2, **mood)) as (ask, running):
        serials = [device.serial_number for device in ask("all_devices", limit=10)]
        assert set(serials) == set(running.simulator.devices(SERVER))
        running.simulator.end_sessions()
        uuid = ask("define_profile", adept.Profile(profile_name="n", url="https://mdm.example.org")).profile_uuid
        assert set(ask("assign_profile", uuid, serials).statuses.values()) == {"SUCCESS"}


def test_a_hostile_apple_is_survived(client_kind: str) -> None:
    """Every call ends in a value or one of our errors, and within the bounded number of requests."""
    simulator = Simulator(devices=300, seed=3, hostile=True)
    with asking(client_kind, simulator, wait_budget_s=100, timeout_s=5) as (ask, _):
        good = 0
        for _ in range(60):
            before = ask.client.requests
            with suppress(Refused, Unreachable, Malformed):
                ask("fetch_devices", limit=50)
                good += 1
            assert ask.client.requests - before <= 7
        assert good > 20


@pytest.mark.parametrize(
    ("word", "kind", "code"),
    [
        ("forbidden_t_c_not_signed", Refused, "T_C_NOT_SIGNED"),
        ("forbidden_access_denied", Refused, "ACCESS_DENIED"),
        ("unauthorized", TokenRejected, "UNAUTHORIZED"),
        ("too_many_requests", Refused, "TOO_MANY_REQUESTS"),
        ("bad_request", TokenRejected, "HTTP_400"),
        ("invalid_method", Refused, "HTTP_405"),
    ],
)
def test_what_goes_wrong_at_session_is_told_apart(client_kind: str, word: str, kind: type[Refused], code: str) -> None:
    with asking(client_kind, Simulator()) as (ask, running):
        running.simulator.fault("get_session", word, count=1)
        with pytest.raises(Refused) as caught:
            ask("account")
        assert (type(caught.value), caught.value.code) == (kind, code)
        assert ask("account").server_name == SERVER


def test_a_token_that_was_replaced_in_the_portal_is_rejected(client_kind: str) -> None:
    with asking(client_kind, Simulator()) as (ask, running):
        ask("account")
        running.simulator.revoke_token(SERVER)
        with pytest.raises(TokenRejected):
            ask("account")


def test_nobody_listens_after_the_simulator_stopped(client_kind: str) -> None:
    with asking(client_kind, Simulator()) as (ask, running):
        ask("account")
        running.stop()
        with pytest.raises(Unreachable):
            ask("account")


def test_a_clock_that_is_wrong_by_a_day_is_refused_by_signature(client_kind: str) -> None:
    def a_day_ago() -> datetime:
        return utc_now() - timedelta(days=1)

    with asking(client_kind, Simulator(), now=a_day_ago) as (ask, _), pytest.raises(TokenRejected):
        ask("account")


async def test_a_client_on_an_asgi_simulator_needs_no_socket() -> None:
    simulator = Simulator(devices=10)
    http = httpx2.ASGITransport(app=ServiceApp(simulator.answer))
    async with adept.AsyncClient(simulator.token, base_url="https://dep.example", http=http) as client:
        devices = [device async for device in client.all_devices()]
        assert len(devices) == 10
        assert len(await asyncio.gather(*(client.account() for _ in range(5)))) == 5
