"""Settings: what the environment may say, and the sentence for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from adept.errors import ConfigError
from adept.setting_values import split_keys
from adept.settings import Settings, flag_of, load_settings, variable_of, wants_debug

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
        ("ADEPT_SERVER", "http://adept.example.org", "https://"),
        ("ADEPT_PORT", "http", "a whole number from 0 to 65535"),
        ("ADEPT_PORT", "65536", "a whole number from 0 to 65535"),
        ("ADEPT_METRICS_PORT", "-1", "a whole number from 0 to 65535"),
        ("ADEPT_CONCURRENCY", "0", "a whole number from 2 to 64"),
        ("ADEPT_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("ADEPT_LOG_FORMAT", "xml", "'json' or 'text'"),
        ("ADEPT_ALLOW_PRIVATE_ADDRESSES", "perhaps", "1, true, yes or on"),
        ("ADEPT_ALLOWED_HOSTS", "https://adept.example.org", "host names separated by commas"),
        ("ADEPT_ALLOWED_HOSTS", "adept.example.org:8440", "without scheme, port or *"),
        ("ADEPT_ALLOWED_HOSTS", "*", "without scheme, port or *"),
        ("ADEPT_TRUSTED_PROXIES", "proxy.example.org", "addresses or networks"),
        ("ADEPT_TRUSTED_PROXIES", "*", "addresses or networks"),
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


def test_the_service_listens_on_this_machine_alone_unless_told_otherwise() -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8440)
    assert settings.allowed_hosts == settings.trusted_proxies == ()
    assert settings.metrics_port is None
    assert settings.allow_private_addresses is False


def test_lists_yes_and_words_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADEPT_ALLOWED_HOSTS", "Adept.example.org, 192.0.2.7,[2001:db8::7]")
    monkeypatch.setenv("ADEPT_TRUSTED_PROXIES", "10.0.0.0/24,192.0.2.1")
    monkeypatch.setenv("ADEPT_ALLOW_PRIVATE_ADDRESSES", "Yes")
    monkeypatch.setenv("ADEPT_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("ADEPT_METRICS_PORT", "0")
    settings = load_settings()
    assert settings.allowed_hosts == ("adept.example.org", "192.0.2.7", "[2001:db8::7]")
    assert settings.trusted_proxies == ("10.0.0.0/24", "192.0.2.1")
    assert settings.allow_private_addresses is True
    assert settings.log_level == "warning"
    assert settings.metrics_port == 0


def test_flags_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "adept.toml"
    file.write_text('port = 1\nhost = "127.0.0.3"\nconcurrency = 3\nallowed_hosts = ["a.example", "b.example"]\n')
    monkeypatch.setenv("ADEPT_CONFIG", str(file))
    monkeypatch.setenv("ADEPT_PORT", "2")
    monkeypatch.setenv("ADEPT_HOST", "127.0.0.2")
    settings = load_settings({"port": "3"})
    assert (settings.port, settings.host, settings.concurrency) == (3, "127.0.0.2", 3)
    assert settings.allowed_hosts == ("a.example", "b.example")


def test_a_flag_names_the_file_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("port = 1")
    (tmp_path / "two.toml").write_text("port = 2")
    monkeypatch.setenv("ADEPT_CONFIG", str(tmp_path / "one.toml"))
    assert load_settings({"config": str(tmp_path / "two.toml")}).port == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = 70000", "'port' in the settings file must be a whole number"),
        ('port = "x"', "'port' in the settings file must be a whole number"),
        ("port = true", "'port' in the settings file must be a whole number"),
        ("prot = 8440", "'prot', which is no setting"),
        ('config = "other.toml"', "'config', which is no setting"),
        ("port 8440", "is not TOML"),
        ("\udcff", "is not TOML"),
    ],
)
def test_a_bad_settings_file_is_told_with_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "adept.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=told):
        load_settings({"config": file})


def test_a_settings_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't read the settings file .*nowhere.toml: No such file"):
        load_settings({"config": tmp_path / "nowhere.toml"})


def test_a_bad_flag_is_told_as_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADEPT_METRICS_PORT", "9090")
    with pytest.raises(ConfigError, match=r"--metrics-port must be a whole number"):
        load_settings({"metrics_port": "many"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("database_url", "postgresql://adept:sesame@db/adept"), ("secret_keys", KEY), ("api_key", "adk_sesame")],
)
def test_a_secret_comes_from_its_variable_or_from_a_file_but_not_from_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    def read(settings: Settings) -> object:
        return {
            "database_url": settings.where_to_store,
            "secret_keys": lambda: ",".join(settings.sealing_keys() or ()),
            "api_key": settings.key_for_server,
        }[name]()

    file = tmp_path / "secret"
    file.write_text(f"{value}\n")
    monkeypatch.setenv(variable_of(f"{name}_file"), str(file))
    assert read(load_settings()) == value
    monkeypatch.setenv(variable_of(name), value)
    with pytest.raises(ConfigError, match="both set"):
        read(load_settings())
    monkeypatch.delenv(variable_of(f"{name}_file"))
    assert read(load_settings()) == value
    assert value not in repr(load_settings())


def test_a_file_with_something_else_than_a_database_url_is_told(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("mysql://adept:sesame@db/adept")
    with pytest.raises(ConfigError, match="ADEPT_DATABASE_URL_FILE must be sqlite") as caught:
        load_settings({"database_url_file": tmp_path / "url"}).where_to_store()
    assert "sesame" not in str(caught.value)
    (tmp_path / "url").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"ADEPT_DATABASE_URL_FILE: can't read .*: it is not text"):
        load_settings({"database_url_file": tmp_path / "url"}).where_to_store()


def test_a_setting_has_one_name_in_three_spellings() -> None:
    assert (flag_of("tls_key"), variable_of("tls_key")) == ("--tls-key", "ADEPT_TLS_KEY")
