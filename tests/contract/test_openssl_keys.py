"""openssl and we read each other's keys, certificates and PKCS#12 files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adept.errors import TokenFileError
from adept.protocol.keypair import encrypt_key, generate_keypair, load_private_key, private_key_pem
from adept.protocol.pkcs12 import open_pkcs12
from tests.tokens import NOW, keypair, other_keypair, with_indefinite_lengths

PASSWORD = "Zauberwörter 7"
KEYCHAIN = ["-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"]
PROTECTIONS = {
    "as Keychain exports": KEYCHAIN,
    "openssl -legacy": [],
    "RC2 of 128 bits": ["-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-40"],
    "3DES": ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"],
    "3DES of two keys": ["-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES"],
    "AES-256 as openssl 3": ["-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-macalg", "sha256"],
    "AES-192": ["-certpbe", "AES-192-CBC", "-keypbe", "AES-192-CBC", "-macalg", "sha512"],
    "AES-128 with many rounds": ["-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC", "-iter", "100000"],
    "nothing encrypted": ["-certpbe", "NONE", "-keypbe", "NONE"],
    "certificate in the clear": ["-certpbe", "NONE", "-keypbe", "AES-256-CBC"],
    "no MAC": ["-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-nomac"],
    "one round": ["-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES", "-noiter", "-nomaciter"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Our key and certificates as files."""
    (tmp_path / "key.pem").write_bytes(keypair().private_key_pem)
    (tmp_path / "cert.pem").write_bytes(keypair().certificate_pem)
    (tmp_path / "chain.pem").write_bytes(other_keypair().certificate_pem)
    return tmp_path


def openssl(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True).stdout


def exported(folder: Path, *arguments: str, password: str = PASSWORD) -> bytes:
    """What openssl exports; -legacy gives it the old ciphers, and is RC2 of 40 bits unless told otherwise."""
    return openssl(
        folder, "pkcs12", "-export", "-legacy", "-inkey", "key.pem", "-in", "cert.pem", "-certfile", "chain.pem",
        "-name", "DEP", "-passout", f"pass:{password}", *arguments,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", PROTECTIONS.values(), ids=PROTECTIONS.keys())
def test_we_read_every_pkcs12_file_of_openssl(folder: Path, arguments: list[str]) -> None:
    data = exported(folder, *arguments)
    assert open_pkcs12(data, PASSWORD.encode()) == keypair()
    assert open_pkcs12(with_indefinite_lengths(data), PASSWORD.encode()) == keypair()


@pytest.mark.parametrize("name", [name for name in PROTECTIONS if name != "nothing encrypted"])
def test_a_wrong_password_for_a_file_of_openssl_is_one_clear_error(folder: Path, name: str) -> None:
    with pytest.raises(TokenFileError, match="wrong password, or the file is damaged"):
        open_pkcs12(exported(folder, *PROTECTIONS[name]), b"abracadabra")


@pytest.mark.parametrize("arguments", [KEYCHAIN, PROTECTIONS["AES-256 as openssl 3"]])
@pytest.mark.parametrize("password", [None, b""])
def test_we_read_a_file_of_openssl_under_an_empty_password(
    folder: Path, arguments: list[str], password: bytes | None
) -> None:
    assert open_pkcs12(exported(folder, *arguments, password=""), password) == keypair()


def test_another_protection_is_refused_by_its_identifier(folder: Path) -> None:
    with pytest.raises(TokenFileError, match=r"1\.2\.840\.113549\.1\.12\.1\.1, which is not read"):
        open_pkcs12(exported(folder, "-certpbe", "PBE-SHA1-RC4-128"), PASSWORD.encode())


def test_keychains_files_are_read_where_openssl_has_no_legacy_provider(folder: Path) -> None:
    (folder / "dep.p12").write_bytes(exported(folder, *KEYCHAIN))
    program = (
        "import sys; from pathlib import Path; from adept.protocol.pkcs12 import open_pkcs12; "
        "pair = open_pkcs12(Path('dep.p12').read_bytes(), sys.argv[1].encode()); "
        "sys.stdout.write(pair.certificate_pem.decode())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, PASSWORD],
        cwd=folder,
        env=os.environ | {"CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.replace(b"\r\n", b"\n") == keypair().certificate_pem


def test_we_write_what_the_lines_admins_use_by_hand_write(folder: Path) -> None:
    (folder / "dep.p12").write_bytes(exported(folder, *KEYCHAIN))
    word = f"pass:{PASSWORD}"
    openssl(
        folder, *["pkcs12", "-legacy", "-in", "dep.p12", "-nocerts", "-nodes", "-out", "theirs.key", "-passin"], word
    )
    openssl(
        folder, *["pkcs12", "-legacy", "-in", "dep.p12", "-clcerts", "-nokeys", "-out", "theirs.cert", "-passin"], word
    )
    ours = open_pkcs12((folder / "dep.p12").read_bytes(), PASSWORD.encode())
    assert private_key_pem(load_private_key((folder / "theirs.key").read_bytes())) == ours.private_key_pem
    assert (folder / "theirs.cert").read_bytes().endswith(ours.certificate_pem)


@pytest.mark.parametrize(
    "arguments",
    [
        "rsa -in key.pem -traditional",
        "rsa -in key.pem -traditional -outform DER",
        "pkcs8 -topk8 -nocrypt -in key.pem",
        "pkcs8 -topk8 -nocrypt -in key.pem -outform DER",
    ],
)
def test_we_read_every_bare_key_of_openssl(folder: Path, arguments: str) -> None:
    assert private_key_pem(load_private_key(openssl(folder, *arguments.split()))) == keypair().private_key_pem


@pytest.mark.parametrize(
    "arguments",
    [
        "rsa -in key.pem -traditional -aes256 -passout",
        "rsa -in key.pem -traditional -des3 -passout",
        "pkcs8 -topk8 -in key.pem -passout",
        "pkcs8 -topk8 -v2 aes-128-cbc -outform DER -in key.pem -passout",
        "pkcs8 -topk8 -v1 PBE-SHA1-3DES -in key.pem -passout",
        "pkcs8 -topk8 -scrypt -in key.pem -passout",
    ],
)
def test_we_read_every_protected_key_of_openssl(folder: Path, arguments: str) -> None:
    data = openssl(folder, *arguments.split(), f"pass:{PASSWORD}")
    assert private_key_pem(load_private_key(data, PASSWORD.encode())) == keypair().private_key_pem
    for wrong in (None, b"abracadabra"):
        with pytest.raises(TokenFileError, match="password"):
            load_private_key(data, wrong)


def test_openssl_reads_the_key_we_protect(folder: Path) -> None:
    (folder / "protected.pem").write_bytes(encrypt_key(keypair().private_key_pem, PASSWORD.encode()))
    told = openssl(folder, "pkey", "-in", "protected.pem", "-passin", f"pass:{PASSWORD}", "-pubout")
    assert told == openssl(folder, "x509", "-in", "cert.pem", "-noout", "-pubkey")


@pytest.mark.parametrize("key_size", [2048, 3072, 4096])
def test_openssl_finds_our_certificate_sound(folder: Path, key_size: int) -> None:
    pair = generate_keypair("COMMANDMENT-DEP", days=3, now=NOW, key_size=key_size)
    (folder / "made.pem").write_bytes(pair.certificate_pem)
    at = str(int(NOW.timestamp()))
    assert b"made.pem: OK" in openssl(
        folder, "verify", "-x509_strict", "-attime", at, "-CAfile", "made.pem", "made.pem"
    )
    printed = openssl(folder, "x509", "-in", "made.pem", "-noout", "-text").decode()
    for expected in ("CN = COMMANDMENT-DEP", f"({key_size} bit)", "Digital Signature, Key Encipherment", "CA:FALSE"):
        assert expected in printed
