"""DEPy's pipeline of three openssl lines, run beside the commands that take its place.

openssl pkcs12 -in x.p12 -clcerts -nokeys -out cert.pem
openssl pkcs12 -in x.p12 -nocerts -nodes -out key.pem
openssl smime -decrypt -in token.p7m -inkey key.pem -recip cert.pem  … the JSON between the markers
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from adept.cli.main import main
from adept.protocol.keypair import load_certificate, load_private_key
from adept.protocol.p7m_seal import seal_server_token
from tests.tokens import TOKEN, keypair

PASSWORD = "correct horse"
PROTECTIONS = {
    "as openssl 3 writes it": (),
    "as Keychain writes it": ("-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
    "3DES for both": ("-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
}


def openssl(*words: object) -> bytes:
    return subprocess.run(["openssl", *map(str, words)], capture_output=True, check=True).stdout


@pytest.fixture(params=PROTECTIONS.values(), ids=list(PROTECTIONS))
def p12(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "made.pem").write_bytes(keypair().private_key_pem + keypair().certificate_pem)
    file = tmp_path / "x.p12"
    openssl(
        "pkcs12", "-export", "-in", tmp_path / "made.pem", "-out", file, "-passout", f"pass:{PASSWORD}", *request.param
    )
    return file


def extracted_by_openssl(p12: Path, folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "openssl-cert.pem", folder / "openssl-key.pem"
    line = ("pkcs12", "-legacy", "-in", p12, "-passin", f"pass:{PASSWORD}")
    openssl(*line, "-clcerts", "-nokeys", "-out", cert)
    openssl(*line, "-nocerts", "-nodes", "-out", key)
    return cert, key


def extracted_by_adept(p12: Path, folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "adept-cert.pem", folder / "adept-key.pem"
    (folder / "password").write_text(PASSWORD)
    words = ("--cert-out", cert, "--key-out", key, "--password-file", folder / "password")
    assert main(["token", "from-p12", str(p12), *map(str, words)]) == 0
    return cert, key


def pem_blocks(path: Path) -> list[bytes]:
    return re.findall(rb"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", path.read_bytes(), re.DOTALL)


def test_from_p12_writes_what_the_first_two_lines_write(p12: Path, tmp_path: Path) -> None:
    their_cert, their_key = extracted_by_openssl(p12, tmp_path)
    our_cert, our_key = extracted_by_adept(p12, tmp_path)
    assert pem_blocks(our_cert) == pem_blocks(their_cert)
    assert pem_blocks(our_key) == pem_blocks(their_key)
    digests = {load_certificate(path.read_bytes()).fingerprint(hashes.SHA256()) for path in (our_cert, their_cert)}
    assert len(digests) == 1
    assert (
        load_private_key(our_key.read_bytes()).private_numbers()
        == load_private_key(their_key.read_bytes()).private_numbers()
    )
    assert os.name != "posix" or our_key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("form", ["ber", "der"])
def test_decrypt_prints_what_the_third_line_ends_in(
    p12: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], form: str
) -> None:
    cert, key = extracted_by_openssl(p12, tmp_path)
    p7m = tmp_path / "token.p7m"
    p7m.write_bytes(seal_server_token(TOKEN, cert.read_bytes(), form="ber" if form == "ber" else "der"))
    decrypted = openssl("smime", "-decrypt", "-in", p7m, "-inkey", key, "-recip", cert)
    found = re.search(rb"-----BEGIN MESSAGE-----(.*)-----END MESSAGE-----", decrypted, re.DOTALL)
    assert found is not None
    for words in (("--key", key), ("--p12", p12, "--password-file", tmp_path / "password")):
        (tmp_path / "password").write_text(PASSWORD)
        capsysbinary.readouterr()
        assert main(["token", "decrypt", str(p7m), *map(str, words)]) == 0
        printed = capsysbinary.readouterr().out
        assert json.loads(printed) == json.loads(found[1].replace(b"\r\n", b"").replace(b"\n", b""))
        assert b"".join(printed.split()) == b"".join(found[1].split())


def test_a_keypair_of_ours_goes_through_openssls_third_line(tmp_path: Path) -> None:
    cert, key, p7m = tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "token.p7m"
    assert main(["token", "keypair", "--cert", str(cert), "--key", str(key)]) == 0
    p7m.write_bytes(seal_server_token(TOKEN, cert.read_bytes()))
    assert TOKEN.consumer_key.encode() in openssl("smime", "-decrypt", "-in", p7m, "-inkey", key, "-recip", cert)
