"""`adept doctor` and `adept support-bundle` on a real database and a simulated Apple."""

from __future__ import annotations

import asyncio
import json
import stat
import zipfile
from pathlib import Path

from sqlalchemy import LargeBinary, String, update

from adept.store.database import open_store
from adept.store.tables import SerialText, Words, metadata
from tests.cli.conftest import Run
from tests.store.full_database import fill

MARK = "Marked"
# Held to a few words by a CHECK, or by what reads them
CLOSED = {"phase", "state", "kind", "role", "actor_kind", "deleted_reason", "base_url"}


def test_the_doctor_says_that_all_is_well_or_what_to_do(adept: Run, hq: str) -> None:
    assert adept("accounts", "sync", hq).code == 0
    well = adept("doctor", "--json")
    assert well.code == 0, well.out
    states = {item["check"]: item["state"] for item in well.json["items"]}
    assert {name for name, state in states.items() if state == "skipped"} == {"tls", "jobs"}
    assert {"clock", "dns", "proxy", "answer", "disk", "schema", "key", "token", "terms", "cursor", "lease"} <= set(
        states
    )
    assert adept("accounts", "add", "lab").code == 0
    ill = adept("doctor")
    assert ill.code == 8
    (line,) = [line for line in ill.out.splitlines() if line.startswith("todo")]
    assert "lab" in line
    assert "upload one from Apple's portal" in line


def test_the_doctor_works_where_nothing_is_set_up(adept: Run, environment: dict[str, str], tmp_path: Path) -> None:
    environment["ADEPT_URL"] = "http://127.0.0.1:1"
    ran = adept("doctor", "--json")
    assert ran.code == 8
    assert {item["code"] for item in ran.json["items"] if item["state"] == "todo"} == {
        "unreachable",
        "database_unusable",
    }
    assert not (tmp_path / "data").exists()


async def fill_with_marks(data: Path) -> None:
    """A row in every table, and a mark in every column that holds a text or bytes of any kind."""
    url = f"sqlite:///{data / 'adept.sqlite3'}"
    async with open_store(url, secret_keys=None, data_dir=data, migrate=True) as store:
        await fill(store)
        async with store.writing() as tx:
            for table in metadata.sorted_tables:
                if table.name == "sealing_canary":
                    continue
                marks: dict[str, object] = {}
                for column in table.columns:
                    if isinstance(column.type, LargeBinary):
                        marks[column.name] = MARK.encode() * 4
                    elif isinstance(column.type, (Words, SerialText, String)) and column.name not in CLOSED:
                        marks[column.name] = f"{MARK} {column.name}"
                if marks:
                    await tx.execute(update(table).values(**marks))
            await tx.execute(update(metadata.tables["accounts"]).values(base_url=f"http://127.0.0.1:1/{MARK}"))


def test_nothing_secret_or_personal_is_in_a_support_bundle(
    adept: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    data = tmp_path / MARK
    data.mkdir()
    environment |= {
        "ADEPT_DATA_DIR": str(data),
        "ADEPT_ALLOWED_HOSTS": f"{MARK}.example.org",
        "ADEPT_TRUSTED_PROXIES": "10.66.77.88",
        "ADEPT_SERVER": f"https://{MARK}.example.org",
        "ADEPT_API_KEY": MARK,
        "ADEPT_URL": f"https://{MARK}.example.org",
        "ADEPT_TOKEN": f"/{MARK}/token.json",
        "ADEPT_COPY_TO_URL": f"postgresql://{MARK}:{MARK}@127.0.0.1/x",
    }
    asyncio.run(fill_with_marks(data))
    log = tmp_path / "adept.log"
    entry = dict.fromkeys(("event", "error", "account", "serial", "user", "address", "path", "kind", "level"), MARK)
    traceback = f'File "/srv/{MARK}/adept/jobs/visit.py", line 1, in look\n{MARK}: {MARK}'
    told = {**entry, "event": "visit failed", "logger": "adept.jobs", "exception": traceback, "error_code": MARK}
    log.write_text(f"{MARK}\n{json.dumps({**entry, 'logger': MARK})}\n{json.dumps(told)}\n")

    made = tmp_path / "bundle.zip"
    ran = adept("support-bundle", "-o", made, "--log", log, "--json")
    assert ran.code == 0, ran.err
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    with zipfile.ZipFile(made) as bundle:
        found = {name: bundle.read(name).decode() for name in bundle.namelist()}
    whole = "\n".join(found.values())
    assert MARK.lower() not in whole.lower()
    for secret in ((data / "secret.key").read_text().strip(), "10.66.77.88", "127.0.0.1", "C02ABC", str(tmp_path)):
        assert secret not in whole
    assert json.loads(found["database.json"])["rows"]["devices"] == 1
    (account,) = json.loads(found["accounts.json"])
    assert (account["account"], account["health"], account["is_at_apple"]) == ("account-1", "other", False)
    (one_pass,) = json.loads(found["passes.json"])
    assert (one_pass["account"], one_pass["error_code"], one_pass["pages"]) == ("account-1", "other", 1)
    assert json.loads(found["settings.json"])["api_key"] == "set"
    assert json.loads(found["settings.json"])["concurrency"] == 8
    assert json.loads(found["log.json"])["left_out"] == 2
    assert {"dns", "schema", "token"} <= {line["check"] for line in json.loads(found["doctor.json"])}
    assert adept("support-bundle", "-o", made).code == 2


def test_a_bundle_is_made_where_the_database_is_broken(adept: Run, tmp_path: Path, environment: dict[str, str]) -> None:
    environment["ADEPT_URL"] = "http://127.0.0.1:1"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "adept.sqlite3").write_text("no database " * 500)
    assert adept("support-bundle", "-o", tmp_path / "bundle.zip").code == 0
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        assert not json.loads(bundle.read("database.json"))["is_reached"]
