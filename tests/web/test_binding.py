"""Where the service may listen, and under which names it is asked."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from adept.errors import Busy, ConfigError
from adept.settings import Settings
from adept.web.binding import check_binding, served_hosts, tls_context, url_of
from adept.web.listening import listen


def settings(tmp_path: Path, **values: Any) -> Settings:
    return Settings(data_dir=tmp_path, **values)


def certificate(tmp_path: Path, *names: str) -> dict[str, Path]:
    """The settings for a certificate with these names."""
    made = trustme.CA().issue_cert(*names)
    made.private_key_pem.write_to_path(tmp_path / "tls.key")
    (tmp_path / "tls.crt").write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
    return {"tls_certificate": tmp_path / "tls.crt", "tls_key": tmp_path / "tls.key"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_may_be_listened_on_without_more(tmp_path: Path, host: str) -> None:
    check_binding(settings(tmp_path, host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "adept.example.org"])
def test_elsewhere_needs_tls_or_a_proxy_and_is_refused_with_the_way_out(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="without TLS") as caught:
        check_binding(settings(tmp_path, host=host))
    assert "ADEPT_TLS_CERTIFICATE" in str(caught.value.way_out)
    assert "ADEPT_TRUSTED_PROXIES" in str(caught.value.way_out)
    check_binding(settings(tmp_path, host=host, trusted_proxies="10.0.0.1"))
    check_binding(settings(tmp_path, host=host, **certificate(tmp_path, "adept.example.org")))


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_half_of_tls_is_refused_by_name(tmp_path: Path, given: str) -> None:
    with pytest.raises(ConfigError, match=f"ADEPT_{given.upper()} is set and ADEPT_TLS_"):
        check_binding(settings(tmp_path, **{given: tmp_path / "file.pem"}))


def test_tls_files_are_loaded(tmp_path: Path) -> None:
    context = tls_context(settings(tmp_path, **certificate(tmp_path, "localhost")))
    assert isinstance(context, ssl.SSLContext)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert tls_context(settings(tmp_path)) is None


def test_tls_files_that_wont_do_are_told(tmp_path: Path) -> None:
    files = certificate(tmp_path, "localhost")
    with pytest.raises(ConfigError, match=r"can't use the certificate .*missing.crt with the key .*No such file"):
        tls_context(settings(tmp_path, **files | {"tls_certificate": tmp_path / "missing.crt"}))
    (tmp_path / "tls.key").write_text("no key")
    with pytest.raises(ConfigError, match="can't use the certificate"):
        tls_context(settings(tmp_path, **files))
    other = trustme.CA().issue_cert("localhost").private_key_pem
    other.write_to_path(tmp_path / "tls.key")
    with pytest.raises(ConfigError, match="can't use the certificate"):
        tls_context(settings(tmp_path, **files))


def test_an_encrypted_key_is_told_and_not_asked_about(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    files = certificate(tmp_path, "localhost")
    key = serialization.load_pem_private_key(files["tls_key"].read_bytes(), None)
    files["tls_key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"sesame"),
        )
    )
    with pytest.raises(ConfigError, match="the key is encrypted"):
        tls_context(settings(tmp_path, **files))


def test_served_are_the_names_allowed_the_one_listened_on_and_those_of_the_certificate(tmp_path: Path) -> None:
    files = certificate(tmp_path, "adept.example.org", "*.corp.example", "192.0.2.9")
    given = settings(tmp_path, host="192.0.2.7", allowed_hosts="dep.example.org", **files)
    assert served_hosts(given) == {
        "dep.example.org",
        "192.0.2.7",
        "adept.example.org",
        "*.corp.example",
        "192.0.2.9",
    }


@pytest.mark.parametrize(
    ("host", "allowed", "shown"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:"),
        ("::1", "", "http://[::1]:"),
        ("0.0.0.0", "", "http://localhost:"),
        ("0.0.0.0", "adept.example.org", "http://adept.example.org:"),
    ],
)
def test_the_url_is_one_that_can_be_opened(tmp_path: Path, host: str, allowed: str, shown: str) -> None:
    with listen(host, 0) as listener:
        url = url_of(settings(tmp_path, host=host, allowed_hosts=allowed), listener)
        assert url == f"{shown}{listener.getsockname()[1]}"


def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(Busy, match="is in use"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 300, "192.0.2.1"])
def test_an_address_that_is_not_this_machines_is_told(host: str) -> None:
    with pytest.raises(ConfigError, match="can't listen on"):
        listen(host, 0)
