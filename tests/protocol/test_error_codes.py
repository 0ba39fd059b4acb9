"""Apple's error codes: finding the word in a body, and what the table says of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.error_codes import CODE_MAX_BYTES, RULES, ErrorCode, Reaction, known_code, normalise_code

STATUSES = {
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "ACCESS_DENIED": 403,
    "T_C_NOT_SIGNED": 403,
    "APPLE_SEED_FOR_IT_TURNED_OFF": 403,
    "signature_invalid": 401,
    "token_rejected": 401,
    "EXPIRED_TOKEN": None,
    "TOO_MANY_REQUESTS": 429,
    "MALFORMED_REQUEST_BODY": 400,
    "USER_AGENT_MISSING": 400,
    "USER_AGENT_INVALID": 400,
    "INVALID_CURSOR": 400,
    "EXHAUSTED_CURSOR": 400,
    "EXPIRED_CURSOR": 400,
    "CURSOR_REQUIRED": 400,
    "DEVICE_ID_REQUIRED": 400,
    "DEVICE_NOT_FOUND": 404,
    "PROFILE_UUID_REQUIRED": 400,
    "NOT_FOUND": 404,
    "PROFILE_NOT_FOUND": 404,
    "CONFIG_NAME_REQUIRED": 400,
    "CONFIG_NAME_INVALID": 400,
    "CONFIG_URL_REQUIRED": 400,
    "CONFIG_URL_INVALID": 400,
    "DEPARTMENT_REQUIRED": 400,
    "DEPARTMENT_INVALID": 400,
    "SUPPORT_PHONE_REQUIRED": 400,
    "SUPPORT_PHONE_INVALID": 400,
    "SUPPORT_EMAIL_INVALID": 400,
    "MAGIC_INVALID": 400,
    "FLAGS_INVALID": 400,
    "LOCALE_INVALID": 400,
    "DESCRIPTION_INVALID": 400,
    "MDM_SERVICE_DISCOVERY_URL_REQUIRED": 400,
    "MDM_SERVICE_DISCOVERY_URL_NOT_VALID": 400,
    "ORG_NOT_SUPPORTED": 400,
}
WAYS = [b"%s", b'"%s"', b'"%s"\r\n', b" %s\n", b"'%s'", b"\xef\xbb\xbf%s", b'\r\n "%s" \r\n']


def test_every_code_has_one_rule_and_the_status_it_is_known_with() -> None:
    assert {str(code): next(iter(rule.statuses), None) for code, rule in RULES.items()} == STATUSES
    assert list(RULES) == list(ErrorCode)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_rule_says_where_the_code_comes_from_and_what_it_means(code: ErrorCode) -> None:
    assert code.rule is RULES[code]
    assert code.rule.meaning
    assert code.rule.endpoints == ("*",) or all(endpoint.split(" /")[0].isupper() for endpoint in code.rule.endpoints)


@pytest.mark.parametrize(
    ("reaction", "codes"),
    [
        (Reaction.RENEW_SESSION, {"UNAUTHORIZED", "FORBIDDEN"}),
        (Reaction.NEW_TOKEN, {"signature_invalid", "token_rejected", "EXPIRED_TOKEN"}),
        (Reaction.WAIT, {"TOO_MANY_REQUESTS"}),
        (Reaction.FULL_FETCH, {"INVALID_CURSOR", "EXPIRED_CURSOR"}),
        (Reaction.GO_TO_SYNC, {"EXHAUSTED_CURSOR"}),
    ],
)
def test_only_these_codes_allow_more_than_telling_the_caller(reaction: Reaction, codes: set[str]) -> None:
    assert {str(code) for code, rule in RULES.items() if rule.reaction is reaction} == codes


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "T_C_NOT_SIGNED", "APPLE_SEED_FOR_IT_TURNED_OFF"])
def test_a_403_that_is_not_about_the_session_does_not_renew_it(code: str) -> None:
    assert ErrorCode(code).rule.reaction is Reaction.SURFACE


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", [ErrorCode.INVALID_CURSOR, ErrorCode.SIGNATURE_INVALID])
def test_a_code_is_the_same_bare_quoted_and_with_blanks(code: ErrorCode, way: bytes) -> None:
    assert normalise_code(way % code.encode()) == code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \r\n",
        b'""',
        b"<html><body>502</body></html>",
        b'{"code": "INVALID_CURSOR"}',
        b"[]",
        b"INVALID CURSOR",
        b"INVALID_CURSOR\nINVALID_CURSOR",
        b"A" * 101,
        b"INVALID_CURSOR" + b" " * CODE_MAX_BYTES,
        "INVALID_CURSÖR".encode(),
        b"\xff\xfe",
        b"_X",
    ],
)
def test_what_is_no_word_gives_no_code(body: bytes) -> None:
    assert normalise_code(body) == ""


def test_a_body_of_one_kilobyte_is_still_read() -> None:
    assert normalise_code(b"INVALID_CURSOR".ljust(CODE_MAX_BYTES)) == "INVALID_CURSOR"


def test_a_code_apple_adds_is_kept_as_it_came() -> None:
    assert normalise_code(b"BRAND_NEW_CODE") == "BRAND_NEW_CODE"
    assert known_code("BRAND_NEW_CODE") is None


def test_codes_are_compared_with_their_case() -> None:
    assert known_code("T_C_NOT_SIGNED") is ErrorCode.T_C_NOT_SIGNED
    assert known_code("t_c_not_signed") is None


@given(st.binary(max_size=2000))
def test_any_body_gives_a_word_or_nothing(body: bytes) -> None:
    code = normalise_code(body)
    assert code == "" or (code.isascii() and code.isprintable() and " " not in code and len(code) <= 100)
