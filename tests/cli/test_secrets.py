"""`adept secrets rotate`: with the key file that adept made, and with keys that are given."""

from __future__ import annotations

import stat
from pathlib import Path

from adept.store.sealing import new_key
from tests.cli.conftest import Run


def test_the_key_file_gets_a_new_key_and_loses_the_old_one_when_told(adept: Run, hq: str, tmp_path: Path) -> None:
    key_file = tmp_path / "data" / "secret.key"
    (old,) = key_file.read_text().split()
    ran = adept("secrets", "rotate", "--json")
    assert ran.json == {"resealed": 1, "unopened": [], "dropped_keys": 0}
    new, kept = key_file.read_text().split()
    assert kept == old
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    again = adept("secrets", "rotate", "--drop-old")  # goes on with the new key rather than make a third
    assert "Sealed 0 secrets" in again.out
    assert "Took 1 old key out of the key file" in again.out
    assert key_file.read_text().split() == [new]
    assert adept("accounts", "sync", hq).code == 0


def test_with_keys_given_the_first_one_is_the_new_one(
    adept: Run, hq: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    old = (tmp_path / "data" / "secret.key").read_text().strip()
    new = new_key()
    environment["ADEPT_SECRET_KEYS"] = old
    alone = adept("secrets", "rotate", "--json")
    assert (alone.code, alone.error["code"]) == (2, "misuse")
    environment["ADEPT_SECRET_KEYS"] = f"{new},{old}"
    assert adept("secrets", "rotate", "--drop-old", "--json").code == 2
    assert adept("secrets", "rotate", "--json").json["resealed"] == 1
    environment["ADEPT_SECRET_KEYS"] = new
    assert adept("accounts", "sync", hq).code == 0
    environment["ADEPT_SECRET_KEYS"] = old
    refused = adept("accounts", "sync", hq)
    assert refused.code == 6
    assert old not in refused.err
