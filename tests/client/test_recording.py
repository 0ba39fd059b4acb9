"""Recording: nothing secret or private survives, what is equal stays equal, and shapes are kept."""

from __future__ import annotations

import json
import logging
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adept
from adept.client.exchange import Answer, Exchange, HttpRequest
from adept.client.recording import PAGES, Recorder
from adept.client.sanitising import Sanitiser
from adept.client.stand_ins import StandIns
from adept.errors import AdeptError, ConfigError, Refused
from adept.protocol import error_codes
from tests.client.apple import Apple, Asker, no, yes
from tests.tokens import SECRETS

SERIAL = "C02XK1ZZJGH5"
UUID = "9145EDB932A42C48A9DD56AD69213C64"
SERVER_UUID = "677CAB70-FE18-11E2-8B39-0800200C9A66"
CURSOR = "MDowOjE3NzI0NDcwNzIwMDA6MTc3MjQ0NzA3MjAwMA=="
PRIVATE = [
    SERIAL,
    UUID,
    SERVER_UUID,
    CURSOR.rstrip("="),
    "Springfield",
    "jane.doe@springfield-school.org",
    "springfield-school",
    "+1 555 867 5309",
    "742 Evergreen Terrace",
    "356938035643809",
    "89049032004008882600012345678901",
    "a4:83:e7:12:34:56",
    "https://mdm.springfield-school.org/enroll",
    "INV-00042-Q",
    "ZGVyIGNlcnRpZmljYXRl",
    "hush-hush-beta",
    "9f8e7d6c5b4a",
    "Unheard Value",
    "31415926",
    "Smithers",
]
ACCOUNT = {
    "server_name": "Springfield Macs",
    "server_uuid": SERVER_UUID,
    "admin_id": "jane.doe@springfield-school.org",
    "org_name": "Springfield School",
    "org_email": "jane.doe@springfield-school.org",
    "org_phone": "+1 555 867 5309",
    "org_address": "742 Evergreen Terrace\nSpringfield",
    "org_id": "31415926",
    "org_type": "edu",
    "org_version": "v2",
    "urls": [{"uri": "/devices/sync", "http_method": ["POST"], "limit": {"default": 100, "maximum": 1000}}],
    "new_key": "Unheard Value",
    "new_number": 31415926,
    "new_flag": True,
    "new_list": [None, 3.5, "Unheard Value"],
    "new_map": {"Smithers": {SERIAL: 1}, "count": -31415926},
}
DEVICE = {
    "serial_number": SERIAL,
    "model": "MacBook Air",
    "description": f"MBA 13.6 SKY BLUE {SERIAL}",
    "color": "SKY BLUE",
    "asset_tag": "INV-00042-Q",
    "profile_status": "assigned",
    "profile_uuid": UUID,
    "profile_assign_time": "2026-03-02T10:20:00Z",
    "device_assigned_by": "jane.doe@springfield-school.org",
    "device_assigned_date": "2026-03-02T10:11:12Z",
    "os": "OSX",
    "device_family": "Mac",
    "imei": ["356938035643809"],
    "eid": "89049032004008882600012345678901",
    "wifi_mac_address": "a4:83:e7:12:34:56",
    "is_replacement_device": False,
    "op_type": "modified",
    "op_date": "2026-03-02T10:20:01Z",
}


def recorded(directory: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Every case of a recording, `page/case` to request and response."""
    return {
        case.parent.relative_to(directory).as_posix(): (
            json.loads(case.read_text()),
            json.loads((case.parent / "response.json").read_text()),
        )
        for case in sorted(directory.rglob("request.json"), key=lambda path: path.parent.name)
    }


def everything(directory: Path) -> str:
    return "\n".join(f"{path}\n{path.read_text()}" for path in sorted(directory.rglob("*.json")))


@pytest.fixture
def recording(apple: Apple, asker: Callable[..., Asker], tmp_path: Path) -> Path:
    """A recording of most endpoints, errors included."""
    ask = asker(record=tmp_path / "deep" / "recording", user_agent="springfield-school/1.0")
    apple.script("GET /session", yes({"auth_session_token": "9f8e7d6c5b4a"}))
    apple.session = "9f8e7d6c5b4a"
    apple.script("GET /account", yes(ACCOUNT, X_ADM_Auth_Session="9f8e7d6c5b4a-2", Set_Cookie="id=Smithers"))
    apple.script(
        "POST /server/devices",
        yes({"devices": [DEVICE], "cursor": CURSOR, "more_to_follow": False}, X_Request_Id="Smithers"),
    )
    apple.script("POST /devices/sync", no(400, '"EXPIRED_CURSOR"'))
    apple.script("POST /devices", yes({"devices": {SERIAL: DEVICE, "C02OTHER": {"response_status": "NOT_FOUND"}}}))
    apple.script("GET /profile", no(404, f"no profile {UUID} of Springfield for {SERIAL}"))
    apple.script(
        "POST /profile/devices", yes({"profile_uuid": UUID, "devices": {SERIAL: "SUCCESS", "C02OTHER": "NEW"}})
    )
    apple.script("GET /os-beta-enrollment/tokens", yes({"betaEnrollmentTokens": [{"token": "hush-hush-beta"}]}))
    apple.script("POST /profile", httpx2.Response(500, text=f"<html><b>Springfield</b> {SERIAL}, 9f8e7d6c5b4a</html>"))
    apple.script("DELETE /profile/devices", httpx2.Response(200, text='{"devices": {"' + SERIAL))

    ask("account")
    ask("fetch_devices")
    for method, argument in [("sync_devices", CURSOR), ("profile", UUID), ("remove_profile", [SERIAL])]:
        with pytest.raises(AdeptError):
            ask(method, argument)
    ask("device_details", [SERIAL, "C02OTHER"])
    ask("assign_profile", UUID, [SERIAL])
    ask("beta_tokens")
    with pytest.raises(AdeptError):
        ask("define_profile", _profile())
    return tmp_path / "deep" / "recording"


def _profile() -> Any:
    return adept.Profile(
        profile_name="Springfield Macs",
        url="https://mdm.springfield-school.org/enroll",
        anchor_certs=("ZGVyIGNlcnRpZmljYXRl",),
        skip_setup_items=("Siri", "TOS"),
        language="en",
        devices=(SERIAL,),
        is_supervised=True,
    )


def test_nothing_secret_or_private_survives(recording: Path) -> None:
    text = everything(recording).lower()
    assert [word for word in [*PRIVATE, *SECRETS, "oauth"] if word.lower() in text] == []


def test_one_folder_an_exchange_in_order_by_the_name_of_apples_page(recording: Path) -> None:
    assert sorted(recorded(recording)) == sorted(
        [
            "session/0001-200",
            "account/0002-200",
            "fetch-devices/0003-200",
            "sync-devices/0004-400",
            "get-profile/0005-404",
            "remove-profile/0006-200",
            "device-details/0007-200",
            "assign-profile/0008-200",
            "beta-tokens/0009-200",
            "define-profile/0010-500",
        ]
    )


def test_what_is_equal_stays_equal(recording: Path) -> None:
    cases = recorded(recording)
    fetched = cases["fetch-devices/0003-200"][1]["body"]
    serial = fetched["devices"][0]["serial_number"]
    details = cases["device-details/0007-200"]
    assert details[0]["body"]["devices"][0] == serial
    assert details[1]["body"]["devices"][serial]["serial_number"] == serial
    assert cases["sync-devices/0004-400"][0]["body"]["cursor"] == fetched["cursor"]
    assert cases["remove-profile/0006-200"][0]["body"]["devices"] == [serial]
    assert serial in cases["get-profile/0005-404"][1]["body"]
    assert serial in fetched["devices"][0]["description"]
    uuid = fetched["devices"][0]["profile_uuid"]
    assert cases["get-profile/0005-404"][0]["path"] == f"/profile?profile_uuid={uuid}"
    account = cases["account/0002-200"][1]["body"]
    assert account["org_email"] == account["admin_id"] == fetched["devices"][0]["device_assigned_by"]


def test_sessions_can_be_told_apart_but_not_known(recording: Path) -> None:
    cases = recorded(recording)
    opened = cases["session/0001-200"][1]["body"]["auth_session_token"]
    request, response = cases["account/0002-200"]
    assert request["headers"]["X-ADM-Auth-Session"] == opened
    rolled = response["headers"]["x-adm-auth-session"]
    assert rolled != opened
    assert cases["fetch-devices/0003-200"][0]["headers"]["X-ADM-Auth-Session"] == rolled
    assert opened.startswith("removed-")


def test_shapes_enumerations_times_and_structure_are_kept(recording: Path) -> None:
    cases = recorded(recording)
    (device,) = cases["fetch-devices/0003-200"][1]["body"]["devices"]
    assert set(device) == set(DEVICE)
    kept = ("model", "color", "profile_status", "profile_assign_time", "os", "device_family", "op_type", "op_date")
    assert {key: device[key] for key in kept} == {key: DEVICE[key] for key in kept}
    for key in ("serial_number", "profile_uuid", "eid", "wifi_mac_address", "asset_tag"):
        assert shape(device[key]) == shape(str(DEVICE[key]))
    assert all(letter in string.hexdigits for letter in device["profile_uuid"])
    account = cases["account/0002-200"][1]["body"]
    assert (account["org_type"], account["org_version"], account["new_flag"]) == ("edu", "v2", True)
    assert account["urls"] == ACCOUNT["urls"]
    assert account["new_number"] == -account["new_map"]["count"]
    assert account["org_email"].endswith(".example")
    profile = cases["define-profile/0010-500"][0]["body"]
    assert profile["skip_setup_items"] == ["Siri", "TOS"]
    assert (profile["language"], profile["is_supervised"]) == ("en", True)
    assert profile["url"].startswith("https://")


def shape(text: str) -> str:
    return "".join("9" if letter.isdigit() else "a" if letter.isalpha() else letter for letter in text)


def test_what_an_error_says_is_kept_where_it_is_a_code_quotes_and_all(recording: Path) -> None:
    cases = recorded(recording)
    assert cases["sync-devices/0004-400"][1]["body"] == '"EXPIRED_CURSOR"'
    statuses = set(cases["assign-profile/0008-200"][1]["body"]["devices"].values())
    assert statuses == {"SUCCESS", "NEW"}


def test_headers_that_matter_are_kept_and_all_others_replaced(recording: Path) -> None:
    request, response = recorded(recording)["fetch-devices/0003-200"]
    assert request["headers"] | {"X-ADM-Auth-Session": ""} == {
        "User-Agent": "replaced",
        "X-Server-Protocol-Version": "10",
        "Accept": "application/json;charset=UTF8",
        "Content-Type": "application/json;charset=UTF8",
        "X-ADM-Auth-Session": "",
    }
    assert response["headers"]["content-type"] == "application/json;charset=UTF8"
    assert response["headers"]["x-request-id"] == "replaced"


def test_a_second_recording_goes_beside_the_first_and_shares_nothing_with_it(
    apple: Apple, asker: Callable[..., Asker], tmp_path: Path
) -> None:
    apple.default = yes(ACCOUNT)
    for _ in range(2):
        asker(record=str(tmp_path))("account")
    cases = recorded(tmp_path)
    names = [response["body"]["server_name"] for page, (_, response) in cases.items() if page.startswith("account")]
    assert len(names) == 2
    assert names[0] != names[1]


def test_a_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="can't record into"):
        Recorder(tmp_path / "file" / "folder")


def test_a_record_that_cannot_be_written_costs_the_record_and_not_the_call(
    apple: Apple, asker: Callable[..., Asker], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ask = asker(record=tmp_path / "recording")
    (tmp_path / "recording").rmdir()
    (tmp_path / "recording").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert ask("account").server_name == "hq"
    assert "exchange not recorded" in caplog.text


def test_every_endpoint_has_a_folder() -> None:
    endpoints = {
        value
        for name, value in vars(error_codes).items()
        if name.isupper() and isinstance(value, str) and value.partition(" ")[0] in ("GET", "POST", "PUT", "DELETE")
    }
    assert set(PAGES) == endpoints


def exchange(body: bytes, *, path: str = "/account", status: int = 200, **headers: str) -> Exchange:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Exchange(HttpRequest("GET", "https://x.example", path, {}), Answer(status, named, body))


def sanitised(body: bytes, **rest: Any) -> dict[str, Any]:
    return Sanitiser(b"key").sanitised(exchange(body, **rest))[1]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", ""),
        (b"T_C_NOT_SIGNED", "T_C_NOT_SIGNED"),
        (b'"INVALID_CURSOR"\r\n', '"INVALID_CURSOR"\r\n'),
        (b"SOME_NEW_CODE", "SOME_NEW_CODE"),
        (b"signature_invalid", "signature_invalid"),
        (b"UNAUTHORIZED", "UNAUTHORIZED"),
    ],
)
def test_codes_are_kept_known_or_not(body: bytes, kept: str) -> None:
    assert sanitised(body, status=400)["body"] == kept


@pytest.mark.parametrize(
    "body",
    [b"SMITHERS", b"Mr. Smithers", b"smithers@example.org", b"<p>smithers</p>", b'{"x": smithers}', b"smithers\xff"],
)
def test_any_other_text_is_replaced(body: bytes) -> None:
    text = sanitised(body, status=400)["body"]
    assert "smithers" not in text.lower()
    assert len(text.replace(".example", "")) == len(body.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    "body", [b"[" * 100000, b'{"a":' + b"9" * 5000 + b"}", b'{"a": NaN, "b": -Infinity}', b"[1e400]"]
)
def test_bodies_that_python_cannot_read_are_recorded_all_the_same(body: bytes) -> None:
    json.dumps(sanitised(body))


def test_a_path_that_is_no_endpoint_is_replaced_too() -> None:
    request, _ = Sanitiser(b"key").sanitised(exchange(b"", path="/smithers1/9f8e?Smithers=C02X&serial=C02X"))
    assert "smithers" not in request["path"].lower()
    assert "C02X" not in request["path"]
    assert request["path"].count("serial=") == 1


def test_a_key_that_is_a_private_value_elsewhere_is_replaced() -> None:
    body = json.dumps({"server_name": "smithers", "smithers": 1, "model": "x"}).encode()
    assert "smithers" not in json.dumps(sanitised(body))


def test_names_of_fields_stay_whatever_words_are_private() -> None:
    body = json.dumps({"server_name": "Model Description", "model": "x"}).encode()
    assert set(sanitised(body)["body"]) == {"server_name", "model"}


def test_a_description_outside_a_device_is_replaced() -> None:
    assert "Smithers" not in json.dumps(sanitised(b'{"description": "Mr. Smithers"}'))


def test_an_assigner_that_is_nobody_is_kept() -> None:
    assert sanitised(b'{"device_assigned_by": "-1"}')["body"] == {"device_assigned_by": "-1"}


def test_an_enumeration_that_holds_something_else_is_replaced() -> None:
    assert "smithers" not in json.dumps(sanitised(b'{"os": "smithers@example.org", "uri": "/a/42/smithers"}'))


@pytest.mark.parametrize(("name", "value"), [("retry_after", "120"), ("www_authenticate", "ADM-Auth-Token")])
def test_headers_that_steer_are_kept(name: str, value: str) -> None:
    assert list(sanitised(b"", **{name: value})["headers"].values()) == [value]


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=40)


@given(words)
def test_a_stand_in_is_another_text_of_the_same_shape(text: str) -> None:
    stand_ins = StandIns(b"key")
    made = stand_ins.private(text)
    assert made == stand_ins.private(text)
    assert len(made.replace(".example", "")) == len(text.replace(".example", "")) or "://" in text


@given(st.from_regex(r"[A-Z0-9]{10,14}", fullmatch=True), st.from_regex(r"[A-Z0-9]{10,14}", fullmatch=True))
def test_different_serials_get_different_stand_ins_and_case_is_no_difference(one: str, other: str) -> None:
    stand_ins = StandIns(b"key")
    assert stand_ins.private(one) != one
    assert stand_ins.private(one).lower() == stand_ins.private(one.lower())
    assert (stand_ins.private(one) == stand_ins.private(other)) == (one == other)


@given(st.text(max_size=200))
def test_any_body_and_any_text_can_be_sanitised(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    json.dumps(sanitised(body))
    json.dumps(sanitised(json.dumps({"x": text, text: text}).encode()))


def test_a_secret_is_its_label_wherever_it_turns_up() -> None:
    stand_ins = StandIns(b"key")
    label = stand_ins.secret("hush hush")
    assert stand_ins.private("hush hush") == stand_ins.public("hush hush") == label


def test_every_digit_may_be_taken_and_short_words_still_get_one() -> None:
    stand_ins = StandIns(b"key")
    assert all(stand_ins.private(digit).isdigit() for digit in string.digits)


def test_a_refused_call_is_recorded_too(apple: Apple, asker: Callable[..., Asker], tmp_path: Path) -> None:
    ask = asker(record=tmp_path)
    apple.script("GET /account", no(403, "ACCESS_DENIED"))
    with pytest.raises(Refused):
        ask("account")
    assert recorded(tmp_path)["account/0002-403"][1]["body"] == "ACCESS_DENIED"
