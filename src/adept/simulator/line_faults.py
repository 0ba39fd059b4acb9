"""Trouble that is not of the service's making: errors in place of service, and what happens on the line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from adept.simulator.answers import (
    BREAK_AFTER,
    BREAK_BEFORE,
    BREAK_DURING,
    JSON_TYPE,
    Answer,
    error,
)
from adept.simulator.faults import Fault

DEFAULT_DELAY_S = 1.0
_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)
_LOGIN = b"<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head><body><form></form></body></html>\n"


def refusal(fault: Fault, *, real_now: datetime, quoted: bool) -> Answer:
    """The error a word stands for, with Retry-After in the form it asks for."""
    word = fault.word
    assert word.status is not None
    answer = error(word.status, word.code, quoted=quoted)
    if word.status == 401:
        answer = replace(answer, headers={"WWW-Authenticate": "ADM-Auth-Token"})
    if word.retry_after_s is None:
        return answer
    seconds = word.retry_after_s if fault.seconds is None else fault.seconds
    return replace(answer, headers={"Retry-After": retry_after(seconds, real_now, as_date=word.retry_as_date)})


def retry_after(seconds: float, real_now: datetime, *, as_date: bool) -> str:
    """The value of Retry-After in either of its forms. A date is real time's: it is read by the client's clock."""
    if not as_date:
        return f"{seconds:g}"
    return format_datetime(real_now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=seconds), usegmt=True)


def troubled(fault: Fault, serve: Callable[[], Answer]) -> Answer:
    """What becomes of a request on a bad line. `serve` is not called where the trouble comes before the act."""
    name = fault.word.name
    delay_s = DEFAULT_DELAY_S if fault.seconds is None else fault.seconds
    if name == "drop_before":
        return Answer(0, breaks=BREAK_BEFORE)
    if name == "redirect":
        return Answer(302, headers={"Location": "http://localhost:9/elsewhere"})
    answer = serve()
    match name:
        case "drop_during":
            return replace(answer, breaks=BREAK_DURING)
        case "drop_after":
            return replace(answer, breaks=BREAK_AFTER)
        case "half_body":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        case "slow":
            return replace(answer, delay_s=delay_s)
        case "slow_body":
            return replace(answer, body_delay_s=delay_s)
        case "bad_gateway_html":
            return Answer(502, _HTML, "text/html")
        case "success_html":
            return Answer(200, _LOGIN, "text/html")
        case "success_empty":
            return Answer(200, b"", JSON_TYPE)
        case "success_wrong_shape":
            return Answer(200, b'["this","is","not","it"]', JSON_TYPE)
        case _:  # success
            return answer
