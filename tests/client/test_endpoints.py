"""Each endpoint: what it sends, and what it refuses to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adept.client import endpoints
from adept.client.call import Call, Repeat, as_sent
from adept.errors import Malformed, Misuse
from adept.protocol.profile import Profile

UUID = "9145EDB932A42C48A9DD56AD69213C64"
URL = "https://mdm.example.org/discovery"

CALLS: list[tuple[Call[Any], str, str, Any]] = [
    (endpoints.account(), "GET", "/account", None),
    (endpoints.fetch_devices(), "POST", "/server/devices", {}),
    (endpoints.fetch_devices("", limit=1), "POST", "/server/devices", {"limit": 1}),
    (endpoints.fetch_devices("c", limit=1000), "POST", "/server/devices", {"cursor": "c", "limit": 1000}),
    (endpoints.sync_devices("c"), "POST", "/devices/sync", {"cursor": "c"}),
    (endpoints.device_details(("A", "B")), "POST", "/devices", {"devices": ["A", "B"]}),
    (endpoints.replacement_details(" a/b?c "), "GET", "/device/replacementDetails?device=A%2FB%3FC", None),
    (endpoints.define_profile(Profile(profile_name="n")), "POST", "/profile", {"profile_name": "n"}),
    (endpoints.profile(f" {UUID} "), "GET", f"/profile?profile_uuid={UUID}", None),
    (endpoints.assign_profile(UUID, ("A",)), "POST", "/profile/devices", {"profile_uuid": UUID, "devices": ["A"]}),
    (
        endpoints.assign_profile(UUID, ("A",), method="PUT"),
        "PUT",
        "/profile/devices",
        {"profile_uuid": UUID, "devices": ["A"]},
    ),
    (endpoints.remove_profile(("A",)), "DELETE", "/profile/devices", {"devices": ["A"]}),
    (endpoints.activation_lock("a"), "POST", "/device/activationlock", {"device": "A"}),
    (
        endpoints.activation_lock("a", escrow_key="0a" * 32, lost_message="call me"),
        "POST",
        "/device/activationlock",
        {"device": "A", "escrow_key": "0a" * 32, "lost_message": "call me"},
    ),
    (endpoints.activation_lock("a", lost_message=""), "POST", "/device/activationlock", {"device": "A"}),
    (endpoints.beta_tokens(), "GET", "/os-beta-enrollment/tokens", None),
    (endpoints.account_driven_enrollment(), "GET", "/account-driven-enrollment/profile", None),
    (
        endpoints.set_account_driven_enrollment(URL),
        "POST",
        "/account-driven-enrollment/profile",
        {"mdm_service_discovery_url": URL},
    ),
    (endpoints.delete_account_driven_enrollment(), "DELETE", "/account-driven-enrollment/profile", None),
    (endpoints.disown(("A", "B")), "POST", "/devices/disown", {"devices": ["A", "B"]}),
]


@pytest.mark.parametrize(("call", "method", "path", "body"), CALLS)
def test_a_call_is_sent_as_apple_documents_it(call: Call[Any], method: str, path: str, body: Any) -> None:
    assert (call.method, call.path) == (method, path)
    assert (None if call.body is None else json.loads(call.body)) == body


def test_an_endpoint_is_named_without_its_query() -> None:
    assert endpoints.profile(UUID).endpoint == "GET /profile"


def test_only_disown_is_never_repeated_and_only_define_not_when_it_may_have_happened() -> None:
    repeats = {call.endpoint: call.repeat for call, *_ in CALLS}
    assert repeats.pop("POST /devices/disown") is Repeat.NEVER
    assert repeats.pop("POST /profile") is Repeat.WHEN_REFUSED
    assert set(repeats.values()) == {Repeat.FREELY}


def test_only_assigning_has_another_method() -> None:
    others = {(call.method, call.fallback_method) for call, *_ in CALLS if call.fallback_method}
    assert others == {("POST", "PUT"), ("PUT", "POST")}


def test_defining_drops_empty_optional_keys_and_the_uuid_of_a_profile_read_before() -> None:
    profile = Profile(profile_name="n", url="", department="", is_mandatory=False, profile_uuid=UUID, extra={"new": 1})
    body = endpoints.define_profile(profile).body
    assert body is not None
    assert json.loads(body) == {"profile_name": "n", "url": "", "is_mandatory": False, "new": 1}


@pytest.mark.parametrize(
    ("call", "about"),
    [
        (endpoints.assign_profile(UUID, ("A", "B")), f"assigning profile {UUID} to 2 devices"),
        (endpoints.remove_profile(("A",)), "removing the profile of device A"),
        (endpoints.define_profile(Profile(profile_name="Macs")), "defining profile 'Macs'"),
        (endpoints.define_profile(Profile()), "defining a profile"),
    ],
)
def test_a_call_says_what_it_tries(call: Call[Any], about: str) -> None:
    assert call.about == about


@pytest.mark.parametrize("limit", [0, -1, 1001, True, "100", 1.5])
def test_a_limit_outside_1_to_1000_is_misuse(limit: Any) -> None:
    with pytest.raises(Misuse, match="1 to 1000"):
        endpoints.fetch_devices(limit=limit)


@pytest.mark.parametrize("cursor", ["", None])
def test_a_sync_without_a_cursor_is_misuse(cursor: Any) -> None:
    with pytest.raises(Misuse, match="cursor"):
        endpoints.sync_devices(cursor)


@pytest.mark.parametrize("uuid", ["", "  ", None])
def test_a_missing_profile_uuid_is_misuse(uuid: Any) -> None:
    with pytest.raises(Misuse, match="UUID"):
        endpoints.profile(uuid)
    with pytest.raises(Misuse, match="UUID"):
        endpoints.assign_profile(uuid, ("A",))


@pytest.mark.parametrize("key", ["3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4", "0a", "", "zz" * 32])
def test_a_bypass_code_is_no_escrow_key(key: str) -> None:
    with pytest.raises(Misuse, match="64 hex digits"):
        endpoints.activation_lock("A", escrow_key=key)


def test_a_blank_serial_or_url_is_misuse() -> None:
    with pytest.raises(Misuse):
        endpoints.replacement_details(" ")
    with pytest.raises(Misuse):
        endpoints.activation_lock("")
    with pytest.raises(Misuse):
        endpoints.set_account_driven_enrollment(" ")


def test_as_sent_gives_the_body_unchanged() -> None:
    body = b'{ "devices" : [ ], "new": {"deep": [1, 2]}, "cursor": "c"}\n'
    call = as_sent(endpoints.fetch_devices("c", limit=5))
    assert call.decode(body, endpoint=call.endpoint) is body
    assert (call.method, call.path, call.body) == ("POST", "/server/devices", b'{"cursor":"c","limit":5}')


def test_as_sent_keeps_how_a_call_may_be_repeated() -> None:
    call = as_sent(endpoints.assign_profile(UUID, ("A",)))
    assert (call.repeat, call.fallback_method) == (Repeat.FREELY, "PUT")
    assert as_sent(endpoints.disown(("A",))).repeat is Repeat.NEVER


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"devices":[', b'"text"', b"\xff", b"[" * 5000])
def test_as_sent_refuses_what_is_no_json_object(body: bytes) -> None:
    call = as_sent(endpoints.account())
    with pytest.raises(Malformed) as caught:
        call.decode(body, endpoint=call.endpoint)
    assert caught.value.endpoint == "GET /account"


@pytest.mark.parametrize("body", [b"", b"{}", b"anything"])
def test_where_apple_documents_no_body_any_will_do(body: bytes) -> None:
    call = endpoints.set_account_driven_enrollment(URL)
    assert call.decode(body, endpoint=call.endpoint) is None
    assert as_sent(call).decode(body, endpoint=call.endpoint) == body
