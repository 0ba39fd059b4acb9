"""GET /session: OAuth, terms, dead tokens; and the life of sessions."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from adept.errors import Misuse
from adept.protocol.server_token import ServerToken
from adept.simulator.simulator import Simulator
from tests.simulator.caller import URL, Caller, signed
from tests.simulator.conftest import START

YEAR_S = 365 * 24 * 3600


def outcome(caller: Caller, authorization: str | None = None, **headers: str | None) -> tuple[int, str]:
    """Status and body of an attempt to open a session."""
    answer = caller.open(authorization, **headers)
    return answer.status, answer.body.decode()


def test_a_session_token_begins_with_the_ten_digits_of_the_simulated_time(simulator: Simulator, caller: Caller):
    simulator.advance(1000)
    caller.open()
    assert caller.session is not None
    assert caller.session[:10] == str(int(START.timestamp()) + 1000)
    assert len(caller.session) == 64


@pytest.mark.parametrize("realm", ["ADM", None, "other"])
def test_the_realm_is_optional(caller: Caller, realm: str | None):
    assert outcome(caller, signed(caller.token, realm=realm))[0] == 200


def test_a_query_is_part_of_what_is_signed(caller: Caller):
    authorization = signed(caller.token, f"{URL}/session?a=1&b=2")
    answer = caller.raw(
        "GET",
        "/session?a=1&b=2",
        authorization=authorization,
        user_agent="tests/1",
        content_type="application/json;charset=UTF8",
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "OAuth",
        "OAuth nonsense",
        "Bearer abc",
        'OAuth oauth_consumer_key="a"',
        'OAuth oauth_consumer_key="a", oauth_consumer_key="b", oauth_token="t"',
        "OAuth oauth_consumer_key",
    ],
)
def test_odd_oauth_parameters_are_an_empty_400(caller: Caller, authorization: str):
    assert outcome(caller, authorization) == (400, "")


@pytest.mark.parametrize("missing", ["consumer_key", "token", "signature_method", "signature", "timestamp", "nonce"])
def test_a_missing_oauth_parameter_is_an_empty_400(caller: Caller, missing: str):
    fields = signed(caller.token).removeprefix("OAuth ").split(", ")
    kept = [field for field in fields if not field.startswith(f"oauth_{missing}=")]
    assert len(kept) == len(fields) - 1
    assert outcome(caller, "OAuth " + ", ".join(kept)) == (400, "")


@pytest.mark.parametrize(
    ("field", "value"),
    [("signature_method", "PLAINTEXT"), ("version", "2.0"), ("timestamp", "yesterday"), ("timestamp", "12")],
)
def test_an_oauth_parameter_of_another_kind_is_refused(caller: Caller, field: str, value: str):
    fields = signed(caller.token).removeprefix("OAuth ").split(", ")
    changed = [f'oauth_{field}="{value}"' if part.startswith(f"oauth_{field}=") else part for part in fields]
    assert outcome(caller, "OAuth " + ", ".join(changed))[0] in (400, 401)


@pytest.mark.parametrize("drift_s", [-301, 301, -86400])
def test_a_timestamp_far_from_real_time_is_unauthorized(caller: Caller, drift_s: int):
    authorization = signed(caller.token, timestamp=str(int(time.time()) + drift_s))
    assert outcome(caller, authorization) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("drift_s", [-200, 200])
def test_a_timestamp_near_real_time_will_do_however_far_the_clock_was_moved(
    simulator: Simulator, caller: Caller, drift_s: int
):
    simulator.advance(100 * 24 * 3600)
    assert outcome(caller, signed(caller.token, timestamp=str(int(time.time()) + drift_s)))[0] == 200


def test_a_nonce_is_good_once(caller: Caller):
    authorization = signed(caller.token)
    assert outcome(caller, authorization)[0] == 200
    assert outcome(caller, authorization) == (401, "UNAUTHORIZED")


def test_a_nonce_may_come_again_with_another_timestamp(caller: Caller):
    now = int(time.time())
    assert outcome(caller, signed(caller.token, nonce="same", timestamp=str(now)))[0] == 200
    assert outcome(caller, signed(caller.token, nonce="same", timestamp=str(now - 1)))[0] == 200


def test_only_the_newest_nonces_are_remembered(simulator: Simulator, caller: Caller):
    simulator._world.service._doorkeeper._validator.nonces_remembered = 2
    first = signed(caller.token)
    for authorization in (first, signed(caller.token), signed(caller.token)):
        assert outcome(caller, authorization)[0] == 200
    assert outcome(caller, first)[0] == 200


def test_an_unknown_consumer_key_is_unauthorized(caller: Caller):
    assert outcome(caller, signed(caller.token | {"consumer_key": "CK_unknown"})) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("secret", ["consumer_secret", "access_secret", "access_token"])
def test_a_wrong_secret_is_a_wrong_signature(caller: Caller, secret: str):
    assert outcome(caller, signed(caller.token | {secret: "wrong"})) == (401, "signature_invalid")


def test_a_token_for_another_address_is_a_wrong_signature(caller: Caller):
    assert outcome(caller, signed(caller.token, "http://elsewhere/session")) == (401, "signature_invalid")


def test_a_superseded_token_is_dead_at_once_with_its_sessions_and_keeps_its_consumer_key(
    simulator: Simulator, caller: Caller
):
    old = caller.token
    caller.fetch()
    simulator.get_token(form="json")
    assert caller.refusal("GET", "/account") == (401, "UNAUTHORIZED")
    assert outcome(caller, signed(old)) == (401, "signature_invalid")
    assert caller.token["consumer_key"] == old["consumer_key"]
    assert caller.token["access_token"] != old["access_token"]
    assert outcome(caller)[0] == 200


def test_a_revoked_token_is_rejected(simulator: Simulator, caller: Caller):
    old = caller.token
    simulator.revoke_token()
    assert outcome(caller, signed(old)) == (401, "token_rejected")
    assert outcome(caller, signed(old | {"access_token": "another"})) == (401, "signature_invalid")


def test_a_token_expires_after_a_year_of_simulated_time(simulator: Simulator, caller: Caller):
    simulator.advance(YEAR_S - 1)
    assert outcome(caller)[0] == 200
    simulator.advance(1)
    assert outcome(caller) == (401, "token_rejected")


@pytest.mark.parametrize("content_type", [None, "", "application/json", "application/json; charset=UTF8", "text/plain"])
def test_a_session_wants_exactly_one_content_type(caller: Caller, content_type: str | None):
    assert outcome(caller, content_type=content_type) == (400, "")


def test_the_content_type_may_be_in_any_case(caller: Caller):
    assert outcome(caller, content_type="Application/JSON;Charset=utf8")[0] == 200


@pytest.mark.parametrize("agent", [None, "", "  "])
@pytest.mark.parametrize("path", ["/session", "/account", "/server/devices"])
def test_a_request_without_a_user_agent_is_refused(caller: Caller, agent: str | None, path: str):
    caller.open()
    method = "POST" if path == "/server/devices" else "GET"
    assert caller.refusal(method, path, {}, user_agent=agent) == (400, "USER_AGENT_MISSING")


def test_new_terms_refuse_everything_until_they_are_signed(simulator: Simulator, caller: Caller):
    caller.open()
    simulator.sign_terms(signed=False)
    assert caller.refusal("GET", "/account") == (403, "T_C_NOT_SIGNED")
    assert outcome(caller) == (403, "T_C_NOT_SIGNED")
    simulator.sign_terms()
    assert caller.call("GET", "/account").status == 200


def test_terms_concern_one_organisation(simulator: Simulator, caller: Caller):
    simulator.add_organisation("Elsewhere")
    simulator.add_server("elsewhere", organisation="Elsewhere")
    simulator.get_token("elsewhere", form="json")
    simulator.sign_terms(signed=False)
    assert Caller(simulator, server="elsewhere").open().status == 200
    assert caller.open().status == 403


@pytest.mark.parametrize("session", [None, "", "unknown"])
def test_a_missing_or_unknown_session_is_unauthorized_and_asks_for_one(caller: Caller, session: str | None):
    answer = caller.call("GET", "/account", x_adm_auth_session=session)
    assert (answer.status, answer.body) == (401, b"UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "ADM-Auth-Token"


def test_an_unknown_session_can_be_forbidden_as_depsim_does():
    caller = Caller(Simulator(forbid_unknown_sessions=True))
    assert caller.refusal("GET", "/account", x_adm_auth_session="unknown") == (403, "FORBIDDEN")


def test_a_session_dies_of_three_minutes_without_a_request(simulator: Simulator, caller: Caller):
    caller.open()
    for _ in range(3):
        simulator.advance(180)
        assert caller.call("GET", "/account").status == 200
    simulator.advance(181)
    assert caller.refusal("GET", "/account") == (401, "UNAUTHORIZED")


def test_two_sessions_of_one_token_live_side_by_side(simulator: Simulator, caller: Caller):
    other = Caller(simulator)
    caller.open()
    other.open()
    assert caller.call("GET", "/account").status == other.call("GET", "/account").status == 200
    assert simulator.state()["sessions"] == 2


def test_session_tokens_roll_when_asked_to_and_the_old_ones_stay_good():
    simulator = Simulator(rotate_sessions_every=2)
    caller = Caller(simulator)
    caller.open()
    tokens = []
    for _ in range(6):
        caller.call("GET", "/account")
        tokens.append(caller.session)
    assert len(set(tokens)) == 4
    assert caller.call("GET", "/account", x_adm_auth_session=tokens[0]).status == 200
    assert simulator.state()["sessions"] == 1


def test_an_error_may_carry_a_new_session_token_too():
    caller = Caller(Simulator(rotate_sessions_every=1))
    caller.open()
    before = caller.session
    assert caller.refusal("POST", "/devices/sync", {}) == (400, "CURSOR_REQUIRED")
    assert caller.session != before


def test_all_sessions_can_be_ended_as_by_a_restart(simulator: Simulator, caller: Caller):
    caller.open()
    simulator.end_sessions()
    assert caller.refusal("GET", "/account") == (401, "UNAUTHORIZED")


def test_dead_sessions_are_forgotten_in_the_end(simulator: Simulator):
    sessions = simulator._world.sessions
    server = simulator._world.truth.server()
    for _ in range(1001):
        sessions.open(server)
    simulator.advance(181)
    sessions.open(server)
    assert len(sessions._by_token) == 1


def test_a_given_token_is_accepted_and_no_other():
    given = {
        "consumer_key": "CK_a",
        "consumer_secret": "CS_b",
        "access_token": "AT_c",
        "access_secret": "AS_d",
        "access_token_expiry": "2030-01-01T00:00:00Z",
    }
    simulator = Simulator(token=ServerToken.from_json(json.dumps(given)))
    caller = Caller(simulator)
    assert caller.token == given
    assert caller.open().status == 200
    assert outcome(caller, signed(Caller(Simulator()).token)) == (401, "UNAUTHORIZED")


def test_the_token_follows_from_the_seed_and_outlives_a_restart():
    first, again, other = Simulator(seed=3).token, Simulator(seed=3).token, Simulator(seed=4).token
    assert first.access_token == again.access_token
    assert first.access_token != other.access_token
    assert first.consumer_key.startswith("CK_")
    assert first.consumer_secret.startswith("CS_")
    assert first.access_token.startswith("AT_O")
    assert first.access_secret.startswith("AS_")


def test_get_token_gives_the_first_servers_token_without_a_session(simulator: Simulator, caller: Caller):
    answer = caller.raw("GET", "/token")
    assert json.loads(answer.body) == caller.token
    simulator.revoke_token()
    assert caller.raw("GET", "/token").status == 404


def test_the_expiry_is_one_year_after_the_download(simulator: Simulator):
    simulator.advance(3600)
    simulator.get_token(form="json")
    assert simulator.token.access_token_expiry == START + timedelta(hours=1, days=365)


def test_the_clock_follows_real_time_where_none_is_given():
    simulator = Simulator()
    assert abs(simulator.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_credentials_show_no_secret_when_printed(simulator: Simulator, caller: Caller):
    shown = repr(simulator._world.truth.server())
    assert "CK_" in shown
    assert not [value for key, value in caller.token.items() if key.endswith("secret") and value in shown]
    assert caller.token["access_token"] not in repr(simulator._world.truth.server().credentials)
    simulator.revoke_token()
    with pytest.raises(Misuse, match="no token"):
        simulator.token_of()
