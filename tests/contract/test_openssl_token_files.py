"""openssl makes server token files that we open, and opens those that we make."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from adept.errors import TokenFileError
from adept.protocol.p7m_ciphers import CIPHERS, CipherName
from adept.protocol.p7m_open import describe_p7m, open_server_token, recipients
from adept.protocol.p7m_seal import Form, RecipientBy, inner_text, seal_server_token
from tests.tokens import TOKEN, keypair, other_keypair

OPENSSL_CIPHERS = {"-aes128": "AES-128-CBC", "-aes192": "AES-192-CBC", "-aes256": "AES-256-CBC", "-des3": "3DES-CBC"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Key, certificates and the text to encrypt, as files."""
    (tmp_path / "key.pem").write_bytes(keypair().private_key_pem)
    (tmp_path / "cert.pem").write_bytes(keypair().certificate_pem)
    (tmp_path / "other.pem").write_bytes(other_keypair().certificate_pem)
    (tmp_path / "text").write_bytes(inner_text(TOKEN))
    return tmp_path


def openssl(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True).stdout


def encrypted(folder: Path, command: str, *arguments: str) -> bytes:
    """What openssl writes for our certificate."""
    return openssl(folder, command, "-encrypt", "-in", "text", *arguments, "cert.pem")


@pytest.mark.parametrize("command", ["smime", "cms"])
@pytest.mark.parametrize("cipher", OPENSSL_CIPHERS)
@pytest.mark.parametrize("form", ["SMIME", "PEM", "DER"])
@pytest.mark.parametrize("extra", [[], ["-binary"], ["-stream"], ["-stream", "-binary"]], ids=" ".join)
def test_we_open_what_openssl_makes(folder: Path, command: str, cipher: str, form: str, extra: list[str]) -> None:
    data = encrypted(folder, command, cipher, "-outform", form, *extra)
    assert open_server_token(data, keypair().private_key_pem) == TOKEN
    assert describe_p7m(data).cipher == OPENSSL_CIPHERS[cipher]


@pytest.mark.parametrize("form", ["SMIME", "PEM", "DER"])
@pytest.mark.parametrize("extra", [[], ["-stream"]], ids=" ".join)
def test_we_open_what_openssl_addresses_by_key_identifier(folder: Path, form: str, extra: list[str]) -> None:
    data = encrypted(folder, "cms", "-aes128", "-keyid", "-outform", form, *extra)
    assert recipients(data)[0].key_identifier is not None
    assert open_server_token(data, keypair().private_key_pem) == TOKEN


@pytest.mark.parametrize("command", ["smime", "cms"])
@pytest.mark.parametrize("first", ["cert.pem", "other.pem"])
def test_we_open_what_openssl_makes_for_several(folder: Path, command: str, first: str) -> None:
    second = {"cert.pem": "other.pem", "other.pem": "cert.pem"}[first]
    data = openssl(folder, command, "-encrypt", "-aes128", "-in", "text", first, second)
    assert len(recipients(data)) == 2
    for pair in (keypair(), other_keypair()):
        assert open_server_token(data, pair.private_key_pem) == TOKEN


def test_we_open_a_long_stream_of_many_chunks(folder: Path) -> None:
    (folder / "text").write_bytes(inner_text(TOKEN) + b"\r\n" * 15_000)
    data = encrypted(folder, "cms", "-aes128", "-stream", "-binary", "-outform", "DER")
    assert describe_p7m(data).encoding == "BER"
    assert open_server_token(data, keypair().private_key_pem) == TOKEN


def test_we_name_whom_openssl_encrypted_for(folder: Path) -> None:
    data = openssl(folder, "smime", "-encrypt", "-aes128", "-in", "text", "other.pem")
    told = openssl(folder, "x509", "-in", "other.pem", "-noout", "-serial").decode().strip().removeprefix("serial=")
    with pytest.raises(TokenFileError, match=f"serial number {told.lstrip('0')} issued by 'CN=somebody else'"):
        open_server_token(data, keypair().private_key_pem)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["smime", "-provider", "legacy", "-provider", "default", "-des"], "encrypted with DES"),
        (["smime", "-provider", "legacy", "-provider", "default", "-rc2-40"], "encrypted with RC2"),
        (["cms", "-aes-128-gcm"], "AES-GCM"),
    ],
)
def test_we_name_ciphers_of_openssl_that_we_do_not_read(folder: Path, arguments: list[str], name: str) -> None:
    with pytest.raises(TokenFileError, match=name):
        open_server_token(encrypted(folder, *arguments), keypair().private_key_pem)


def test_we_name_another_way_of_openssl_to_encrypt_the_key(folder: Path) -> None:
    data = openssl(
        folder, *["cms", "-encrypt", "-in", "text", "-aes128", "-recip", "cert.pem", "-keyopt", "rsa_padding_mode:oaep"]
    )
    with pytest.raises(TokenFileError, match="RSA-OAEP"):
        open_server_token(data, keypair().private_key_pem)


def test_we_tell_a_signed_file_from_an_encrypted_one(folder: Path) -> None:
    for form in ("SMIME", "PEM", "DER"):
        data = openssl(
            folder, *f"smime -sign -nodetach -signer cert.pem -inkey key.pem -in text -outform {form}".split()
        )
        with pytest.raises(TokenFileError, match="signed data"):
            open_server_token(data, keypair().private_key_pem)


@pytest.mark.parametrize("command", ["smime", "cms"])
@pytest.mark.parametrize("form", ["ber", "der"])
@pytest.mark.parametrize("cipher", CIPHERS)
def test_openssl_opens_what_we_seal(folder: Path, command: str, form: Form, cipher: CipherName) -> None:
    data = seal_server_token(TOKEN, keypair().certificate_pem, form=form, cipher=cipher)
    assert decrypted(folder, data, command) == inner_text(TOKEN)


@pytest.mark.parametrize("recipient_by", ["issuer", "key-id"])
@pytest.mark.parametrize("form", ["ber", "der"])
def test_openssl_finds_itself_among_the_recipients_we_name(folder: Path, recipient_by: RecipientBy, form: Form) -> None:
    data = seal_server_token(TOKEN, keypair().certificate_pem, form=form, recipient_by=recipient_by)
    assert decrypted(folder, data, "cms", "-recip", "cert.pem") == inner_text(TOKEN)


def decrypted(folder: Path, data: bytes, command: str, *arguments: str) -> bytes:
    (folder / "token.p7m").write_bytes(data)
    return openssl(folder, command, "-decrypt", "-in", "token.p7m", "-inkey", "key.pem", *arguments)


def test_openssl_reads_the_structure_of_apples_example_in_our_file(folder: Path) -> None:
    (folder / "token.p7m").write_bytes(seal_server_token(TOKEN, keypair().certificate_pem))
    printed = openssl(folder, "cms", "-cmsout", "-print", "-noout", "-in", "token.p7m").decode()
    for expected in (
        "contentType: pkcs7-envelopedData (1.2.840.113549.1.7.3)",
        "version: 0",
        "d.ktri:",
        "d.issuerAndSerialNumber:",
        "algorithm: rsaEncryption (1.2.840.113549.1.1.1)",
        "algorithm: aes-128-cbc (2.16.840.1.101.3.4.1.2)",
    ):
        assert expected in printed


def test_the_pipeline_admins_use_by_hand_ends_in_the_same_token(folder: Path) -> None:
    (folder / "token.p7m").write_bytes(seal_server_token(TOKEN, keypair().certificate_pem))
    text = openssl(folder, "smime", "-decrypt", "-in", "token.p7m", "-inkey", "key.pem")
    lines = [line for line in text.decode().splitlines() if line.startswith("{")]
    assert lines == [TOKEN.to_json().decode()]
