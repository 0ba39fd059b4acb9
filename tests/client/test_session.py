"""The session: whose token counts when."""

from __future__ import annotations

import pytest

from adept.client.exchange import Answer
from adept.client.session import Session, read_session
from adept.errors import Malformed, TokenRejected
from tests.tokens import NOW


def test_a_session_begins_without_a_token() -> None:
    session = Session()
    assert (session.held.token, session.opened) == (None, 0)


def test_an_opened_session_counts() -> None:
    session = Session()
    session.start("one")
    session.start("two")
    assert (session.held.token, session.opened) == ("two", 2)


def test_a_rolled_token_replaces_the_one_sent() -> None:
    session = Session()
    session.start("one")
    session.roll("two", sent=session.held)
    assert (session.held.token, session.opened) == ("two", 1)


def test_of_two_tokens_rolled_to_two_callers_the_later_counts() -> None:
    session = Session()
    session.start("one")
    sent = session.held
    session.roll("two", sent=sent)
    session.roll("three", sent=sent)
    assert session.held.token == "three"


def test_a_token_that_comes_late_does_not_bring_a_dead_session_back() -> None:
    session = Session()
    session.start("dead")
    sent = session.held
    session.start("new")
    session.roll("of-the-dead", sent=sent)
    assert session.held.token == "new"


def test_an_echo_of_the_token_sent_changes_nothing() -> None:
    session = Session()
    session.start("one")
    sent = session.held
    session.roll("two", sent=sent)
    session.roll("one", sent=sent)
    assert session.held.token == "two"


@pytest.mark.parametrize("token", [None, "", "with blank", "with\r\nnewline", "é"])
def test_nothing_and_what_no_header_can_carry_keep_the_token(token: str | None) -> None:
    session = Session()
    session.start("one")
    session.roll(token, sent=session.held)
    assert session.held.token == "one"


def test_the_token_is_in_no_repr() -> None:
    session = Session()
    session.start("hush")
    assert "hush" not in f"{session!r} {session.held!r}"


def test_the_token_is_read_from_the_answer() -> None:
    assert read_session(Answer(200, {}, b'{"auth_session_token":"87a235815b8d6661"}'), now=NOW) == "87a235815b8d6661"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"auth_session_token":""}',
        b'{"auth_session_token":"  "}',
        b'{"auth_session_token":null}',
        b'{"auth_session_token":5}',
        b'{"auth_session_token":"hush\\r\\nX-Evil: 1"}',
        b'{"auth_session_token":"hush","',
        b"<html>hush</html>",
    ],
)
def test_an_answer_without_a_usable_token_is_malformed_and_shows_nothing_of_it(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        read_session(Answer(200, {}, body), now=NOW)
    assert caught.value.endpoint == "GET /session"
    assert "hush" not in f"{caught.value} {caught.value.found}"


def test_a_refused_session_raises_its_refusal() -> None:
    with pytest.raises(TokenRejected):
        read_session(Answer(401, {}, b"token_rejected"), now=NOW)
