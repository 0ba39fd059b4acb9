"""`adept token`: keypairs, decrypting, taking PKCS#12 files apart, looking into files without showing a secret."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from adept.protocol.keypair import certificate_matches, encrypt_key, load_certificate, load_private_key
from adept.protocol.p7m_seal import seal_server_token
from tests.cli.conftest import Run
from tests.tokens import SECRETS, TOKEN, keypair, other_keypair

PASSWORD = b"correct horse"


@pytest.fixture
def p7m(tmp_path: Path) -> Path:
    file = tmp_path / "token.p7m"
    file.write_bytes(seal_server_token(TOKEN, keypair().certificate_pem))
    return file


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "adept.key"
    file.write_bytes(keypair().private_key_pem)
    return file


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_bytes(PASSWORD + b"\r\nsecond line\n")
    return file


@pytest.fixture
def p12(tmp_path: Path) -> Path:
    file = tmp_path / "adept.p12"
    private_key = load_private_key(keypair().private_key_pem)
    certificate = load_certificate(keypair().certificate_pem)
    protection = serialization.BestAvailableEncryption(PASSWORD)
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"adept", private_key, certificate, None, protection))
    return file


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_keypair_fits_together_and_its_key_is_private(adept: Run, tmp_path: Path) -> None:
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    ran = adept("token", "keypair", "--cert", cert, "--key", key, "--cn", "MDM of Example", "--days", 3)
    assert (ran.code, ran.out) == (0, "")
    assert certificate_matches(cert.read_bytes(), key.read_bytes())
    certificate = load_certificate(cert.read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=MDM of Example"
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 3
    assert os.name != "posix" or mode(key) == 0o600


def test_a_key_can_be_written_encrypted(adept: Run, tmp_path: Path, password_file: Path) -> None:
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    assert adept("token", "keypair", "--cert", cert, "--key", key, "--password-file", password_file).code == 0
    assert b"ENCRYPTED" in key.read_bytes()
    assert certificate_matches(cert.read_bytes(), load_private_key(key.read_bytes(), PASSWORD))


@pytest.mark.parametrize("existing", ["c.pem", "k.pem"])
def test_neither_file_is_overwritten_without_force(adept: Run, tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("precious")
    words = ("token", "keypair", "--cert", tmp_path / "c.pem", "--key", tmp_path / "k.pem")
    ran = adept(*words)
    assert ran.code == 2
    assert "--force" in ran.err
    assert [path.read_text() for path in tmp_path.glob("*.pem")] == ["precious"]
    assert adept(*words, "--force").code == 0
    assert certificate_matches((tmp_path / "c.pem").read_bytes(), (tmp_path / "k.pem").read_bytes())
    assert os.name != "posix" or mode(tmp_path / "k.pem") == 0o600


def test_certificate_and_key_want_a_file_each(adept: Run, tmp_path: Path) -> None:
    assert adept("token", "keypair", "--cert", tmp_path / "a", "--key", tmp_path / "a").code == 2


def test_an_unwritable_place_is_told_with_its_reason(adept: Run, tmp_path: Path) -> None:
    ran = adept("token", "keypair", "--cert", tmp_path / "no" / "c.pem", "--key", tmp_path / "no" / "k.pem")
    assert ran.code == 2
    assert "No such file or directory" in ran.err


def test_decrypt_prints_the_five_keys(adept: Run, p7m: Path, key: Path) -> None:
    ran = adept("token", "decrypt", p7m, "--key", key)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json == json.loads(TOKEN.to_json())


def test_decrypt_takes_the_key_from_a_pkcs12_file(adept: Run, p7m: Path, p12: Path, password_file: Path) -> None:
    ran = adept("token", "decrypt", p7m, "--p12", p12, "--password-file", password_file)
    assert ran.json["consumer_key"] == TOKEN.consumer_key


def test_decrypt_takes_an_encrypted_key(adept: Run, p7m: Path, key: Path, password_file: Path) -> None:
    key.write_bytes(encrypt_key(keypair().private_key_pem, PASSWORD))
    assert adept("token", "decrypt", p7m, "--key", key, "--password-file", password_file).code == 0
    password_file.write_text("wrong")
    assert adept("token", "decrypt", p7m, "--key", key, "--password-file", password_file).code == 7


def test_decrypt_reads_standard_input(adept_process: Run, p7m: Path, key: Path) -> None:
    ran = adept_process("token", "decrypt", "-", "--key", key, stdin=p7m.read_text())
    assert ran.json["consumer_key"] == TOKEN.consumer_key


def test_plain_token_json_passes_through_with_a_warning(adept: Run, tmp_path: Path, key: Path) -> None:
    file = tmp_path / "token.json"
    file.write_bytes(TOKEN.to_json() + b"\n")
    ran = adept("token", "decrypt", file, "--key", key)
    assert ran.code == 0
    assert ran.out == TOKEN.to_json().decode() + "\n"
    assert "decrypted already" in ran.err


BAD_TOKENS = {
    "empty": b"",
    "blank": b" \n",
    "huge": b"MIAG" * 300_000,
    "text": b"no token at all",
    "other JSON": b'{"kind": "other"}',
    "JSON without a key": TOKEN.to_json().replace(b"consumer_secret", b"consumer_sekret"),
    "certificate": keypair().certificate_pem,
    "truncated": seal_server_token(TOKEN, keypair().certificate_pem)[:900],
}


@pytest.mark.parametrize("data", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_file_that_is_no_token_exits_7_with_a_sentence(adept: Run, tmp_path: Path, key: Path, data: bytes) -> None:
    file = tmp_path / "bad.p7m"
    file.write_bytes(data)
    ran = adept("token", "decrypt", file, "--key", key, "--json")
    assert (ran.code, ran.out) == (7, "")
    assert ran.error["code"] == "token_file"


def test_the_wrong_key_exits_7_and_says_what_is_needed(adept: Run, p7m: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(other_keypair().private_key_pem)
    ran = adept("token", "decrypt", p7m, "--key", wrong)
    assert (ran.code, ran.out) == (7, "")
    assert "CN=adept tests" in ran.err


def test_decrypt_wants_one_key(adept: Run, p7m: Path, key: Path, p12: Path) -> None:
    assert adept("token", "decrypt", p7m).code == 2
    assert adept("token", "decrypt", p7m, "--key", key, "--p12", p12).code == 2


def test_a_key_file_that_is_none_exits_7(adept: Run, p7m: Path, tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(keypair().certificate_pem)
    assert adept("token", "decrypt", p7m, "--key", tmp_path / "k").code == 7
    assert adept("token", "decrypt", p7m, "--key", tmp_path / "missing").code == 7


def test_from_p12_writes_certificate_and_key(adept: Run, p12: Path, password_file: Path, tmp_path: Path) -> None:
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    words = ("token", "from-p12", p12, "--cert-out", cert, "--key-out", key, "--password-file", password_file)
    assert adept(*words).code == 0
    assert certificate_matches(cert.read_bytes(), key.read_bytes())
    assert os.name != "posix" or mode(key) == 0o600
    assert adept(*words).code == 2  # there already
    assert adept(*words, "--force").code == 0


def test_from_p12_can_keep_the_key_encrypted(adept: Run, p12: Path, password_file: Path, tmp_path: Path) -> None:
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    words = ("token", "from-p12", p12, "--cert-out", cert, "--key-out", key, "--encrypt")
    assert adept(*words).code == 2  # encrypted with what?
    assert adept(*words, "--password-file", password_file).code == 0
    assert b"ENCRYPTED" in key.read_bytes()
    load_private_key(key.read_bytes(), PASSWORD)


def test_from_p12_with_a_wrong_password_exits_7(adept: Run, p12: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    outputs = ("--cert-out", tmp_path / "c.pem", "--key-out", tmp_path / "k.pem")
    assert adept("token", "from-p12", p12, *outputs, "--password-file", tmp_path / "wrong").code == 7
    (tmp_path / "empty").write_text("")
    assert adept("token", "from-p12", p12, *outputs, "--password-file", tmp_path / "empty").code == 7
    assert list(tmp_path.glob("*.pem")) == []


def test_inspect_describes_an_encrypted_token(adept: Run, p7m: Path) -> None:
    found = adept("token", "inspect", p7m, "--json").json
    assert (found["form"], found["cipher"]) == ("BER", "AES-128-CBC")
    assert "CN=adept tests" in found["recipients"][0]


def test_inspect_describes_a_token(adept: Run, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    file.write_bytes(TOKEN.to_json())
    found = adept("token", "inspect", file, "--json").json
    assert found["expires_at"] == "2027-01-14T21:27:41Z"
    assert found["consumer_key_sha256"] == TOKEN.fingerprint


def test_inspect_describes_a_certificate_and_its_key_by_one_fingerprint(adept: Run, key: Path, tmp_path: Path) -> None:
    file = tmp_path / "c.pem"
    file.write_bytes(keypair().certificate_pem)
    certificate = adept("token", "inspect", file, "--json").json
    assert certificate["subject"] == "CN=adept tests"
    private = adept("token", "inspect", key, "--json").json
    assert private["public_key"] == "RSA 2048 bits"
    assert private["public_key_sha256"] == certificate["public_key_sha256"]


def test_inspect_says_of_protected_files_that_they_are(adept: Run, key: Path, p12: Path, password_file: Path) -> None:
    key.write_bytes(encrypt_key(keypair().private_key_pem, PASSWORD))
    assert adept("token", "inspect", key, "--json").json["encrypted"] is True
    assert adept("token", "inspect", p12, "--json").json["encrypted"] is True
    opened = adept("token", "inspect", p12, "--password-file", password_file, "--json").json
    assert opened["subject"] == "CN=adept tests"
    assert "encrypted          yes" in adept("token", "inspect", key, "--password-file", password_file).out


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n", b'{"a": 1}'], ids=["empty", "text", "image", "JSON"])
def test_inspect_of_anything_else_exits_7(adept: Run, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert adept("token", "inspect", tmp_path / "x").code == 7


def test_no_command_but_decrypt_shows_a_secret(
    adept: Run, p7m: Path, key: Path, p12: Path, password_file: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "token.json"
    plain.write_bytes(TOKEN.to_json())
    broken = tmp_path / "broken.json"
    broken.write_bytes(TOKEN.to_json().replace(b"access_token_expiry", b"access_token_expire"))
    shown = ""
    for words in (
        ("token", "inspect", p7m),
        ("token", "inspect", plain),
        ("token", "inspect", key),
        ("token", "inspect", broken, "--debug"),
        ("token", "inspect", p12, "--password-file", password_file),
        ("token", "decrypt", broken, "--key", key, "--debug"),
        ("apple", "account", "--token", broken, "--debug"),
    ):
        ran = adept(*words)
        shown += ran.out + ran.err
    key_body = keypair().private_key_pem.decode().splitlines()[5]
    assert [secret for secret in (*SECRETS, key_body, PASSWORD.decode()) if secret in shown] == []
