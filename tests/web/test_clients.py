"""Clients that send too slowly, too much, or nothing, or that don't take what they asked for."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.middleware import Middleware

from adept.web.failures import answer_failures
from adept.web.patience import Patience
from adept.web.request_log import RequestLog
from adept.web.streaming import Stream
from tests.web.serving import line_to, protocol_with, served

GET = b"GET /api/ HTTP/1.1\r\nHost: localhost\r\n\r\n"


def make_app(**patience: float) -> FastAPI:
    """An application that reads bodies of up to 1000 bytes, and streams without end."""
    app = FastAPI(middleware=[Middleware(RequestLog), Middleware(Patience, body_limit_bytes=1000, **patience)])
    answer_failures(app)
    app.state.streams_ended = asyncio.Event()

    @app.get("/api/")
    async def hello() -> str:
        return "hello"

    @app.post("/api/")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.get("/api/stream")
    async def stream() -> Stream:
        async def without_end() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 65536
                    await asyncio.sleep(0)  # as whatever reads a database does
            finally:
                app.state.streams_ended.set()

        return Stream(without_end())

    return app


def problem(body: bytes) -> Any:
    return json.loads(body)["code"]


@pytest.mark.parametrize("sent", [b"", b"GET /api/ HTT", b"GET /api/ HTTP/1.1\r\nHost: localhost\r\n"])
async def test_a_connection_on_which_no_whole_head_comes_is_closed(sent: bytes) -> None:
    async with served(make_app(), protocol=protocol_with(head_timeout_s=0.2)) as port, line_to(port) as line:
        await line.send(sent)
        assert await line.rest() == b""


async def test_a_head_that_drips_is_not_waited_for_longer() -> None:
    async with served(make_app(), protocol=protocol_with(head_timeout_s=0.3)) as port, line_to(port) as line:
        await line.send(b"GET /api/ HTTP/1.1\r\n")
        dripping = asyncio.create_task(drip(line, b"X-Drip: 1\r\n"))
        assert await line.rest() == b""
        dripping.cancel()


async def drip(line: Any, part: bytes) -> None:
    while True:
        await line.send(part)
        await asyncio.sleep(0.01)


async def test_the_next_request_on_a_connection_has_its_own_time() -> None:
    async with served(make_app(), protocol=protocol_with(head_timeout_s=0.3)) as port, line_to(port) as line:
        await line.send(GET)
        assert await line.answer() == (200, b'"hello"')
        await line.send(GET)
        assert await line.answer() == (200, b'"hello"')
        await line.send(GET[:10])
        assert await line.rest() == b""


async def test_a_head_without_end_is_refused() -> None:
    async with served(make_app(), protocol=protocol_with(head_limit_bytes=10_000)) as port, line_to(port) as line:
        await line.send(b"GET /api/ HTTP/1.1\r\n", b"X-Long: ", b"x" * 20_000)
        status, body = await line.answer()
        assert (status, problem(body)) == (431, "head_too_large")
        assert await line.rest() == b""


async def test_what_is_not_http_is_refused_as_a_problem() -> None:
    async with served(make_app()) as port, line_to(port) as line:
        await line.send(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        status, body = await line.answer()
        assert (status, problem(body)) == (400, "bad_request")


async def test_a_body_that_stops_halfway_is_given_up_with_408() -> None:
    async with served(make_app(body_pause_s=0.2), protocol=protocol_with(linger_s=0.2)) as port, line_to(port) as line:
        await line.send(b"POST /api/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        status, body = await line.answer()
        assert (status, problem(body)) == (408, "too_slow")
        assert await line.rest() == b""


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # found by the fault suite, seed 6000: an upload to a service that slept was told as a bug, with a traceback
    with caplog.at_level(logging.INFO, "adept.web"):
        async with served(make_app()) as port:
            async with line_to(port) as line:
                await line.send(b"POST /api/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
            async with asyncio.timeout(10):
                while not caplog.records:  # noqa: ASYNC110  # logs have no event
                    await asyncio.sleep(0.01)
    assert [record.message for record in caplog.records] == ["request not answered whole"]
    assert caplog.records[0].__dict__["trouble"] == "cut off: the client left"


async def test_a_body_that_drips_is_given_up_when_its_time_is_over() -> None:
    async with served(make_app(body_timeout_s=0.3)) as port, line_to(port) as line:
        await line.send(b"POST /api/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        dripping = asyncio.create_task(drip(line, b"x"))
        status, body = await line.answer()
        dripping.cancel()
        assert (status, problem(body)) == (408, "too_slow")


@pytest.mark.parametrize("length", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_is_too_long_is_refused_and_the_connection_does_not_stay(length: bytes) -> None:
    """The answer arrives although the client is still sending; what it goes on to send is read for a while only."""
    async with served(make_app(), protocol=protocol_with(linger_s=0.3)) as port, line_to(port) as line:
        await line.send(b"POST /api/ HTTP/1.1\r\nHost: localhost\r\n", length, b"\r\n\r\n")
        sending = asyncio.create_task(drip(line, b"3e8\r\n" + b"x" * 1000 + b"\r\n"))
        status, body = await line.answer()
        assert (status, problem(body)) == (413, "too_large")
        assert await line.rest() == b""
        sending.cancel()


async def test_a_client_that_takes_nothing_of_its_answer_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(answer_pause_s=0.2)
    async with served(app) as port, line_to(port) as line:
        await line.send(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(app.state.streams_ended.wait(), 20)
        assert b"200 OK" in await line.rest()
    assert [record.trouble for record in caplog.records if hasattr(record, "trouble")] == [
        "cut off: the client took nothing of the answer"
    ]


async def test_a_client_that_leaves_ends_its_answer() -> None:
    app = make_app()
    async with served(app) as port:
        async with line_to(port) as line:
            await line.send(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await line.reader.read(1000)
        await asyncio.wait_for(app.state.streams_ended.wait(), 20)


async def test_connections_beyond_the_limit_are_refused() -> None:
    async with served(make_app(), protocol=protocol_with(most_connections=1)) as port, line_to(port) as first:
        await first.send(GET)
        assert (await first.answer())[0] == 200
        async with line_to(port) as second:
            status, body = await second.answer()
            assert (status, problem(body)) == (503, "too_many_connections")
        await first.send(GET)
        assert (await first.answer())[0] == 200


async def test_answers_in_flight_are_cut_off_when_the_service_stops(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    async with served(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.read(1000)
    writer.close()
    assert app.state.streams_ended.is_set()
    assert "cut off: the service stopped" in [getattr(record, "trouble", None) for record in caplog.records]
