"""The conversation, driven by hand: no network, no clock, no client."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.client.call import Call, Repeat
from adept.client.conversation import Pause, Renew, Request, converse
from adept.client.exchange import Answer
from adept.client.session import Session
from adept.errors import AdeptError, Malformed, Refused, TokenRejected, Unreachable
from tests.tokens import NOW


def text(body: bytes, *, endpoint: str) -> str:
    return body.decode()


CALL = Call("GET", "/account", "reading the account", text)
ASSIGN = Call("POST", "/profile/devices", "assigning", text, b"{}", fallback_method="PUT")
OK = Answer(200, {}, b"fine")
UNAUTHORIZED = Answer(401, {}, b"UNAUTHORIZED")
FORBIDDEN = Answer(403, {}, b"FORBIDDEN")
NOT_ALLOWED = Answer(405, {}, b"")


def busy(seconds: object = 10, status: int = 429) -> Answer:
    return Answer(status, {"retry-after": str(seconds)}, b"TOO_MANY_REQUESTS" if status == 429 else b"")


class Told:
    """What a conversation asked for and how it ended."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.sent: list[str | None] = []
        self.value: Any = None
        self.error: AdeptError | None = None


def talk(
    *script: Answer | AdeptError,
    call: Call[Any] = CALL,
    session: Session | None = None,
    budget: float = 0,
    renewals: list[AdeptError | None] | None = None,
) -> Told:
    """Run a conversation: `script` answers the requests, `renewals` says how each renewal ends (well, by default)."""
    told = Told()
    session = session or live()
    answers, fates = list(script), list(renewals or [])
    steps = converse(call, session, wait_budget_s=budget, now=lambda: NOW)
    try:
        step = next(steps)
        while True:
            match step:
                case Request(method, held):
                    told.steps.append(method)
                    told.sent.append(held.token)
                    answer = answers.pop(0)
                    step = steps.throw(answer) if isinstance(answer, AdeptError) else steps.send(answer)
                case Pause(seconds):
                    told.steps.append(f"pause {seconds:g}")
                    step = steps.send(None)
                case Renew(refused):
                    told.steps.append("renew")
                    fate = fates.pop(0) if fates else None
                    if fate:
                        step = steps.throw(fate)
                        continue
                    if session.held == refused:
                        session.start(f"new{session.opened}")
                    step = steps.send(None)
    except StopIteration as end:
        told.value = end.value
    except AdeptError as error:
        told.error = error
    assert not answers, "the conversation ended early"
    return told


def live() -> Session:
    session = Session()
    session.start("old")
    return session


def refused(told: Told) -> tuple[str, int]:
    assert isinstance(told.error, Refused)
    return told.error.code, told.error.status


def test_a_call_in_a_live_session_is_one_request() -> None:
    told = talk(OK)
    assert (told.steps, told.sent, told.value) == (["GET"], ["old"], "fine")


def test_a_call_without_a_session_opens_one_first() -> None:
    told = talk(OK, session=Session())
    assert (told.steps, told.sent, told.value) == (["renew", "GET"], ["new0"], "fine")


@pytest.mark.parametrize("dead", [UNAUTHORIZED, FORBIDDEN, Answer(401, {}, b""), Answer(403, {}, b'"FORBIDDEN"\r\n')])
def test_a_dead_session_is_renewed_once_and_the_call_replayed_once(dead: Answer) -> None:
    told = talk(dead, OK)
    assert (told.steps, told.sent, told.value) == (["GET", "renew", "GET"], ["old", "new1"], "fine")


@pytest.mark.parametrize("dead", [UNAUTHORIZED, FORBIDDEN])
def test_a_second_refusal_of_the_session_stops(dead: Answer) -> None:
    told = talk(dead, dead)
    assert told.steps == ["GET", "renew", "GET"]
    assert refused(told) == (dead.body.decode(), dead.status)


def test_a_call_that_opened_its_session_itself_still_renews_it_once() -> None:
    told = talk(UNAUTHORIZED, UNAUTHORIZED, session=Session())
    assert told.steps == ["renew", "GET", "renew", "GET"]
    assert refused(told) == ("UNAUTHORIZED", 401)


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "T_C_NOT_SIGNED", "APPLE_SEED_FOR_IT_TURNED_OFF", "NEW_CODE", ""])
def test_every_other_403_is_surfaced_at_once(code: str) -> None:
    told = talk(Answer(403, {}, code.encode()), budget=100)
    assert told.steps == ["GET"]
    assert refused(told) == (code or "HTTP_403", 403)


def test_a_session_that_cannot_be_renewed_ends_the_call_with_that_error() -> None:
    dead = TokenRejected("no", code="token_rejected", status=401, endpoint="GET /session")
    told = talk(UNAUTHORIZED, renewals=[dead])
    assert told.error is dead


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for_within_the_budget(status: int) -> None:
    told = talk(busy(10, status), OK, budget=10)
    assert (told.steps, told.value) == (["GET", "pause 10", "GET"], "fine")


def test_retry_after_as_a_date_counts_from_now() -> None:
    told = talk(busy(format_datetime(datetime(2026, 11, 20, 12, 0, 7, tzinfo=NOW.tzinfo), usegmt=True)), OK, budget=10)
    assert told.steps == ["GET", "pause 7", "GET"]


def test_all_waits_of_a_call_come_out_of_one_budget() -> None:
    told = talk(busy(6), busy(5), budget=10)
    assert told.steps == ["GET", "pause 6", "GET"]
    assert isinstance(told.error, Refused)
    assert told.error.retry_after_s == 5


def test_a_call_is_repeated_after_retry_after_at_most_twice() -> None:
    told = talk(busy(1), busy(1), busy(1), budget=100)
    assert told.steps == ["GET", "pause 1", "GET", "pause 1", "GET"]
    assert refused(told) == ("TOO_MANY_REQUESTS", 429)


def test_a_wait_beyond_the_budget_is_told_and_not_begun() -> None:
    told = talk(busy(120, 503), budget=60)
    assert told.steps == ["GET"]
    assert isinstance(told.error, Unreachable)
    assert (told.error.status, told.error.retry_after_s) == (503, 120)


def test_without_a_budget_nothing_waits() -> None:
    assert talk(busy(1)).steps == ["GET"]


@pytest.mark.parametrize("answer", [Answer(500, {"retry-after": "1"}, b""), Answer(503, {}, b""), Answer(429, {}, b"")])
def test_nothing_else_is_repeated(answer: Answer) -> None:
    assert talk(answer, budget=100).steps == ["GET"]


def test_a_busy_session_endpoint_is_waited_for_like_any_other() -> None:
    slow = Refused("slow", code="TOO_MANY_REQUESTS", status=429, endpoint="GET /session", retry_after_s=3)
    told = talk(OK, session=Session(), renewals=[slow], budget=5)
    assert told.steps == ["renew", "pause 3", "renew", "GET"]


def test_waits_for_the_session_and_for_the_call_share_number_and_budget() -> None:
    slow = Unreachable("slow", endpoint="GET /session", status=503, retry_after_s=1)
    told = talk(busy(1), busy(1), session=Session(), renewals=[slow], budget=100)
    assert told.steps == ["renew", "pause 1", "renew", "GET", "pause 1", "GET"]


def test_a_lost_connection_ends_the_call_whatever_the_budget() -> None:
    lost = Unreachable("lost", endpoint="GET /account")
    told = talk(lost, budget=100)
    assert (told.steps, told.error) == (["GET"], lost)


@pytest.mark.parametrize(
    ("repeat", "status", "repeats"),
    [
        (Repeat.WHEN_REFUSED, 429, True),
        (Repeat.WHEN_REFUSED, 503, False),
        (Repeat.NEVER, 429, False),
        (Repeat.NEVER, 503, False),
    ],
)
def test_what_must_not_happen_twice_is_not_repeated_where_it_may_have_happened(
    repeat: Repeat, status: int, repeats: bool
) -> None:
    call = Call("POST", "/x", "trying", text, b"{}", repeat)
    told = talk(busy(1, status), *([OK] if repeats else []), call=call, budget=100)
    assert told.steps == (["POST", "pause 1", "POST"] if repeats else ["POST"])


@pytest.mark.parametrize("repeat", list(Repeat))
def test_even_what_must_not_happen_twice_is_replayed_under_a_new_session(repeat: Repeat) -> None:
    told = talk(UNAUTHORIZED, OK, call=Call("POST", "/x", "trying", text, b"{}", repeat))
    assert told.steps == ["POST", "renew", "POST"]


def test_405_is_answered_once_by_the_other_method() -> None:
    assert talk(NOT_ALLOWED, OK, call=ASSIGN).steps == ["POST", "PUT"]


def test_a_second_405_stops() -> None:
    told = talk(NOT_ALLOWED, NOT_ALLOWED, call=ASSIGN)
    assert (told.steps, refused(told)) == (["POST", "PUT"], ("HTTP_405", 405))


def test_405_stops_where_there_is_no_other_method() -> None:
    assert refused(talk(NOT_ALLOWED)) == ("HTTP_405", 405)


def test_the_other_method_is_kept_through_renewal_and_waiting() -> None:
    told = talk(NOT_ALLOWED, UNAUTHORIZED, busy(1), OK, call=ASSIGN, budget=5)
    assert told.steps == ["POST", "PUT", "renew", "PUT", "pause 1", "PUT"]


@pytest.mark.parametrize("status", [200, 400, 401, 429, 503])
def test_a_new_session_token_on_any_answer_replaces_the_old_one(status: int) -> None:
    session = live()
    talk(Answer(status, {"x-adm-auth-session": "rolled"}, b""), *([OK] if status == 401 else []), session=session)
    assert session.held.token == "rolled"


def test_an_answer_without_a_session_token_keeps_the_old_one() -> None:
    session = live()
    talk(Answer(200, {"x-adm-auth-session": ""}, b""), session=session)
    talk(OK, session=session)
    assert session.held.token == "old"


def test_an_answer_that_breaks_its_word_is_not_asked_for_again() -> None:
    def broken(body: bytes, *, endpoint: str) -> str:
        raise Malformed("broken", endpoint=endpoint, field="$", found="")

    told = talk(OK, call=Call("GET", "/x", "reading", broken), budget=100)
    assert isinstance(told.error, Malformed)
    assert (told.steps, told.error.endpoint) == (["GET"], "GET /x")


answers = st.sampled_from(
    [UNAUTHORIZED, FORBIDDEN, NOT_ALLOWED, busy(0), busy(1), busy(1, 503), Answer(403, {}, b"T_C_NOT_SIGNED")]
)


@given(st.lists(answers, min_size=20, max_size=20), st.sampled_from([CALL, ASSIGN]), st.booleans())
def test_no_sequence_of_answers_leads_to_more_than_the_bounded_number_of_steps(
    script: list[Answer], call: Call[Any], opens: bool
) -> None:
    """Open, try, renew, replay; two repeats; one fallback."""
    session = Session() if opens else live()
    steps = converse(call, session, wait_budget_s=1e9, now=lambda: NOW)
    requests = renewals = pauses = 0
    with pytest.raises((Refused, Unreachable)):  # noqa: PT012 # however far it gets
        step = next(steps)
        while True:
            if isinstance(step, Request):
                requests += 1
                step = steps.send(script.pop(0))
            elif isinstance(step, Renew):
                renewals += 1
                session.start(f"new{renewals}")
                step = steps.send(None)
            else:
                pauses += 1
                step = steps.send(None)
    assert renewals <= 1 + opens
    assert pauses <= 2
    assert requests <= 2 + pauses + (call is ASSIGN)
