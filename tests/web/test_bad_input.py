"""What people and machines get wrong: a clear problem, and nothing half done."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.jobs.kinds import job_kinds
from adept.jobs.runner import Runner
from adept.jobs.visit import Visitor
from adept.protocol.p7m_seal import seal_server_token
from adept.protocol.server_token import ServerToken
from adept.simulator.world import FIRST_SERVER
from adept.store.audit import ADEPT
from adept.store.database import Store
from adept.store.tables import accounts, audit, changes, devices, holds, keypairs, passes, seen_pages, server_tokens
from tests.tokens import TOKEN, other_keypair
from tests.web.conftest import RunningService

KEPT = (accounts, keypairs, server_tokens, devices, changes, passes, holds, seen_pages, audit)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
ANSWER_S = 20.0


async def kept(store: Store) -> dict[str, list[Any]]:
    """Everything that is stored of accounts, and what was written of it into the audit log."""
    async with store.reading() as tx:
        return {table.name: [tuple(row) for row in await tx.execute(select(table))] for table in KEPT}


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    return AsyncClient(token, base_url=base_url, timeout_s=ANSWER_S)


async def add_hq(service: RunningService, *, with_token: bool = True) -> None:
    """The account "hq" of the simulator's first server, with a certificate at the portal."""
    token = service.simulator.token if with_token else None
    url = service.simulator.url
    await add(service.store, "hq", base_url=url, now=service.clock, connect=connect, token=token, by=ADEPT)
    certificate = await service.get("/api/v1/accounts/hq/certificate", role="admin")
    service.simulator.simulator.upload_certificate(FIRST_SERVER, certificate.content)


def told(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that the answer is, with all that every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


# a file that is no token for us


def certificate_file(_service: RunningService) -> bytes:
    pem: bytes = other_keypair().certificate_pem
    return pem


def token_for_a_foreign_key(_service: RunningService) -> bytes:
    return seal_server_token(TOKEN, other_keypair().certificate_pem)


def half_a_token(service: RunningService) -> bytes:
    file: bytes = service.simulator.simulator.get_token(FIRST_SERVER).content
    return file[: len(file) // 2]


WRONG_FILES = {
    "a certificate": certificate_file,
    "an image": lambda _: PNG,
    "the token's plain JSON": lambda _: TOKEN.to_json(),
    "nothing": lambda _: b"",
    "a web page": lambda _: b"<!doctype html><title>Sign in</title>",
    "zeros": lambda _: bytes(4000),
    "half a token": half_a_token,
    "a token for a key that we don't hold": token_for_a_foreign_key,
}


async def test_what_is_no_token_for_us_is_refused_at_every_way_in(service: RunningService) -> None:
    await add_hq(service)
    files = {kind: make(service) for kind, make in WRONG_FILES.items()}
    before = await kept(service.store)
    for kind, data in files.items():
        bare = await service.put("/api/v1/accounts/hq/token", role="admin", content=data)
        form = await service.put("/api/v1/accounts/hq/token", role="admin", files={"file": ("token.p7m", data)})
        for answer, status in ((bare, 422), (form, 422), (await through_the_door(service, data), 400)):
            problem = told(answer, status, "token_file")
            assert problem["way_out"], kind
            assert "hq" in problem["detail"], kind
        assert await kept(service.store) == before, kind


async def through_the_door(service: RunningService, data: bytes) -> httpx2.Response:
    return await service.post(
        "/dep/stoken/upload",
        role="admin",
        may_read_secrets=True,
        params={"account": "hq"},
        files={"file": ("token.p7m", data)},
    )


@pytest.mark.parametrize("size", [64 * 1024 + 1, 5 * 1024 * 1024])
async def test_a_file_far_too_large_is_not_even_read(service: RunningService, size: int) -> None:
    await add_hq(service)
    before = await kept(service.store)
    told(await service.put("/api/v1/accounts/hq/token", role="admin", content=bytes(size)), 413, "too_large")
    upload = await through_the_door(service, bytes(size))
    told(upload, 413, "too_large")
    assert await kept(service.store) == before


async def test_a_token_of_another_server_is_refused_and_the_old_one_goes_on(service: RunningService) -> None:
    await add_hq(service)
    simulator = service.simulator.simulator
    simulator.add_server("other")
    certificate = await service.get("/api/v1/accounts/hq/certificate", role="admin")
    simulator.upload_certificate("other", certificate.content)
    before = await kept(service.store)
    theirs = simulator.get_token("other").content
    told(await service.put("/api/v1/accounts/hq/token", role="admin", content=theirs), 422, "token_file")
    assert await kept(service.store) == before


async def test_an_account_without_a_certificate_says_to_get_one_first(service: RunningService) -> None:
    await service.post("/api/v1/accounts", role="admin", json={"name": "bare"})
    answer = await service.put("/api/v1/accounts/bare/token", role="admin", content=PNG)
    assert "certificate" in told(answer, 409, "needs_person")["way_out"]


# a name that won't do


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "a/b", "../etc", "ä", "a b", "-x", "a\nb", "x" * 65, "%2e", "<b>"]
)
async def test_a_name_that_no_address_can_have_is_refused(service: RunningService, name: str) -> None:
    before = await kept(service.store)
    problem = told(await service.post("/api/v1/accounts", role="admin", json={"name": name}), 422, "misuse")
    assert "a-z" in problem["way_out"]
    assert await kept(service.store) == before


@pytest.mark.parametrize("taken", ["hq", "HQ", " hq "])
async def test_a_name_that_is_taken_is_a_conflict(service: RunningService, taken: str) -> None:
    await add_hq(service)
    before = await kept(service.store)
    told(await service.post("/api/v1/accounts", role="admin", json={"name": taken}), 409, "conflict")
    assert await kept(service.store) == before


async def test_of_many_who_want_one_name_at_once_one_gets_it(service: RunningService) -> None:
    asked = [service.post("/api/v1/accounts", role="admin", json={"name": "hq"}) for _ in range(6)]
    await service.key("admin")
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert statuses == [201, 409, 409, 409, 409, 409]


# two who edit one thing


async def test_the_second_of_two_edits_is_told_of_the_first_and_who_made_it(service: RunningService) -> None:
    await add_hq(service)
    tag = (await service.get("/api/v1/accounts/hq", role="viewer")).headers["ETag"]
    edits = [
        service.put("/api/v1/accounts/hq", role="admin", headers={"If-Match": tag}, json={"interval_s": seconds})
        for seconds in (900, 3600)
    ]
    first, second = sorted(await asyncio.gather(*edits), key=lambda answer: answer.status_code)
    assert first.status_code == 200
    problem = told(second, 409, "conflict")
    assert problem["current"]["interval_s"] == first.json()["interval_s"]
    assert "admin" in problem["detail"]
    now = (await service.get("/api/v1/accounts/hq", role="viewer")).json()
    assert now["interval_s"] == first.json()["interval_s"]


async def test_an_edit_that_names_no_version_changes_nothing(service: RunningService) -> None:
    await add_hq(service)
    before = await kept(service.store)
    answer = await service.put("/api/v1/accounts/hq", role="admin", json={"interval_s": 900})
    told(answer, 428, "precondition_required")
    assert await kept(service.store) == before


# accounts that go, and an Apple that is not there


@asynccontextmanager
async def runner(service: RunningService) -> AsyncIterator[Runner]:
    """A runner at work, as in `adept serve`."""
    visitor = Visitor(service.store, connect, service.clock, "test", lambda: 0.5)
    at_work = Runner(service.store, job_kinds(visitor), now=service.clock, width=2)
    running = asyncio.create_task(at_work.run())
    yield at_work
    await at_work.stop()
    await running


async def events(service: RunningService, location: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """What is told of a pass while it goes on: the event and the pass."""
    headers = {"Authorization": f"Bearer {await service.key('viewer')}"}
    async with service.client.stream("GET", f"{location}/events", headers=headers) as stream:
        name = ""
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


async def ended(service: RunningService, location: str) -> dict[str, Any]:
    """The pass, once it has ended."""
    async for name, found in events(service, location):
        if name == "end":
            return found
    raise AssertionError(f"{location} was not followed to its end")


async def test_an_account_can_be_removed_while_its_pass_runs(service: RunningService) -> None:
    await add_hq(service)
    service.simulator.simulator.fault("post_server_devices", "slow", seconds=60)
    asked = await service.post("/api/v1/accounts/hq/passes", role="operator", json={"kind": "full"})
    location = asked.headers["Location"]
    async with runner(service):  # not before: the account's first pass would be the one that is held up
        seen = []
        async for name, found in events(service, location):
            seen.append(name)
            if found.get("state") == "running":
                gone = await service.delete("/api/v1/accounts/hq", role="admin", params={"confirm": "hq"})
                assert gone.status_code == 200
        assert seen[-1] in ("gone", "end")  # of its end it is told where the walker was faster than the removal
        told(await service.get(location, role="viewer"), 404, "not_found")
    left = await kept(service.store)
    assert [left[name] for name in ("accounts", "server_tokens", "devices", "passes", "seen_pages")] == [[]] * 5
    told(await service.get("/api/v1/accounts/hq", role="viewer"), 404, "not_found")


async def test_a_token_that_apple_can_not_be_asked_about_is_kept_and_taken_later(service: RunningService) -> None:
    await add_hq(service, with_token=False)
    file = service.simulator.simulator.get_token(FIRST_SERVER).content
    service.simulator.simulator.fault("*", "gateway_timeout", count=1)
    answer = await service.put("/api/v1/accounts/hq/token", role="admin", content=file)
    assert (answer.status_code, answer.json()["state"]) == (202, "candidate")
    async with runner(service):
        service.clock.advance(minutes=6)
        asked = await service.post("/api/v1/accounts/hq/passes", role="operator", json={})
        assert (await ended(service, asked.headers["Location"]))["state"] == "done"
    assert (await service.get("/api/v1/accounts/hq", role="viewer")).json()["health"] == "ok"


async def test_a_pass_that_can_not_reach_apple_says_so_and_stores_nothing(service: RunningService) -> None:
    await add_hq(service)
    service.simulator.stop()
    async with runner(service):
        asked = await service.post("/api/v1/accounts/hq/passes", role="operator", json={})
        found = await ended(service, asked.headers["Location"])
    assert (found["state"], found["error_code"], found["added"]) == ("failed", "unreachable", 0)
    account = (await service.get("/api/v1/accounts/hq", role="viewer")).json()
    assert account["health"] == "unreachable"
    assert account["way_out"]
    assert account["next_sync_at"] > asked.json()["started_at"]


# bodies that are none


WRONG_BODIES = [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b'{"name": 3}', b'{"name": "hq", "more": 1}']


@pytest.mark.parametrize("body", WRONG_BODIES)
async def test_a_body_that_is_not_what_is_asked_for_names_what_is_wrong(service: RunningService, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await service.post("/api/v1/accounts", role="admin", content=body, headers=headers)
    assert told(answer, answer.status_code, answer.json()["code"])["status"] in (400, 422)
    assert (await kept(service.store))["accounts"] == []


async def test_json_nested_beyond_reason_is_refused(service: RunningService) -> None:
    deep = b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = await service.post(
        "/api/v1/accounts", role="admin", content=deep, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)


async def test_a_body_without_end_is_cut_off(service: RunningService) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in itertools.count():
            yield b" " * 65536

    try:
        answer = await service.post("/api/v1/accounts", role="admin", content=endless())
    except httpx2.TransportError:
        return  # it hung up on us
    told(answer, 413, "too_large")


# clients that come and say nothing


async def test_clients_that_say_nothing_keep_nobody_waiting(service: RunningService) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    begun = [b"", b"G", b"GET /healthz HTTP/1.1\r\n", b"POST /api/v1/accounts HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"]
    silent = [await asyncio.open_connection(host, int(port)) for _ in range(40)]
    for (_, writer), words in zip(silent, itertools.cycle(begun), strict=False):
        writer.write(words)
    async with asyncio.timeout(10):
        assert (await service.get("/healthz")).status_code == 200
    for _, writer in silent:
        writer.close()


@pytest.mark.parametrize(
    "words",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS where there is none
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_hung_up_on(service: RunningService, words: bytes) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(words)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    assert b" 200 " not in answer.partition(b"\r\n")[0]
    assert (await service.get("/healthz")).status_code == 200


def test_the_wrong_files_are_wrong() -> None:
    """What the tests above send is what they say."""
    assert json.loads(TOKEN.to_json())["consumer_key"] == TOKEN.consumer_key
