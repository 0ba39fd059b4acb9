"""What the simulator restates by hand says the same as the protocol's own tables: a slip of either would show here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol import versions
from adept.protocol.error_codes import RULES, ErrorCode
from adept.protocol.profile import SERVER_RULES, read_profile
from adept.protocol.profile_checks import Level, check_profile
from adept.simulator import documents
from adept.simulator.fault_words import ENDPOINTS, WORDS
from adept.simulator.faults import endpoint_key
from adept.simulator.profile_rules import refusal
from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller


def test_both_know_the_same_keys_of_a_device_since_the_same_versions():
    ours = {key: documents.KEYS_SINCE.get(key, 1) for key in versions.KEYS_SINCE}
    assert ours == dict(versions.KEYS_SINCE)
    assert set(documents.KEYS_SINCE) <= set(versions.KEYS_SINCE)


def test_both_know_the_same_keys_of_an_account_since_the_same_versions():
    simulator = Simulator()
    for version in range(1, 11):
        account = Caller(simulator, version=version).json("GET", "/account")
        assert set(account) == {key for key, since in versions.ACCOUNT_KEYS_SINCE.items() if since <= version}


def test_both_know_the_same_endpoints_since_the_same_versions():
    caller = Caller(Simulator(), version=1)
    for endpoint, since in versions.ENDPOINTS_SINCE.items():
        assert endpoint_key(endpoint) in ENDPOINTS
        method, _, path = endpoint.partition(" ")
        assert (caller.call(method, path, {}).status == 404) == (since > 1)


@pytest.mark.parametrize("code", ErrorCode)
def test_there_is_a_fault_for_every_code_of_the_protocol_with_one_of_its_statuses(code: ErrorCode):
    statuses = {word.status for word in WORDS.values() if word.code == code}
    if code == ErrorCode.NOT_FOUND:
        statuses.add(404)  # `not_found` means two things, and is decided where it is used
    assert statuses
    assert statuses & set(RULES[code].statuses) or not RULES[code].statuses  # nobody recorded one


def test_both_refuse_the_same_lengths_in_a_profile():
    caller = Caller(Simulator())
    good = {"profile_name": "one", "url": "https://mdm.example.org/enroll"}
    for rule in SERVER_RULES:
        if rule.is_url:
            continue
        assert caller.call("POST", "/profile", good | {rule.key: "x" * rule.maximum}).status == 200
        refused = caller.refusal("POST", "/profile", good | {rule.key: "x" * (rule.maximum + 1)})
        assert refused == (400, str(rule.invalid))


TEXTS = st.one_of(st.text("aü \x1b/.:%", max_size=4), st.integers(40, 300).map("x".__mul__))
URLS = st.one_of(
    TEXTS,
    TEXTS.map("https://mdm.example.org/".__add__),
    st.integers(1900, 2100).map(lambda length: "https://mdm.example.org/" + "ü" * (length // 6)),
    st.sampled_from(["http://x", "https://x:port", "https://[x", "ftp://x/", "https:///x", "https://x/ y", "//x"]),
)
PROFILES = st.fixed_dictionaries(
    {},
    optional={
        **{rule.key: URLS if rule.is_url else TEXTS for rule in SERVER_RULES},
        "is_mdm_removable": st.booleans(),
        "is_supervised": st.booleans(),
        "language": st.sampled_from(["en", "deu", "english", "EN", ""]),
        "region": st.sampled_from(["US", "us", "USA", ""]),
    },
)


@given(PROFILES)
def test_what_the_simulator_refuses_the_local_check_finds_by_the_same_code_first(profile: dict[str, Any]):
    """And the other way round: with errors of Apple's codes, the simulator refuses."""
    apples = {str(rule.invalid) for rule in SERVER_RULES} | {str(rule.required) for rule in SERVER_RULES}
    apples |= {"FLAGS_INVALID", "LOCALE_INVALID"}
    found = check_profile(read_profile(json.dumps(profile)))
    errors = [str(finding.code) for finding in found if finding.level == Level.ERROR and str(finding.code) in apples]
    assert refusal(profile) == (errors[0] if errors else None)
