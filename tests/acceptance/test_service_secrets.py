"""No secret stands in a log, an answer, an export or the database of a service that was used, misused and stopped.

Four answers hold one on purpose: of the set-up and of a login (the cookie), of making a key, and of the door.
"""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg import sql

from adept.protocol.server_token import ServerToken
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.simulator.world import FIRST_SERVER
from adept.store import keypairs
from adept.store.accounts import account_named
from adept.store.database import open_store
from adept.store.tables import metadata
from tests.acceptance.service import ServiceProcess, serving
from tests.cli.conftest import ADEPT, process_environment

PASSWORD = "the password of Ada, first"
NEW_PASSWORD = "the password of Ada, second"
WRONG_PASSWORD = "Ada tries a password of another house"
PASSWORD_AS_NAME = "Ada typed her password here"
WRONG_KEY = "adk_thisKeyIsNoneOfOursButPerhapsSomebodyElses"
DOOR_USER = "commandment"


@dataclass
class Tour:
    """A visitor who uses everything, keeps every answer, and every secret that was sent or seen on the way."""

    service: ServiceProcess
    apple: Running
    http: httpx2.Client
    secrets: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx2.Response:
        """Send a request and keep the answer."""
        answer = self.tell(method, path, key=key, **options)
        self.answers[f"{len(self.answers)} {method} {path} {answer.status_code}"] = f"{answer.headers}\n{answer.text}"
        return answer

    def tell(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx2.Response:
        """Send a request whose answer may hold a secret."""
        if key is not None:
            options["headers"] = {"Authorization": f"Bearer {key}"}
        return self.http.request(method, path, **options)

    def know(self, token: ServerToken) -> ServerToken:
        """Take note of a server token's secrets."""
        self.secrets |= {token.consumer_key, token.consumer_secret, token.access_token, token.access_secret}
        return token

    def note_sessions(self) -> None:
        """Take note of the sessions that Apple has opened."""
        self.secrets |= set(self.apple.simulator._world.sessions._by_token)


def set_up(tour: Tour) -> None:
    """The first administrator, logins good and bad, another password."""
    link = tour.service.set_up_secret
    body = {"secret": link, "name": "ada", "password": PASSWORD}
    tour.ask("POST", "/api/v1/setup", json=body | {"secret": "x" * 43})
    tour.ask("POST", "/api/v1/setup", json=body | {"password": "short"})
    made = tour.tell("POST", "/api/v1/setup", json=body)
    assert made.status_code == 201, made.text
    tour.ask("POST", "/api/v1/setup", json=body)
    tour.secrets |= {
        link,
        PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        PASSWORD_AS_NAME,
        WRONG_KEY,
        made.cookies.popitem()[1],
    }
    tour.ask("POST", "/api/v1/session", json={"name": "ada", "password": WRONG_PASSWORD})
    tour.ask("POST", "/api/v1/session", json={"name": PASSWORD_AS_NAME, "password": WRONG_PASSWORD})
    logged_in = tour.tell("POST", "/api/v1/session", json={"name": "ada", "password": PASSWORD})
    assert logged_in.status_code == 201, logged_in.text
    tour.secrets.add(logged_in.cookies.popitem()[1])
    passwords = {"password": NEW_PASSWORD, "old_password": PASSWORD}
    tour.ask("PUT", "/api/v1/users/ada/password", json=passwords | {"old_password": WRONG_PASSWORD})
    assert tour.ask("PUT", "/api/v1/users/ada/password", json=passwords).status_code == 200


def key_for(tour: Tour, role: str, **options: Any) -> str:
    """A new key, made by the administrator who is logged in."""
    made = tour.tell("POST", "/api/v1/keys", json={"name": f"a-{role}", "role": role, **options})
    assert made.status_code == 201, made.text
    key: str = made.json()["key"]
    tour.secrets |= {key, base64.b64encode(f"{DOOR_USER}:{key}".encode()).decode()}
    return key


def exchange(tour: Tour, key: str) -> None:
    """A token through the door, another one through the API, and all that can go wrong with them."""
    simulator = tour.apple.simulator
    basic = (DOOR_USER, key)
    certificate = tour.ask("GET", "/dep/certificate/download", auth=basic)
    simulator.upload_certificate(FIRST_SERVER, certificate.content)
    first = simulator.get_token(FIRST_SERVER).content
    taken = tour.tell("POST", "/dep/stoken/upload", auth=basic, files={"file": first})
    assert taken.status_code == 200, taken.text
    assert tour.know(ServerToken.from_json(taken.content)) == simulator.token
    synced(tour, key)
    second = simulator.get_token(FIRST_SERVER).content
    tour.know(simulator.token)
    simulator.end_sessions()
    synced(tour, key)  # with the first, which is dead by now
    for wrong in (first, second[:500], simulator.token.to_json(), certificate.content, b"no token"):
        tour.ask("PUT", "/api/v1/accounts/dep/token", key=key, content=wrong)
        tour.ask("POST", "/dep/stoken/upload", auth=basic, files={"file": wrong})
    tour.ask("POST", "/api/v1/accounts", key=key, json={"name": "lab", "token": {"consumer_key": "CK_of_nobody"}})
    tour.secrets.add("CK_of_nobody")
    assert tour.ask("PUT", "/api/v1/accounts/dep/token", key=key, content=second).json()["state"] == "active"
    simulator.fault("*", "unauthorized", count=2)
    synced(tour, key)
    simulator.clear_faults()
    assert synced(tour, key)["state"] == "done"


def synced(tour: Tour, key: str) -> dict[str, Any]:
    """A pass that was asked for and followed to its end."""
    asked = tour.ask("POST", "/api/v1/accounts/dep/passes", key=key, json={"kind": "full"})
    path = asked.headers["Location"]
    events = tour.ask("GET", f"{path}/events", key=key, timeout=60)
    assert "event: end" in events.text
    tour.note_sessions()
    found: dict[str, Any] = tour.ask("GET", path, key=key).json()
    return found


def look_at_everything(tour: Tour, keys: list[str | None]) -> None:
    """Every GET that the API describes, with each key, with a wrong one and with none; and every form of a list."""
    paths = tour.ask("GET", "/api/v1/openapi.json").json()["paths"]
    serial = next(iter(tour.apple.simulator.devices()))
    values = {"name": "dep", "account": "dep", "serial": serial, "serial_number": serial}
    for path in [path for path, methods in paths.items() if "get" in methods]:
        if path.startswith("/api/v1/users"):
            place = path.replace("{name}", "ada")
        elif path.startswith("/api/v1/keys"):
            place = path.replace("{name}", "a-viewer")
        else:
            place = path
        for word in [part.strip("{}") for part in path.split("/") if part.startswith("{")]:
            place = place.replace(f"{{{word}}}", values.get(word, "1"))
        for key in [*keys, WRONG_KEY]:
            tour.ask("GET", place, key=key)
    for form in ("csv", "ndjson"):
        tour.ask("GET", f"/api/v1/audit?format={form}", key=keys[0])
        tour.ask("GET", f"/api/v1/devices/export?format={form}", key=keys[0])
    assert keys[0] is not None
    tour.ask("GET", f"/api/v1/devices?search={keys[0]}", key=keys[0])


COMMANDS = [
    ("accounts", "show", "dep", "--json"),
    ("accounts", "show", "nobody", "--debug"),
    ("devices", "export", "--format", "ndjson"),
    ("changes", "--json"),
]


def run(*words: str, **environment: str) -> str:
    """Everything that a command prints."""
    ran = subprocess.run(
        [ADEPT, *words], env=process_environment(environment), capture_output=True, text=True, timeout=60, check=False
    )
    return ran.stdout + ran.stderr


async def private_keys(url: str, sealing_key: str) -> set[str]:
    """The telling lines of every private key in the store."""
    async with open_store(url, secret_keys=[sealing_key], data_dir=None, migrate=False) as store, store.reading() as tx:
        pairs = await keypairs.keypairs_of(tx, (await account_named(tx, "dep")).id)
        pems = [keypairs.private_key(pair, store.sealer).decode() for pair in pairs]
    assert pems
    return {line for pem in pems for line in pem.splitlines()[1:-1] if len(line) > 40}


def stored(url: str, folder: Path) -> dict[str, str]:
    """What is on the disk: the files of SQLite, the rows of PostgreSQL."""
    if url.startswith("sqlite"):
        files = [file for file in folder.rglob("adept.sqlite3*") if file.is_file()]
        return {file.name: file.read_bytes().decode("latin-1") for file in files}
    found = {}
    with psycopg.connect(url) as connection:
        for table in metadata.tables:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            found[table] = "\n".join(row[0] for row in rows)
    return found


@pytest.fixture
def apple() -> Iterator[Running]:
    with serve(Simulator(devices=20)) as running:
        yield running


@pytest.fixture
def environment(database_url: str, secret_key: str, apple: Running, tmp_path: Path) -> dict[str, str]:
    """The service's settings: keys in a file, and everything logged that there is to log."""
    keys = tmp_path / "sealing-keys"
    keys.write_text(secret_key)
    return {
        "ADEPT_DATABASE_URL": database_url,
        "ADEPT_SECRET_KEYS_FILE": str(keys),
        "ADEPT_DATA_DIR": str(tmp_path / "data"),
        "ADEPT_URL": apple.url,
        "ADEPT_LOG_LEVEL": "debug",
    }


def assert_silent(place: str, text: str, secrets: set[str]) -> None:
    """None of the secrets is in the text, as it is or in hex."""
    told = [secret for secret in secrets if secret in text or secret.encode().hex() in text]
    assert not told, f"{place} tells {sorted(secret[:8] + '…' for secret in told)}"


def test_no_secret_stands_anywhere_it_should_not(
    environment: dict[str, str], database_url: str, secret_key: str, apple: Running, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with serving(environment, log_file=log) as service, httpx2.Client(base_url=service.url, timeout=30) as http:
        tour = Tour(service, apple, http)
        set_up(tour)
        keys = [key_for(tour, "admin", may_read_secrets=True), key_for(tour, "operator"), key_for(tour, "viewer")]
        http.cookies.clear()
        exchange(tour, keys[0])
        look_at_everything(tour, [*keys, None])
        theirs = {"ADEPT_SERVER": service.url, "ADEPT_API_KEY": keys[0]}
        printed = {" ".join(words): run(*words, **theirs) for words in COMMANDS}
        secrets = tour.secrets | {secret_key} | asyncio.run(private_keys(database_url, secret_key))
        kept = stored(database_url, tmp_path)
        assert service.stop() == 0
    (link,) = [line for line in service.log.splitlines() if "/setup#" in line]
    logged = service.log.replace(link, "")
    assert "request answered" in logged
    assert "pass ended" in logged
    assert len(tour.answers) > 150
    assert_silent("the log", logged, secrets)
    for places in (tour.answers, printed, kept, stored(database_url, tmp_path)):
        assert places
        for place, text in places.items():
            assert_silent(place, text, secrets)


@pytest.mark.parametrize("text", ["before hidden-word after", f"\\x{b'hidden-word'.hex()}"])
def test_what_is_looked_for_would_be_found(text: str) -> None:
    with pytest.raises(AssertionError, match="the log tells"):
        assert_silent("the log", text, {"hidden-word"})
