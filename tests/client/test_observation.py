"""What a client tells of each request to whoever measures, on both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from adept import AsyncClient
from adept.client.observation import Observation, observed
from adept.errors import AdeptError, Refused, Unreachable
from tests.client.apple import Apple, Asker, no, yes
from tests.tokens import NOW, SECRETS, TOKEN


def told(seen: list[Observation]) -> list[tuple[str, str]]:
    return [(one.endpoint, one.outcome) for one in seen]


def test_every_request_is_told_with_its_endpoint_and_outcome(apple: Apple, asker: Callable[..., Asker]) -> None:
    seen: list[Observation] = []
    ask = asker(observe=seen.append)
    apple.script("GET /account", no(401, "UNAUTHORIZED"))
    ask("account")
    assert told(seen) == [
        ("GET /session", "ok"),
        ("GET /account", "UNAUTHORIZED"),
        ("GET /session", "ok"),
        ("GET /account", "ok"),
    ]
    assert all(one.took_s >= 0 for one in seen)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (no(403, "T_C_NOT_SIGNED"), "T_C_NOT_SIGNED"),
        (no(403, '"T_C_NOT_SIGNED"\r\n'), "T_C_NOT_SIGNED"),
        (no(400, "A_WORD_OF_TOMORROW"), "HTTP_400"),
        (no(503), "HTTP_503"),
        (httpx2.Response(302, headers={"Location": "https://elsewhere.example"}), "HTTP_302"),
        (httpx2.Response(200, headers={"Content-Length": "99999999999"}, content=b"{}"), "malformed"),
    ],
)
def test_an_outcome_is_one_of_few_words(
    apple: Apple, asker: Callable[..., Asker], answer: httpx2.Response, outcome: str
) -> None:
    seen: list[Observation] = []
    apple.script("GET /device/replacementDetails", answer)
    with pytest.raises(AdeptError):
        asker(observe=seen.append)("replacement_details", "C02A")
    assert told(seen)[-1] == ("GET /device/replacementDetails", outcome)


def test_a_request_without_an_answer_is_told_too(asker: Callable[..., Asker]) -> None:
    def lose(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("reset", request=request)

    seen: list[Observation] = []
    with pytest.raises(Unreachable):
        asker(observe=seen.append, http=httpx2.MockTransport(lose))("account")
    assert told(seen) == [("GET /session", "unreachable")]


async def test_a_request_that_is_dropped_is_told_as_interrupted() -> None:
    asked = asyncio.Event()

    async def never(_request: httpx2.Request) -> httpx2.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    seen: list[Observation] = []
    transport = httpx2.MockTransport(never)
    async with AsyncClient(TOKEN, http=transport, observe=seen.append, now=lambda: NOW) as client:
        asking = asyncio.create_task(client.account())
        await asked.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert told(seen) == [("GET /session", "interrupted")]


def test_the_time_is_that_of_the_request_alone() -> None:
    seen: list[Observation] = []
    ticks = iter([10.0, 12.5])
    with observed(seen.append, "GET /account", clock=lambda: next(ticks)):
        pass
    assert seen == [Observation("GET /account", "interrupted", 2.5)]


def test_no_secret_is_told(apple: Apple, asker: Callable[..., Asker]) -> None:
    seen: list[Observation] = []
    apple.script("GET /session", yes({"auth_session_token": "session-secret"}), no(400, TOKEN.consumer_key))
    ask = asker(observe=seen.append)
    with pytest.raises(Refused):
        ask("account")
    assert not any(secret in repr(seen) for secret in (*SECRETS, "session-secret"))
