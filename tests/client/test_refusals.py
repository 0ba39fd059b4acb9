"""From answers to errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.client.exchange import Answer
from adept.client.refusals import expired_locally, refusal, retry_after, session_refusal
from adept.errors import AdeptError, Malformed, Refused, TokenRejected, Unreachable
from tests.tokens import NOW


def refused(status: int, body: bytes = b"", **headers: str) -> AdeptError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(Answer(status, named, body), endpoint="POST /devices/sync", about="syncing devices", now=NOW)


@pytest.mark.parametrize(
    "body",
    [b"T_C_NOT_SIGNED", b'"T_C_NOT_SIGNED"', b"T_C_NOT_SIGNED\r\n", b'  "T_C_NOT_SIGNED"\r\n', b"'T_C_NOT_SIGNED'"],
)
def test_a_code_is_the_same_with_and_without_quotes_and_blanks(body: bytes) -> None:
    error = refused(403, body)
    assert isinstance(error, Refused)
    assert (error.code, error.status, error.endpoint) == ("T_C_NOT_SIGNED", 403, "POST /devices/sync")


def test_an_error_says_what_was_tried_what_came_back_and_the_way_out() -> None:
    assert str(refused(403, b"T_C_NOT_SIGNED")) == (
        "syncing devices: Apple answered 403 T_C_NOT_SIGNED (the organisation has not accepted Apple's new terms; "
        "every call fails until it does); an administrator has to accept them in Apple Business or School Manager"
    )


def test_an_error_without_a_code_is_named_by_its_status() -> None:
    error = refused(405)
    assert isinstance(error, Refused)
    assert (error.code, str(error)) == ("HTTP_405", "syncing devices: Apple answered 405")


def test_an_unknown_code_is_kept() -> None:
    error = refused(400, b"SOMETHING_NEW")
    assert isinstance(error, Refused)
    assert (error.code, error.way_out) == ("SOMETHING_NEW", None)


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b'{"errors": []}', b"please come back later"])
def test_a_body_that_is_no_code_is_shown_in_part(body: bytes) -> None:
    error = refused(400, body)
    assert isinstance(error, Refused)
    assert error.code == "HTTP_400"
    assert body.decode() in str(error)


def test_too_many_requests_is_a_refusal_with_its_wait() -> None:
    error = refused(429, b"<html>", retry_after="10")
    assert isinstance(error, Refused)
    assert (error.code, error.retry_after_s) == ("TOO_MANY_REQUESTS", 10)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_no_refusal(status: int) -> None:
    error = refused(status, b"<html>Bad Gateway</html>", retry_after="120")
    assert isinstance(error, Unreachable)
    assert (error.status, error.retry_after_s, error.may_have_happened) == (status, 120, True)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://login.example.net/portal?from=secret", "https://login.example.net"),
        ("https://user:word@evil.example/", "https://evil.example"),
        ("/elsewhere", "elsewhere"),
        ("", "elsewhere"),
    ],
)
def test_a_redirect_is_an_error_that_names_the_other_host_only(location: str, shown: str) -> None:
    error = refused(302, b"", location=location)
    assert isinstance(error, Malformed)
    assert f"redirect (302) to {shown};" in str(error)
    assert "secret" not in str(error)
    assert "word" not in str(error)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b"token_rejected", "token_rejected"),
        (401, b"signature_invalid", "signature_invalid"),
        (401, b"", "HTTP_401"),
        (401, b"<html>", "HTTP_401"),
        (403, b"", "HTTP_403"),
        (403, b"EXPIRED_TOKEN", "EXPIRED_TOKEN"),
        (403, b"FORBIDDEN", "FORBIDDEN"),
        (400, b"", "HTTP_400"),
    ],
)
def test_what_session_answers_for_a_dead_token_is_token_rejected(status: int, body: bytes, code: str) -> None:
    error = session_refusal(Answer(status, {}, body), now=NOW)
    assert isinstance(error, TokenRejected)
    assert (error.code, error.status, error.endpoint) == (code, status, "GET /session")
    assert "download a new server token" in str(error)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b"T_C_NOT_SIGNED"),
        (403, b"ACCESS_DENIED"),
        (403, b"<html>blocked by the proxy</html>"),
        (400, b"<html>"),
        (400, b"USER_AGENT_INVALID"),
        (404, b""),
        (405, b""),
        (429, b"TOO_MANY_REQUESTS"),
    ],
)
def test_what_says_nothing_on_the_token_is_a_plain_refusal(status: int, body: bytes) -> None:
    error = session_refusal(Answer(status, {}, body), now=NOW)
    assert type(error) is Refused
    assert error.endpoint == "GET /session"


def test_a_server_error_at_session_says_nothing_on_the_token_either() -> None:
    assert isinstance(session_refusal(Answer(502, {}, b""), now=NOW), Unreachable)


def test_what_session_says_is_never_shown_for_it_may_echo_a_secret() -> None:
    assert "CK_secret" not in str(session_refusal(Answer(401, {}, b"no such key: CK_secret"), now=NOW))


def test_a_token_past_its_expiry_is_rejected_without_a_status() -> None:
    error = expired_locally(datetime(2026, 1, 14, 21, 27, tzinfo=UTC))
    assert (error.code, error.status) == ("EXPIRED_LOCALLY", 0)
    assert "2026-01-14 21:27 UTC" in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("1.5", 1.5),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 12:00:30", 30),
        ("Fri, 20 Nov 2026 13:00:30 +0100", 30),
        ("Fri, 20 Nov 2020 12:00:30 GMT", 0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1e400", None),
        ("nan", None),
        ("9" * 40, None),
        ("Fri, 99 Nov 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_nonsense_is_absent(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_can_raise_or_be_negative(value: str) -> None:
    seconds = retry_after(value, now=NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**6))
def test_a_date_means_the_same_as_its_distance_in_seconds(seconds: int) -> None:
    value = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after(value, now=NOW) == seconds
