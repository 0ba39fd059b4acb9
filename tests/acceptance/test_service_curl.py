"""A person with nothing but curl uses a running `adept serve`: the doors of old, and every address of the API once."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.simulator.world import FIRST_SERVER
from adept.store.audit import ADEPT
from adept.store.database import Store
from tests.acceptance.service import ServiceProcess, serving
from tests.web.curl import Answer, curl

DEVICES = 40
PATIENCE_S = 60
PASSWORD = "correct horse battery"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def apple() -> Iterator[Running]:
    with serve(Simulator(devices=DEVICES)) as running:
        yield running


@pytest.fixture
def environment(database_url: str, secret_key: str, apple: Running, tmp_path: Path) -> dict[str, str]:
    """The variables of the service's process."""
    return {
        "ADEPT_DATABASE_URL": database_url,
        "ADEPT_SECRET_KEYS": secret_key,
        "ADEPT_DATA_DIR": str(tmp_path / "data"),
        "ADEPT_URL": apple.url,
    }


class Person:
    """Somebody at a shell with a key, in a folder of their own; keeps what was asked, and how it was answered."""

    def __init__(self, service: ServiceProcess, key: str, folder: Path) -> None:
        self.service, self.key, self.folder = service, key, folder
        self.asked: list[tuple[str, str, int]] = []

    async def ask(self, method: str, path: str, *words: str, status: int = 200, as_key: bool = True) -> Answer:
        """`curl -X METHOD WORDS… URL`, which has to be answered with the status."""
        shown = ("-H", f"Authorization: Bearer {self.key}") if as_key else ()
        answer = await curl("-X", method, *shown, *words, self.service.url + path, folder=self.folder)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.text}"
        self.asked.append((method, path.partition("?")[0], status))
        return answer

    async def get(self, path: str, *words: str) -> Any:
        return (await self.ask("GET", path, *words)).json

    async def send(self, method: str, path: str, document: str, *words: str, status: int = 200) -> Answer:
        return await self.ask(
            method, path, "-H", "Content-Type: application/json", "-d", document, *words, status=status
        )

    async def followed(self, path: str) -> list[str]:
        """The names of a pass's events, to its end."""
        text = (await self.ask("GET", path, "-N")).text
        return re.findall(r"^event: (\w+)$", text, re.MULTILINE)

    async def pass_of(self, account: str) -> int:
        """The id of the account's newest pass, once it has one."""
        give_up_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_at:
            passes = (await self.get(f"/api/v1/accounts/{account}/passes"))["items"]
            if passes:
                found: int = passes[0]["id"]
                return found
        raise AssertionError(f"nobody walked {account}")

    def file(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return name


@pytest.fixture
async def key(store: Store) -> str:
    _, secret = await create_key(store, "ops", role=Role.ADMIN, may_read_secrets=True, by=ADEPT, now=now)
    return secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "person"
    made.mkdir()
    return made


@pytest.fixture
async def person(environment, key, folder, tmp_path) -> AsyncIterator[Person]:
    with serving(environment, log_file=tmp_path / "log") as service:
        yield Person(service, key, folder)


async def devices_of(person: Person, account: str) -> int:
    count: int = (await person.get(f"/api/v1/accounts/{account}"))["devices"]
    return count


async def token_by_the_doors(person: Person, apple: Running) -> Answer:
    """What Commandment's users do: certificate there, token here."""
    certificate = await person.ask("GET", "/dep/certificate/download", "-u", f"me:{person.key}", as_key=False)
    apple.simulator.upload_certificate(FIRST_SERVER, certificate.body)
    person.file("token.p7m", apple.simulator.get_token(FIRST_SERVER).content)
    form = ("-u", f"me:{person.key}", "-F", "file=@token.p7m")
    return await person.ask("POST", "/dep/stoken/upload", *form, as_key=False)


async def test_devices_appear_with_the_sync_that_an_upload_starts_and_are_there_after_a_restart(
    person, apple, environment, tmp_path
):
    answer = await token_by_the_doors(person, apple)
    assert answer.body == apple.simulator.token_of(FIRST_SERVER).to_json()
    assert (await person.followed(f"/api/v1/passes/{await person.pass_of('dep')}/events"))[-1] == "end"
    assert await devices_of(person, "dep") == DEVICES
    assert person.service.stop() == 0
    apple.simulator.buy(3)
    with serving(environment, log_file=tmp_path / "log") as again:
        later = Person(again, person.key, person.folder)
        assert await devices_of(later, "dep") == DEVICES
        asked = await later.send("POST", "/api/v1/accounts/dep/passes", '{"kind": "sync"}', status=202)
        await later.followed(asked.headers["location"] + "/events")
        assert await devices_of(later, "dep") == DEVICES + 3


async def test_every_address_of_the_api_does_its_work_for_curl(person, apple):
    document = await person.get("/api/v1/openapi.json")
    await look_around(person)
    await look_after_people(person)
    await look_after_keys(person)
    await bring_accounts(person, apple)
    await edit_and_pause(person)
    await walk(person)
    await look_at_devices(person, apple)
    await decide_holds(person, apple)
    await look_back(person)
    assert unvisited(document, person) == []


async def look_around(person: Person) -> None:
    for path in ("/healthz", "/readyz", "/api/v1/docs"):
        await person.ask("GET", path, as_key=False)
    assert (await person.get("/api/v1/health"))["status"] == "ok"
    assert "adept_" in (await person.ask("GET", "/metrics")).text


async def look_after_people(person: Person) -> None:
    first = {"secret": person.service.set_up_secret, "name": "ann", "password": PASSWORD}
    await person.send("POST", "/api/v1/setup", json.dumps(first), status=201)
    login = json.dumps({"name": "ann", "password": PASSWORD})
    await person.send("POST", "/api/v1/session", login, "-c", "jar", status=201)
    me = await person.ask("GET", "/api/v1/session", "-b", "jar", as_key=False)
    assert (me.json["name"], me.json["role"]) == ("ann", "admin")
    await person.ask("DELETE", "/api/v1/session", "-b", "jar", as_key=False, status=204)
    await person.ask("GET", "/api/v1/session", "-b", "jar", as_key=False, status=401)
    ben = {"name": "ben", "role": "viewer", "password": PASSWORD}
    await person.send("POST", "/api/v1/users", json.dumps(ben), status=201)
    assert [user["name"] for user in (await person.get("/api/v1/users"))["items"]] == ["ann", "ben"]
    shown = await person.ask("GET", "/api/v1/users/ben")
    etag = ("-H", f"If-Match: {shown.headers['etag']}")
    edited = await person.send("PUT", "/api/v1/users/ben", '{"role": "operator"}', *etag)
    assert edited.json["role"] == "operator"
    await person.send("PUT", "/api/v1/users/ben", '{"role": "admin"}', *etag, status=409)
    await person.send("PUT", "/api/v1/users/ben/password", json.dumps({"password": PASSWORD + "!"}))
    for _ in range(2):
        login = json.dumps({"name": "ben", "password": PASSWORD + "!"})
        await person.send("POST", "/api/v1/session", login, status=201)
    sessions = (await person.get("/api/v1/users/ben/sessions"))["items"]
    assert len(sessions) == 2
    await person.ask("DELETE", f"/api/v1/users/ben/sessions/{sessions[0]['id']}", status=204)
    await person.ask("DELETE", "/api/v1/users/ben/sessions")
    assert (await person.get("/api/v1/users/ben/sessions"))["items"] == []


async def look_after_keys(person: Person) -> None:
    made = await person.send("POST", "/api/v1/keys", '{"name": "monitor", "role": "viewer"}', status=201)
    shown = ("-H", f"Authorization: Bearer {made.json['key']}")
    await person.ask("GET", "/api/v1/health", *shown, as_key=False)
    assert {key["name"] for key in (await person.get("/api/v1/keys"))["items"]} == {"ops", "monitor"}
    assert (await person.get("/api/v1/keys/monitor"))["role"] == "viewer"
    await person.ask("DELETE", "/api/v1/keys/monitor", status=204)
    await person.ask("GET", "/api/v1/health", *shown, as_key=False, status=401)


async def bring_accounts(person: Person, apple: Running) -> None:
    await token_by_the_doors(person, apple)
    added = await person.send("POST", "/api/v1/accounts", '{"name": "lab"}', status=201)
    assert added.headers["location"] == "/api/v1/accounts/lab"
    certificate = (await person.ask("GET", "/api/v1/accounts/lab/certificate")).body
    apple.simulator.add_server("Lab", certificate=certificate)
    person.file("lab.p7m", apple.simulator.get_token("Lab").content)
    as_file = await person.ask("PUT", "/api/v1/accounts/lab/token", "-T", "lab.p7m")
    as_form = await person.ask("PUT", "/api/v1/accounts/lab/token", "-F", "file=@lab.p7m")
    as_data = await person.ask("PUT", "/api/v1/accounts/lab/token", "--data-binary", "@lab.p7m")
    assert [answer.json["state"] for answer in (as_file, as_form, as_data)] == ["active"] * 3
    states = [token["state"] for token in (await person.get("/api/v1/accounts/lab/token"))["items"]]
    assert states == ["active", "retired", "retired"]
    assert [account["name"] for account in (await person.get("/api/v1/accounts"))["items"]] == ["dep", "lab"]


async def edit_and_pause(person: Person) -> None:
    shown = await person.ask("GET", "/api/v1/accounts/lab")
    etag = ("-H", f"If-Match: {shown.headers['etag']}")
    edited = await person.send("PUT", "/api/v1/accounts/lab", '{"interval_s": 900}', *etag)
    assert edited.json["interval_s"] == 900
    late = await person.send("PUT", "/api/v1/accounts/lab", '{"interval_s": 60}', *etag, status=409)
    assert late.json["current"]["interval_s"] == 900
    await person.send("PUT", "/api/v1/accounts/lab", '{"interval_s": 60}', status=428)
    assert (await person.ask("PUT", "/api/v1/accounts/lab/pause")).json["health"] == "paused"
    assert (await person.ask("DELETE", "/api/v1/accounts/lab/pause")).json["health"] == "ok"


async def walk(person: Person) -> None:
    first = await person.pass_of("dep")
    await person.followed(f"/api/v1/passes/{first}/events")
    asked = await person.send("POST", "/api/v1/accounts/dep/passes", '{"kind": "full"}', status=202)
    where = asked.headers["location"]
    assert (await person.followed(f"{where}/events"))[-1] == "end"
    ended = await person.get(where)
    assert (ended["state"], ended["kind"], ended["requested_by"]) == ("done", "full", "ops")
    assert where.endswith(f"/{(await person.get('/api/v1/accounts/dep/passes?limit=1'))['items'][0]['id']}")
    assert ended["id"] in [found["id"] for found in (await person.get("/api/v1/passes"))["items"]]


async def look_at_devices(person: Person, apple: Running) -> None:
    page = await person.get("/api/v1/devices?account=dep&limit=7")
    assert len(page["items"]) == 7
    following = await person.get(f"/api/v1/devices?account=dep&limit=7&cursor={page['next_cursor']}")
    assert not {one["serial_number"] for one in page["items"]} & {one["serial_number"] for one in following["items"]}
    exported = (await person.ask("GET", "/api/v1/devices/export?format=csv")).text
    assert len(exported.splitlines()) == 1 + DEVICES
    serial = page["items"][0]["serial_number"]
    assert (await person.get(f"/api/v1/devices/dep/{serial}"))["serial_number"] == serial
    told = (await person.get(f"/api/v1/devices/dep/{serial}/changes"))["items"]
    assert [change["kind"] for change in told] == ["added"]
    live = (await person.ask("POST", f"/api/v1/devices/dep/{serial}/ask")).json
    assert (live["found"], live["differences"]) == (True, {"stored": {}, "apple": {}})
    feed = await person.get("/api/v1/changes?limit=1000")
    assert len(feed["items"]) == DEVICES
    assert (await person.get(f"/api/v1/changes?cursor={feed['next_cursor']}"))["items"] == []


async def decide_holds(person: Person, apple: Running) -> None:
    apple.simulator.fault("post_devices_sync", "bad_request_exhausted_cursor", count=1)  # hides the releases
    apple.simulator.release(list(apple.simulator.devices(FIRST_SERVER))[:30])
    asked = await person.send("POST", "/api/v1/accounts/dep/passes", '{"kind": "full"}', status=202)
    await person.followed(asked.headers["location"] + "/events")
    [hold] = (await person.get("/api/v1/accounts/dep/holds"))["items"]
    where = f"/api/v1/accounts/dep/holds/{hold['id']}"
    assert len((await person.get(where))["serial_numbers"]) == 30
    decided = await person.send("PUT", where, '{"decision": "confirm"}')
    assert (decided.json["state"], decided.json["deleted"]) == ("confirmed", 30)
    await person.send("PUT", where, '{"decision": "discard"}', status=409)


async def look_back(person: Person) -> None:
    await person.ask("DELETE", "/api/v1/accounts/lab?confirm=lab")
    await person.ask("GET", "/api/v1/accounts/lab", status=404)
    told = {entry["act"] for entry in (await person.get("/api/v1/audit?limit=1000"))["items"]}
    assert {"account.added", "account.token_taken", "account.hold_confirmed", "account.removed", "key.revoked"} <= told


def unvisited(document: dict[str, Any], person: Person) -> list[str]:
    """The operations of the document that nobody asked for with success."""
    visited = {(method, path) for method, path, status in person.asked if status < 400}
    return [
        f"{method.upper()} {template}"
        for template, operations in document["paths"].items()
        for method in operations
        if not any(asked == method.upper() and is_at(path, template) for asked, path in visited)
    ]


def is_at(path: str, template: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None
