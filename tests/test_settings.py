"""Settings: what the environment may say, and the sentence for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from adept.errors import ConfigError
from adept.settings import load_settings, split_keys, wants_debug

KEY = "dGVzdHMgdGVzdHMgdGVzdHMgdGVzdHMgdGVzdHMgMzI="
OTHER_KEY = "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgMzI="


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.upper().startswith("ADEPT_")]:
        monkeypatch.delenv(name)


def test_without_any_variable_there_is_sqlite_in_the_data_directory_of_the_platform() -> None:
    settings = load_settings()
    assert settings.token is None
    assert settings.url is None
    assert settings.sealing_keys() is None
    assert settings.data_dir.name == "adept"
    assert settings.where_to_store() == f"sqlite:///{(settings.data_dir / 'adept.sqlite3').as_posix()}"
    assert settings.database_file() == settings.data_dir / "adept.sqlite3"


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADEPT_TOKEN", "token.json")
    monkeypatch.setenv("ADEPT_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("ADEPT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ADEPT_DATABASE_URL", "postgresql://adept:pw@db/adept")
    monkeypatch.setenv("ADEPT_SECRET_KEYS", f"{KEY}, {OTHER_KEY}")
    settings = load_settings()
    assert settings.token == Path("token.json")
    assert settings.url == "http://127.0.0.1:8080"
    assert settings.data_dir == tmp_path
    assert settings.where_to_store() == "postgresql://adept:pw@db/adept"
    assert settings.database_file() is None
    assert settings.sealing_keys() == (KEY, OTHER_KEY)


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "URL", "DATABASE_URL", "SECRET_KEYS", "SECRET_KEYS_FILE"):
        monkeypatch.setenv(f"ADEPT_{name}", "")
    assert load_settings().sealing_keys() is None


def test_keys_come_from_a_file_one_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n{OTHER_KEY}\n")
    monkeypatch.setenv("ADEPT_SECRET_KEYS_FILE", str(file))
    assert load_settings().sealing_keys() == (KEY, OTHER_KEY)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("ADEPT_URL", "http://mdm.example.org", "https://"),
        ("ADEPT_URL", "mdm.example.org", "https://mdmenrollment.apple.com"),
        ("ADEPT_URL", "ftp://mdm.example.org", "https://mdmenrollment.apple.com"),
        ("ADEPT_URL", "https://[bad", "URL"),
        ("ADEPT_DATABASE_URL", "mysql://adept:sesame@db/adept", "sqlite:///PATH or postgresql://"),
        ("ADEPT_SECRET_KEYS", "sesame", "32 bytes"),
        ("ADEPT_SECRET_KEYS", f"{KEY},sesame", "key 2"),
        ("ADEPT_SECRET_KEYS", " , ", "at least one key"),
    ],
)
def test_a_bad_value_is_told_by_its_variable_and_what_is_allowed_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.message.startswith(name)
    assert allowed in caught.value.message
    assert "sesame" not in str(caught.value)
    assert "sesame" not in repr(caught.value.__cause__)


def test_secrets_dont_show_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADEPT_SECRET_KEYS", KEY)
    monkeypatch.setenv("ADEPT_DATABASE_URL", "postgresql://adept:sesame@db/adept")
    shown = repr(load_settings())
    assert KEY not in shown
    assert "sesame" not in shown


def test_keys_given_twice_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADEPT_SECRET_KEYS", KEY)
    monkeypatch.setenv("ADEPT_SECRET_KEYS_FILE", "keys")
    with pytest.raises(ConfigError, match="both set"):
        load_settings().sealing_keys()


def test_a_key_file_that_is_missing_or_holds_no_keys_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADEPT_SECRET_KEYS_FILE", str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match=r"ADEPT_SECRET_KEYS_FILE.*No such file"):
        load_settings().sealing_keys()
    (tmp_path / "bad").write_text("sesame")
    monkeypatch.setenv("ADEPT_SECRET_KEYS_FILE", str(tmp_path / "bad"))
    with pytest.raises(ConfigError, match=r"ADEPT_SECRET_KEYS_FILE.*key 1") as caught:
        load_settings().sealing_keys()
    assert "sesame" not in str(caught.value)


def test_keys_are_split_by_commas_blanks_and_lines() -> None:
    assert split_keys(f" {KEY},\n{OTHER_KEY} ") == (KEY, OTHER_KEY)


@pytest.mark.parametrize(("value", "wanted"), [("1", True), ("true", True), ("0", False), ("", False), ("no", False)])
def test_debug_is_wanted_by_a_yes(value: str, *, wanted: bool) -> None:
    assert wants_debug({"ADEPT_DEBUG": value}) is wanted
    assert not wants_debug({})
