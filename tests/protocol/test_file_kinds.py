"""Telling what a file is."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.file_kinds import FileKind, kind_of
from adept.protocol.keypair import encrypt_key, load_certificate
from adept.protocol.p7m_seal import inner_text, seal, seal_server_token
from tests.tokens import TOKEN, keypair, private_key

CERTIFICATE = load_certificate(keypair().certificate_pem)
REQUEST = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(private_key(), hashes.SHA256())
PKCS12 = pkcs12.serialize_key_and_certificates(None, private_key(), CERTIFICATE, None, NoEncryption())
PKCS1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8
MESSAGE = seal(b"text", [CERTIFICATE])


def under_a_password(form: PrivateFormat) -> bytes:
    return private_key().private_bytes(Encoding.DER, form, serialization.BestAvailableEncryption(b"password"))


KINDS = [
    (seal_server_token(TOKEN, CERTIFICATE), FileKind.SEALED),
    (MESSAGE, FileKind.SEALED),
    (seal(b"text", [CERTIFICATE], form="der"), FileKind.SEALED),
    (base64.encodebytes(MESSAGE), FileKind.SEALED),
    (b"-----BEGIN PKCS7-----\n", FileKind.SEALED),
    (b"-----BEGIN CMS-----\n", FileKind.SEALED),
    (TOKEN.to_json(), FileKind.DECRYPTED),
    (inner_text(TOKEN), FileKind.DECRYPTED),
    (b"-----BEGIN MESSAGE-----\n" + TOKEN.to_json(), FileKind.DECRYPTED),
    (b"\xef\xbb\xbf\n[1]", FileKind.JSON),
    (b"{}", FileKind.JSON),
    (keypair().certificate_pem, FileKind.CERTIFICATE),
    (b"-----BEGIN TRUSTED CERTIFICATE-----\n", FileKind.CERTIFICATE),
    (CERTIFICATE.public_bytes(Encoding.DER), FileKind.CERTIFICATE),
    (base64.encodebytes(CERTIFICATE.public_bytes(Encoding.DER)), FileKind.CERTIFICATE),
    (REQUEST.public_bytes(Encoding.PEM), FileKind.CERTIFICATE_REQUEST),
    (REQUEST.public_bytes(Encoding.DER), FileKind.CERTIFICATE_REQUEST),
    (keypair().private_key_pem, FileKind.PRIVATE_KEY),
    (encrypt_key(keypair().private_key_pem, b"password"), FileKind.PRIVATE_KEY),
    (private_key().private_bytes(Encoding.PEM, PKCS1, NoEncryption()), FileKind.PRIVATE_KEY),
    (private_key().private_bytes(Encoding.DER, PKCS1, NoEncryption()), FileKind.PRIVATE_KEY),
    (private_key().private_bytes(Encoding.DER, PKCS8, NoEncryption()), FileKind.PRIVATE_KEY),
    (under_a_password(PKCS8), FileKind.PRIVATE_KEY),
    (bytes.fromhex("308203a0301c060a2a864886f70d010c0103"), FileKind.PRIVATE_KEY),
    (private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), FileKind.PUBLIC_KEY),
    (private_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), FileKind.PUBLIC_KEY),
    (PKCS12, FileKind.PKCS12),
    (bytes.fromhex("3080020103"), FileKind.PKCS12),
    (bytes.fromhex("308006092a864886f70d010702"), FileKind.SIGNED),
    (b"Content-Type: application/pkcs7-mime; smime-type=signed-data\n\n", FileKind.SIGNED),
    (bytes.fromhex("3080060b2a864886f70d0109100117"), FileKind.AUTHENTICATED),
    (bytes.fromhex("308006092a864886f70d010706"), FileKind.OTHER_CMS),
    (b"\x89PNG\r\n\x1a\n", FileKind.IMAGE),
    (b"GIF89a", FileKind.IMAGE),
    (b"\xff\xd8\xff\xe1", FileKind.IMAGE),
    (b"%PDF-1.4", FileKind.PDF),
    (b"PK\x03\x04", FileKind.ZIP),
    (b"bplist00", FileKind.PROPERTY_LIST),
    (b"<?xml version='1.0'?>", FileKind.WEB_PAGE),
]
UNKNOWN = [
    b"",
    b"0",
    b"0\x80",
    b"0\x82",
    b"0\x82\x01\x00\x30",
    b"0\x80\x30\x80\x31",
    b"MI",
    b"MI!!",
    b"Mixed pickles",
    b"Subject: hello\n\n",
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN",
    b"nonsense",
    ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PKCS1, NoEncryption()),
]


@pytest.mark.parametrize(("data", "kind"), KINDS)
def test_a_file_is_known_by_its_beginning(data: bytes, kind: FileKind) -> None:
    assert kind_of(data) is kind


@pytest.mark.parametrize("data", UNKNOWN)
def test_what_says_nothing_is_called_nothing(data: bytes) -> None:
    assert kind_of(data) is None


@given(
    st.binary(max_size=100), st.sampled_from([b"", b"0\x80", b"0\x82", b"MI", b"-----BEGIN ", b"A:", b"\xef\xbb\xbf"])
)
def test_any_bytes_have_a_kind_or_none(data: bytes, start: bytes) -> None:
    kind_of(start + data)
