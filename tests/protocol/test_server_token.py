"""Reading, writing and hiding a server token."""

from __future__ import annotations

import contextlib
import json
import pprint
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from adept.errors import Misuse, TokenFileError
from adept.protocol.p7m_seal import inner_text, seal_server_token
from adept.protocol.server_token import KEYS, ServerToken
from tests.tokens import NOW, SECRETS, TOKEN, keypair

VALUES: dict[str, Any] = json.loads(TOKEN.to_json())


def with_expiry(text: str) -> datetime:
    return ServerToken.from_json(json.dumps(VALUES | {"access_token_expiry": text})).access_token_expiry


def test_a_token_is_written_with_apples_keys_in_apples_order() -> None:
    assert TOKEN.to_json() == (
        b'{"consumer_key":"CK_00fadb3d36c6094cf479838455321b7c",'
        b'"consumer_secret":"CS_5fb17e5676db0cf875211937e5166d0f662ea1f9",'
        b'"access_token":"AT_O2109279022Oe03b641fd6f07d7face7894211d521fd8bef09c3O137392",'
        b'"access_secret":"AS_837c228d968ff303837086a5a54be645314ef755",'
        b'"access_token_expiry":"2027-01-14T21:27:41Z"}'
    )


def test_a_token_is_the_same_read_from_text_bytes_and_with_a_byte_order_mark() -> None:
    written = TOKEN.to_json()
    assert ServerToken.from_json(written) == TOKEN
    assert ServerToken.from_json(written.decode()) == TOKEN
    assert ServerToken.from_json(b"\xef\xbb\xbf" + written) == TOKEN
    assert ServerToken.from_json(json.dumps(VALUES | {"org_name": "Example"}, indent=4)) == TOKEN


secrets = st.text(min_size=1).filter(lambda text: bool(text.strip())).filter(lambda text: text.isprintable())
moments = st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(secrets, secrets, secrets, secrets, moments)
def test_whatever_a_token_holds_is_read_as_it_was_written(a: str, b: str, c: str, d: str, expiry: datetime) -> None:
    token = ServerToken(consumer_key=a, consumer_secret=b, access_token=c, access_secret=d, access_token_expiry=expiry)
    assert ServerToken.from_json(token.to_json()) == token


def test_prefixes_are_not_asked_for() -> None:
    assert ServerToken.from_json(json.dumps(VALUES | {"consumer_key": "depsim"})).consumer_key == "depsim"


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-14T21:27:41Z",
        "2027-01-14t21:27:41z",
        "2027-01-14T21:27:41.000Z",
        "2027-01-14T21:27:41+00:00",
        "2027-01-14T22:27:41+01:00",
        "2027-01-14T13:27:41-0800",
        "20270114T212741Z",
        "2027-01-14 21:27:41",
        " 2027-01-14T21:27:41Z ",
    ],
)
def test_an_expiry_may_be_written_in_several_forms(text: str) -> None:
    assert with_expiry(text) == datetime(2027, 1, 14, 21, 27, 41, tzinfo=UTC)


def test_an_expiry_without_a_time_is_the_beginning_of_that_day() -> None:
    assert with_expiry("2027-01-14") == datetime(2027, 1, 14, tzinfo=UTC)


def test_an_expiry_is_given_back_as_it_was_written() -> None:
    text = "2027-01-14T22:27:41.000+01:00"
    token = ServerToken.from_json(json.dumps(VALUES | {"access_token_expiry": text}))
    assert json.loads(token.to_json())["access_token_expiry"] == text
    assert token.expiry_text == text


@pytest.mark.parametrize("text", ["soon", "2027-13-01T00:00:00Z", "1700000000", "0001-01-01T00:00:00+14:00"])
def test_an_expiry_that_is_no_date_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(TokenFileError, match="access_token_expiry") as caught:
        with_expiry(text)
    assert text not in str(caught.value)


def test_an_expiry_given_from_outside_utc_is_kept_in_utc() -> None:
    eastern = datetime(2027, 1, 14, 16, 27, 41, tzinfo=timezone(timedelta(hours=-5)))
    token = ServerToken(
        consumer_key="a", consumer_secret="b", access_token="c", access_secret="d", access_token_expiry=eastern
    )
    assert token.expiry_text == "2027-01-14T21:27:41Z"
    assert token.access_token_expiry.tzinfo is UTC


def test_an_expiry_without_a_time_zone_is_the_callers_mistake() -> None:
    with pytest.raises(Misuse, match="time zone"):
        ServerToken(
            consumer_key="a",
            consumer_secret="b",
            access_token="c",
            access_secret="d",
            access_token_expiry=NOW.replace(tzinfo=None),
        )


def test_a_token_is_expired_from_the_second_of_its_expiry_on() -> None:
    assert not TOKEN.is_expired(TOKEN.access_token_expiry - timedelta(seconds=1))
    assert TOKEN.is_expired(TOKEN.access_token_expiry)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (None, "has no {key}"),
        ("", "{key} of the server token is empty"),
        ("  \t", "{key} of the server token is empty"),
        (4711, "{key} of the server token is not a string but a number"),
        (47.11, "{key} of the server token is not a string but a number"),
        (True, "{key} of the server token is not a string but a boolean"),
        (["secret"], "{key} of the server token is not a string but a list"),
        ({"secret": "secret"}, "{key} of the server token is not a string but an object"),
    ],
)
def test_a_wrong_key_is_named_and_its_value_is_not(key: str, value: object, complaint: str) -> None:
    with pytest.raises(TokenFileError) as caught:
        ServerToken.from_json(json.dumps(VALUES | {key: value}))
    assert complaint.format(key=key) in str(caught.value)
    assert "4711" not in str(caught.value)
    assert "secret'" not in str(caught.value)


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(TokenFileError, match=f"has no {key}"):
        ServerToken.from_json(json.dumps({name: value for name, value in VALUES.items() if name != key}))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"nonsense", "not JSON"),
        (b'{"consumer_key": "CK_', "not JSON"),
        (b'{"consumer_key": "CK_\xff"}', "not JSON"),
        (b"[1]", "not a JSON object but a list"),
        (b'"CK_1"', "not a JSON object but a string"),
        (b"null", "not a JSON object but null"),
        (b"17", "not a JSON object but a number"),
        (b"[" * 60_000, "not JSON"),
        (b" " * 70_000, "larger than 64 KB"),
        (keypair().certificate_pem, "a certificate"),
        (keypair().private_key_pem, "a private key"),
        (inner_text(TOKEN), "lines around"),
    ],
)
def test_what_is_no_token_is_told_so(data: bytes, complaint: str) -> None:
    with pytest.raises(TokenFileError, match=complaint):
        ServerToken.from_json(data)


def test_text_that_is_no_unicode_is_no_token() -> None:
    with pytest.raises(TokenFileError, match="not JSON"):
        ServerToken.from_json('{"consumer_key": "\ud800"}')


def test_an_encrypted_token_is_told_to_be_decrypted_first() -> None:
    with pytest.raises(TokenFileError, match=r"still encrypted.*adept token decrypt"):
        ServerToken.from_json(seal_server_token(TOKEN, keypair().certificate_pem))


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    path.write_bytes(TOKEN.to_json())
    assert ServerToken.from_file(path) == TOKEN
    assert ServerToken.from_file(str(path)) == TOKEN


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path, tmp_path / "no\0name"):
        with pytest.raises(TokenFileError, match="can't read the server token file"):
            ServerToken.from_file(path)


def test_a_wrong_file_is_named_with_what_is_wrong_in_it(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    path.write_bytes(b"{}")
    with pytest.raises(TokenFileError, match=r"token\.json.*has no consumer_key"):
        ServerToken.from_file(path)
    path.write_bytes(b"{" * 10_000_000)
    with pytest.raises(TokenFileError, match="larger than 64 KB"):
        ServerToken.from_file(path)


def test_the_fingerprint_follows_the_consumer_key_alone() -> None:
    renewed = ServerToken.from_json(json.dumps(VALUES | {"access_secret": "AS_new"}))
    other = ServerToken.from_json(json.dumps(VALUES | {"consumer_key": "CK_other"}))
    assert TOKEN.fingerprint == renewed.fingerprint != other.fingerprint
    assert len(TOKEN.fingerprint) == 64


def test_no_printed_form_shows_a_secret() -> None:
    forms = [repr(TOKEN), str(TOKEN), f"{TOKEN}", pprint.pformat([TOKEN]), pretty_repr({"token": TOKEN})]
    for form in forms:
        assert not any(secret in form for secret in SECRETS)
        assert TOKEN.fingerprint[:12] in form


@pytest.mark.parametrize(
    "broken",
    [
        TOKEN.to_json()[:-1],
        TOKEN.to_json().replace(b"T21:27:41Z", b"T25:27:41Z"),
        TOKEN.to_json().replace(b'"AS_', b'"\xff'),
        TOKEN.to_json().replace(b'"access_secret"', b'"accesssecret"'),
    ],
)
def test_no_error_carries_a_secret_in_its_message_or_its_causes(broken: bytes) -> None:
    with pytest.raises(TokenFileError) as caught:
        ServerToken.from_json(broken)
    error: BaseException | None = caught.value
    assert not any(secret in "".join(traceback.format_exception(error)) for secret in SECRETS)
    while error:
        assert not any(secret in repr(vars(error)) + repr(error.args) for secret in SECRETS)
        error = error.__cause__


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_bytes_and_any_text_give_a_token_or_a_token_file_error(data: bytes | str) -> None:
    with contextlib.suppress(TokenFileError):
        ServerToken.from_json(data)
