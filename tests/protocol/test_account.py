"""The account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adept.errors import Malformed
from adept.protocol.account import Account, Limit, OrgType, OrgVersion, decode_account

ENDPOINT = "GET /account"


def account(**keys: Any) -> Account:
    return decode_account(json.dumps({"server_name": "MDM", "server_uuid": "ab"} | keys).encode(), endpoint=ENDPOINT)


def urls(*limits: Any, uri: str = "/server/devices") -> list[dict[str, Any]]:
    return [{"uri": uri, "http_method": ["POST"], "limit": limit} for limit in limits]


@pytest.mark.parametrize(
    ("sent", "normalised"),
    [
        ("677cab70-fe18-11e2-b778-0800200c9a66", "677cab70fe1811e2b7780800200c9a66"),
        ("677CAB70FE1811E2B7780800200C9A66", "677cab70fe1811e2b7780800200c9a66"),
        (" ab-CD ", "abcd"),
    ],
)
def test_a_server_uuid_is_kept_as_sent_and_compared_in_one_spelling(sent: str, normalised: str) -> None:
    read = account(server_uuid=sent)
    assert read.server_uuid == sent
    assert read.server_uuid_normalised == normalised


@pytest.mark.parametrize("absent", [None, ""])
def test_absent_null_and_empty_are_all_none(absent: str | None) -> None:
    read = account(server_uuid=absent, org_id_hash=absent)
    assert (read.server_uuid, read.server_uuid_normalised, read.org_id_hash, read.admin_id) == (None, None, None, None)


@pytest.mark.parametrize("body", [b"{}", b'{"org_name": "x"}', b'{"server_uuid": null, "server_name": ""}'])
def test_an_answer_that_names_no_server_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="names no server") as caught:
        decode_account(body, endpoint=ENDPOINT)
    assert caught.value.field == "$.server_uuid"


def test_a_key_of_another_type_is_malformed_and_named() -> None:
    with pytest.raises(Malformed, match="Expected `str") as caught:
        account(server_name=["MDM"])
    assert caught.value.field == "$.server_name"
    assert caught.value.endpoint == ENDPOINT


def test_an_organisations_number_may_come_as_a_number() -> None:
    read = account(org_id=76112, org_phone=4930123)
    assert (read.org_id, read.org_phone) == ("76112", "4930123")


@pytest.mark.parametrize("found", [True, [1], 1.5])
def test_what_is_no_number_is_not_made_one(found: Any) -> None:
    with pytest.raises(Malformed):
        account(org_id=found)


def test_the_limits_are_found_by_uri() -> None:
    read = account(urls=urls({"default": 100, "maximum": 1000}) + urls({"default": 5, "maximum": 50}, uri="/other"))
    assert read.limit_for("/server/devices") == Limit(default=100, maximum=1000)
    assert read.limit_for("/other") == Limit(default=5, maximum=50)
    assert read.limit_for("/devices") is None


def test_a_limit_above_1000_is_what_apple_says() -> None:
    assert account(urls=urls({"default": 100, "maximum": 5000})).limit_for("/server/devices") == Limit(100, 5000)


@pytest.mark.parametrize(
    "limit",
    [
        None,
        {},
        [],
        "1000",
        7,
        {"default": 100},
        {"default": "100", "maximum": "1000"},
        {"default": 0, "maximum": 1000},
        {"default": -1, "maximum": -1},
        {"default": 100, "maximum": 10},
        {"default": True, "maximum": 10},
        {"default": 1.5, "maximum": 10},
    ],
)
def test_a_limit_that_makes_no_sense_is_none(limit: Any) -> None:
    assert account(urls=urls(limit)).limit_for("/server/devices") is None


def test_a_sound_limit_after_an_unsound_one_is_found() -> None:
    assert account(urls=urls({"default": 0}, {"default": 1, "maximum": 2})).limit_for("/server/devices") == Limit(1, 2)


@pytest.mark.parametrize("found", [None, "", {}, "all", 3, [None, 3, "x", {}, {"uri": 3}]])
def test_urls_that_cant_be_read_are_left_out(found: Any) -> None:
    assert account(urls=found).urls == ()


@pytest.mark.parametrize(
    ("found", "methods"), [(["GET", 3, "PUT"], ("GET", "PUT")), ("POST", ("POST",)), ({}, ()), (None, ())]
)
def test_the_sloppy_methods_of_apples_sample_are_taken_as_they_are(found: Any, methods: tuple[str, ...]) -> None:
    assert account(urls=[{"uri": "/x", "http_method": found}]).urls[0].http_method == methods


def test_a_url_without_methods_is_a_url() -> None:
    assert account(urls=[{"uri": "/x"}]).urls[0].uri == "/x"


def test_unknown_keys_are_kept_and_given_back() -> None:
    read = account(new_key={"deep": [1, None]}, urls=[])
    assert read.extra == {"new_key": {"deep": [1, None]}}
    assert json.loads(read.document)["new_key"] == {"deep": [1, None]}


def test_an_account_made_by_hand_has_no_extra() -> None:
    assert Account(server_name="x").extra == {}


def test_an_unknown_kind_of_organisation_survives() -> None:
    assert account(org_type="club", org_version="v3").org_type == "club"


def test_the_kinds_of_organisation_are_these() -> None:
    assert [str(kind) for kind in OrgType] == ["edu", "org", "tvprovider"]
    assert [str(version) for version in OrgVersion] == ["v1", "v2"]


def test_an_address_of_several_lines_and_a_name_in_any_script_survive() -> None:
    read = account(org_address="1 Lane\nTown", org_name="株式会社 😀")
    assert read.org_address == "1 Lane\nTown"
    assert read.org_name == "株式会社 😀"


def test_half_a_surrogate_pair_does_not_cost_the_account() -> None:
    read = decode_account(rb'{"server_name": "a\ud83d", "server_uuid": "ab"}', endpoint=ENDPOINT)
    assert read.server_name == "a\N{REPLACEMENT CHARACTER}"
    assert b"ud83d" not in read.document
