"""No secret stands in a log, an answer, an export, a recording, an error or the database's files."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adept.accounts.exchange import certificate, upload_token
from adept.accounts.registry import add
from adept.accounts.tokens import active_token
from adept.client.async_client import AsyncClient
from adept.errors import AdeptError
from adept.jobs.account_pass import run_pass
from adept.simulator.running import serve
from adept.simulator.simulator import Simulator
from adept.simulator.world import FIRST_SERVER
from adept.store import keypairs
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.store.database import open_store

KEY = "c2VjcmV0LXNlYWxpbmcta2V5LW9mLXRoaXMtdGVzdCE="


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def logged():
    """Everything that anything logs, at any level, with its extras; but not what "Apple" logs in its own thread."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.format = lambda record: f"{record.getMessage()} {record.__dict__}"  # type: ignore[method-assign]
    handler.addFilter(lambda record: record.threadName != "adept-simulator")
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(before)
    root.removeHandler(handler)


async def exchange_and_walk(database: str, recordings: Path, running) -> tuple[set[str], str]:
    """The main job with the library; returns every secret in it, and what errors said on the way."""
    clients: list[AsyncClient] = []
    told: list[str] = []

    def connect(token, base_url) -> AsyncClient:
        clients.append(AsyncClient(token, base_url=base_url, record=recordings))
        return clients[-1]

    async with open_store(database, secret_keys=[KEY], data_dir=None, migrate=True) as store:
        await add(store, "hq", base_url=running.url, by=ADEPT, now=now, connect=connect)
        running.simulator.upload_certificate(FIRST_SERVER, await certificate(store, "hq", by=ADEPT, now=now))
        p7m = running.simulator.get_token(FIRST_SERVER).content
        await upload_token(store, "hq", p7m, connect=connect, by=ADEPT, now=now)
        await run_pass(store, "hq", connect=connect, now=now, holder="test")
        first = await active_token(store, 1)
        running.simulator.get_token(FIRST_SERVER)  # kills the first
        running.simulator.end_sessions()
        outcome = await run_pass(store, "hq", connect=connect, now=now, holder="test")
        told.append("".join(traceback.format_exception(outcome.error)) if outcome.error else "")
        try:
            await upload_token(store, "hq", p7m, connect=connect, by=ADEPT, now=now)
        except AdeptError as error:
            told.append("".join(traceback.format_exception(error)))
        async with store.reading() as tx:
            pairs = await keypairs.keypairs_of(tx, (await account_named(tx, "hq")).id)
            private = [keypairs.private_key(pair, store.sealer).decode() for pair in pairs]
    assert first is not None
    assert len(told) == 2
    assert all(told)
    token = first.secret
    sessions = {client.session.held.token for client in clients} - {None}
    assert sessions
    lines = {line for pem in private for line in pem.splitlines()[1:-1] if len(line) > 40}
    secrets = {token.consumer_key, token.consumer_secret, token.access_token, token.access_secret, KEY}
    return secrets | lines | {str(session) for session in sessions}, "\n".join(told)


def run(*arguments: str, **environment: str) -> str:
    """Everything a command of ours prints."""
    done = subprocess.run(
        [sys.executable, "-c", "from adept.cli.main import main; main()", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    return done.stdout + done.stderr


def assert_silent(place: str, text: str, secrets: set[str]) -> None:
    found = sorted(secret[:6] + "…" for secret in secrets if secret in text)
    assert found == [], f"{place} tells {found}"


async def test_no_secret_stands_anywhere_it_should_not(tmp_path, logged):
    data, recordings = tmp_path / "data", tmp_path / "recordings"
    data.mkdir()
    database = f"sqlite:///{data / 'adept.sqlite3'}"
    with serve(Simulator(devices=20)) as running:
        secrets, errors = await exchange_and_walk(database, recordings, running)
        settings = {"ADEPT_DATABASE_URL": database, "ADEPT_SECRET_KEYS": KEY, "ADEPT_DATA_DIR": str(data)}
        commands = [
            ("accounts", "list", "--json"),
            ("accounts", "show", "hq", "--json"),
            ("accounts", "show", "hq"),
            ("accounts", "sync", "hq", "--debug"),
            ("devices", "export", "--format", "ndjson"),
            ("devices", "export"),
            ("passes", "--json"),
            ("changes", "--json"),
        ]
        printed = {" ".join(command): run(*command, **settings) for command in commands}
    assert_silent("the log", logged.getvalue(), secrets)
    assert_silent("an error", errors, secrets)
    for command, text in printed.items():
        assert_silent(command, text, secrets)
    kept = [file for folder in (data, recordings) for file in folder.rglob("*") if file.is_file()]
    assert len(kept) > 5
    for file in kept:
        assert_silent(file.name, file.read_bytes().decode("latin-1"), secrets)


async def test_the_log_of_a_walk_is_there_and_speaks_the_glossarys_words(tmp_path, logged):
    """The test above would pass for a silent library."""
    with serve(Simulator(devices=20)) as running:
        await exchange_and_walk(f"sqlite:///{tmp_path / 'adept.sqlite3'}", tmp_path / "recordings", running)
    assert re.search(r"pass ended .*'account': 'hq'.*'added': 20", logged.getvalue())
