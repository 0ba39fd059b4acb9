"""`adept db backup` and `adept db restore`, beside a service that runs and after it ended."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from adept.simulator.running import Running
from tests.cli.conftest import Run


def test_a_backup_of_a_running_service_is_restored_when_it_has_ended(
    adept: Run, hq: str, apple: Running, spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.sqlite3"
    service = spawn("serve", "--port", 0, "--no-worker")
    assert service.stdout is not None
    assert service.stdout.readline().startswith("ready ")
    ran = adept("db", "backup", saved)
    assert ran.code == 0
    assert "The sealing key is not in it" in ran.out
    assert (tmp_path / "data" / "secret.key").read_bytes().strip() not in saved.read_bytes()
    assert adept("db", "backup", saved, "--json").error["code"] == "misuse"
    assert adept("db", "backup", saved, "--force", "--json").json["file"] == str(saved)

    assert adept("accounts", "remove", hq, "--yes").code == 0
    assert adept("db", "restore", saved).code == 2
    busy = adept("db", "restore", saved, "--force", "--json")
    assert (busy.code, busy.error["code"]) == (9, "busy")
    service.send_signal(signal.SIGTERM)
    assert service.wait(20) == 0
    ran = adept("db", "restore", saved, "--force")
    assert ran.code == 0
    assert "Everybody has to log in again" in ran.out
    apple.simulator.buy(3)
    assert adept("accounts", "sync", hq, "--json").json["devices"] >= 3


def test_a_restored_database_without_its_key_is_told_and_not_put_in_place(
    adept: Run, hq: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    assert adept("db", "backup", tmp_path / "saved").code == 0
    environment["ADEPT_DATA_DIR"] = str(tmp_path / "new")
    ran = adept("db", "restore", tmp_path / "saved", "--json")
    assert (ran.code, ran.error["code"]) == (6, "config")
    assert "secret.key is missing" in ran.error["message"]
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "new" / "secret.key").write_bytes((tmp_path / "data" / "secret.key").read_bytes())
    assert adept("db", "restore", tmp_path / "saved").code == 0
    assert adept("accounts", "sync", hq).code == 0


def test_for_postgresql_the_lines_of_its_own_tools_are_told(
    adept: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["ADEPT_DATABASE_URL"] = "postgresql://adept:sesame@127.0.0.1:1/adept"
    for words, tool in ((("backup", "a.dump"), "pg_dump"), (("restore", "a.dump"), "pg_restore")):
        ran = adept("db", *words, "--json")
        assert (ran.code, ran.error["code"]) == (2, "misuse")
        assert tool in ran.error["way_out"]
        assert "sesame" not in ran.err
