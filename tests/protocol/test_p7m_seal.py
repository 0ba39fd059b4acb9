"""Sealing server tokens as Apple's portal does."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import Misuse, TokenFileError
from adept.protocol.keypair import load_certificate
from adept.protocol.p7m_ciphers import CIPHERS, CipherName
from adept.protocol.p7m_open import open_server_token, recipients
from adept.protocol.p7m_seal import Form, inner_text, seal, seal_server_token
from tests.tokens import NOW, TOKEN, keypair, private_key

ENCRYPTED_KEY_BYTES = 256


def counting() -> Callable[[int], bytes]:
    """Random bytes that aren't: 0, 1, 2, …"""
    numbers = itertools.count()
    return lambda size: bytes(next(numbers) % 256 for _ in range(size))


def without_encrypted_key(message: bytes) -> bytes:
    """The parts that don't differ each time."""
    at = message.index(b"\x04\x82\x01\x00") + 4
    return message[:at] + message[at + ENCRYPTED_KEY_BYTES :]


def a_certificate(*, elliptic: bool = False, identifier: bytes | None = None) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1()) if elliptic else private_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "depserver")]))
        .serial_number(2)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .public_key(key.public_key())
    )
    if identifier:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(identifier), critical=False)
    return builder.sign(key, hashes.SHA256())


def test_the_file_has_apples_four_headers_and_base64_in_lines_of_76() -> None:
    head, _, body = seal_server_token(TOKEN, keypair().certificate_pem).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data',
        b"Content-Transfer-Encoding: base64",
        b'Content-Disposition: attachment; filename="smime.p7m"',
        b"Content-Description: S/MIME Encrypted Message",
    ]
    *full, last, end = body.split(b"\r\n")
    assert {len(line) for line in full} == {76}
    assert 0 < len(last) <= 76
    assert end == b""
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_the_message_begins_and_ends_as_apples_do() -> None:
    body = seal_server_token(TOKEN, keypair().certificate_pem).partition(b"\r\n\r\n")[2].replace(b"\r\n", b"")
    assert body.startswith(b"MIAGCSqGSIb3DQEHA6CAMIACAQAxgg")
    assert base64.b64decode(body).endswith(b"\x00" * 10)


def test_indefinite_lengths_go_down_to_the_content_and_stop_at_the_recipients() -> None:
    message = seal(b"x" * 100, [a_certificate()], random_bytes=counting())
    recipient = (
        "30820131020100"  # version 0
        "301930143112301006035504030c0964657073657276657202"
        "0102"  # issuer and serial number
        "300d06092a864886f70d0101010500"  # rsaEncryption, NULL
        "04820100"
    )
    assert (
        without_encrypted_key(message)
        .hex()
        .startswith(
            "3080"
            "06092a864886f70d010703a080"  # envelopedData
            "3080020100"
            "31820135" + recipient + "3080"
            "06092a864886f70d010701"  # data
            "301d0609608648016503040102"  # AES-128-CBC
            "0410101112131415161718191a1b1c1d1e1f"
            "a0800470"
        )
    )


def test_the_der_form_states_every_length() -> None:
    message = seal(b"x" * 100, [a_certificate()], form="der")
    assert message[1] == 0x82
    assert int.from_bytes(message[2:4], "big") == len(message) - 4
    assert message[-114:-112] == b"\x80\x70"


def test_all_but_the_encrypted_key_follows_from_the_random_bytes_given() -> None:
    for form, cipher in itertools.product(("ber", "der"), CIPHERS):
        once, again = (
            seal(b"text", [a_certificate()], form=form, cipher=cipher, random_bytes=counting())  # type: ignore[arg-type]  # product forgets the literals
            for _ in range(2)
        )
        assert without_encrypted_key(once) == without_encrypted_key(again)
        assert once != again


def test_two_files_for_one_token_have_nothing_secret_in_common() -> None:
    files = [seal(b"text" * 100, [a_certificate()], form="der") for _ in range(2)]
    assert files[0][-400:] != files[1][-400:]


def test_content_comes_in_chunks_of_a_thousand_bytes() -> None:
    message = seal(b"x" * 2500, [a_certificate()])
    content = message[message.rindex(b"\xa0\x80\x04\x82\x03\xe8") + 2 :]
    assert content[:4] == content[1004:1008] == b"\x04\x82\x03\xe8"
    assert content[2008:2012] == b"\x04\x82\x02\x00"


def test_the_inner_text_has_headers_and_marker_lines() -> None:
    assert inner_text(TOKEN) == (
        b"Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        b"-----BEGIN MESSAGE-----\r\n" + TOKEN.to_json() + b"\r\n-----END MESSAGE-----\r\n"
    )


def test_a_certificate_is_taken_as_pem_as_der_and_as_it_is() -> None:
    certificate = load_certificate(keypair().certificate_pem)
    for given_as in (keypair().certificate_pem, certificate.public_bytes(Encoding.DER), certificate):
        assert open_server_token(seal_server_token(TOKEN, given_as), private_key()) == TOKEN


def test_the_key_identifier_is_the_certificates_own_where_it_has_one() -> None:
    (named,) = recipients(seal_server_token(TOKEN, a_certificate(identifier=b"mine"), recipient_by="key-id"))
    assert named.key_identifier == b"mine"
    (unnamed,) = recipients(seal_server_token(TOKEN, a_certificate(), recipient_by="key-id"))
    assert unnamed.key_identifier == x509.SubjectKeyIdentifier.from_public_key(private_key().public_key()).digest


def test_an_identifier_of_the_certificate_that_cannot_be_read_is_made_anew() -> None:
    der = a_certificate(identifier=b"mine").public_bytes(Encoding.DER)
    spoilt = der.replace(b"\x04\x04mine", b"\x05\x04mine")
    assert spoilt != der
    (recipient,) = recipients(seal_server_token(TOKEN, spoilt, recipient_by="key-id"))
    assert recipient.key_identifier == x509.SubjectKeyIdentifier.from_public_key(private_key().public_key()).digest


def test_a_certificate_that_is_not_rsa_is_refused() -> None:
    with pytest.raises(TokenFileError, match="not an RSA key"):
        seal_server_token(TOKEN, a_certificate(elliptic=True))


@pytest.mark.parametrize("words", [{"form": "json"}, {"cipher": "aes512"}, {"recipient_by": "name"}])
def test_a_form_that_does_not_exist_is_the_callers_mistake(words: dict[str, Any]) -> None:
    with pytest.raises(Misuse, match="can't be sealed as"):
        seal_server_token(TOKEN, keypair().certificate_pem, **words)


def test_a_file_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(TokenFileError, match="this is a private key"):
        seal_server_token(TOKEN, keypair().private_key_pem)


@given(
    st.sampled_from(["ber", "der"]),
    st.sampled_from(list(CIPHERS)),
    st.text(min_size=1, max_size=400).filter(lambda text: bool(text.strip())),
    st.integers(1, 2000),
)
def test_what_was_sealed_is_opened(form: Form, cipher: CipherName, secret: str, chunk_bytes: int) -> None:
    token = TOKEN.__class__(
        consumer_key=secret,
        consumer_secret=secret,
        access_token="a",
        access_secret="b",
        access_token_expiry=TOKEN.access_token_expiry,
    )
    message = seal(inner_text(token), [keypair().certificate_pem], form=form, cipher=cipher, chunk_bytes=chunk_bytes)
    assert open_server_token(message, private_key()) == token
