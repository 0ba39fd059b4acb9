"""Making and reading keys and certificates."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from adept.errors import Misuse, TokenFileError
from adept.protocol.keypair import (
    certificate_matches,
    encrypt_key,
    generate_keypair,
    load_certificate,
    load_private_key,
    private_key_pem,
)
from adept.protocol.p7m_seal import seal_server_token
from tests.tokens import NOW, TOKEN, keypair, other_keypair, private_key

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS1, PKCS8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
BARE = serialization.NoEncryption()


def same_key(data: bytes, password: bytes | None = None) -> bool:
    return load_private_key(data, password).private_numbers() == private_key().private_numbers()


def an_elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_the_certificate_is_what_apples_portal_wants() -> None:
    certificate = x509.load_pem_x509_certificate(keypair().certificate_pem)
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=adept tests"
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=10)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_encipherment
    assert usage.digital_signature
    assert not usage.key_cert_sign
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    public_key = certificate.public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    assert public_key.key_size == 2048
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    certificate.verify_directly_issued_by(certificate)


def test_every_certificate_has_a_serial_number_of_its_own() -> None:
    numbers = {load_certificate(pair.certificate_pem).serial_number for pair in (keypair(), other_keypair())}
    assert len(numbers) == 2


def test_name_life_and_size_can_be_chosen() -> None:
    pair = generate_keypair("Größe 東京", days=1, now=NOW, key_size=3072)
    certificate = load_certificate(pair.certificate_pem)
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "Größe 東京"
    assert certificate.not_valid_after_utc == NOW + timedelta(days=1)
    assert load_private_key(pair.private_key_pem).key_size == 3072


def test_without_a_time_the_certificate_is_valid_at_once() -> None:
    certificate = load_certificate(generate_keypair().certificate_pem)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=365, minutes=10)


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_a_name_that_x509_cannot_hold_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(Misuse, match="1 to 64 characters"):
        generate_keypair(name, now=NOW)


@pytest.mark.parametrize("days", [0, -1, 36501, 10**9])
def test_days_that_fit_no_calendar_are_the_callers_mistake(days: int) -> None:
    with pytest.raises(Misuse, match="1 to 36500 days"):
        generate_keypair(days=days, now=NOW)


@pytest.mark.parametrize("size", [0, 512, 1024, 2047, 16384])
def test_sizes_apple_would_refuse_or_nobody_waits_for_are_the_callers_mistake(size: int) -> None:
    with pytest.raises(Misuse, match="2048, 3072, 4096"):
        generate_keypair(key_size=size, now=NOW)


@pytest.mark.parametrize(
    "data",
    [
        private_key().private_bytes(PEM, PKCS1, BARE),
        private_key().private_bytes(PEM, PKCS8, BARE),
        private_key().private_bytes(DER, PKCS1, BARE),
        private_key().private_bytes(DER, PKCS8, BARE),
        keypair().private_key_pem.replace(b"\n", b"\r\n"),
        b"Bag Attributes\n    friendlyName: DEP\nKey Attributes: <No Attributes>\n" + keypair().private_key_pem,
        keypair().certificate_pem + keypair().private_key_pem,
    ],
)
def test_a_key_is_read_in_every_common_form(data: bytes) -> None:
    assert same_key(data)


@pytest.mark.parametrize("form", [PKCS1, PKCS8])
def test_a_protected_key_needs_its_password(form: serialization.PrivateFormat) -> None:
    protected = private_key().private_bytes(PEM, form, serialization.BestAvailableEncryption(b"open sesame"))
    assert same_key(protected, b"open sesame")
    with pytest.raises(TokenFileError, match="its password is needed"):
        load_private_key(protected)
    with pytest.raises(TokenFileError, match="wrong password"):
        load_private_key(protected, b"open barley")


def test_a_protected_key_in_der_needs_its_password_too() -> None:
    protected = private_key().private_bytes(DER, PKCS8, serialization.BestAvailableEncryption(b"open sesame"))
    assert same_key(protected, b"open sesame")
    with pytest.raises(TokenFileError, match="its password is needed"):
        load_private_key(protected)
    with pytest.raises(TokenFileError, match="wrong password"):
        load_private_key(protected, b"open barley")


def test_a_password_nobody_asked_for_is_ignored() -> None:
    assert same_key(keypair().private_key_pem, b"needless")


def test_a_key_is_written_under_a_password() -> None:
    protected = encrypt_key(keypair().private_key_pem, b"open sesame")
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in protected
    assert same_key(protected, b"open sesame")
    assert private_key_pem(load_private_key(protected, b"open sesame")) == keypair().private_key_pem


def test_an_empty_password_is_the_callers_mistake() -> None:
    with pytest.raises(Misuse, match="empty password"):
        encrypt_key(keypair().private_key_pem, b"")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"nonsense", "damaged or of a kind we don't know"),
        (keypair().private_key_pem[:600], "damaged"),
        (keypair().certificate_pem, "this is a certificate"),
        (load_certificate(keypair().certificate_pem).public_bytes(DER), "this is a certificate"),
        (seal_server_token(TOKEN, keypair().certificate_pem), "an encrypted server token"),
        (TOKEN.to_json(), "a decrypted server token"),
        (an_elliptic_key().private_bytes(PEM, PKCS8, BARE), "not an RSA key"),
        (b"A" * 70_000, "larger than 64 KB"),
    ],
)
def test_what_is_no_rsa_key_is_told_so(data: bytes, complaint: str) -> None:
    with pytest.raises(TokenFileError, match=complaint):
        load_private_key(data)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (b"nonsense", "damaged or of a kind we don't know"),
        (keypair().certificate_pem[:600], "damaged"),
        (keypair().private_key_pem, "this is a private key"),
        (TOKEN.to_json(), "a decrypted server token"),
        (b"A" * 70_000, "larger than 64 KB"),
    ],
)
def test_what_is_no_certificate_is_told_so(data: bytes, complaint: str) -> None:
    with pytest.raises(TokenFileError, match=complaint):
        load_certificate(data)


def test_a_certificate_is_read_in_pem_and_der_and_after_other_text() -> None:
    certificate = load_certificate(keypair().certificate_pem)
    assert load_certificate(certificate.public_bytes(DER)) == certificate
    assert load_certificate(b"Bag Attributes\n  localKeyID: 01\n" + keypair().certificate_pem) == certificate
    assert load_certificate(keypair().private_key_pem + keypair().certificate_pem) == certificate


def test_a_certificate_matches_its_own_key_only() -> None:
    assert certificate_matches(keypair().certificate_pem, keypair().private_key_pem)
    assert certificate_matches(load_certificate(keypair().certificate_pem), private_key())
    assert not certificate_matches(other_keypair().certificate_pem, keypair().private_key_pem)


def test_a_certificate_whose_key_is_not_rsa_or_cannot_be_read_matches_nothing() -> None:
    der = load_certificate(keypair().certificate_pem).public_bytes(DER)
    other_algorithm = der.replace(bytes.fromhex("06092a864886f70d010101"), bytes.fromhex("06092a864886f70d010163"))
    no_number_inside = der.replace(b"\x30\x82\x01\x0a\x02\x82", b"\x30\x82\x01\x0a\x05\x82")
    for spoilt in (other_algorithm, no_number_inside):
        assert spoilt != der
        with pytest.raises(TokenFileError, match="not an RSA key"):
            certificate_matches(spoilt, private_key())


def test_no_printed_form_shows_the_private_key() -> None:
    line = keypair().private_key_pem.splitlines()[3].decode()
    for form in (repr(keypair()), str(keypair()), pretty_repr([keypair()])):
        assert line not in form
        assert "hidden" in form


@given(st.binary(max_size=200), st.none() | st.binary(max_size=8))
def test_any_bytes_are_refused_as_key_and_certificate(data: bytes, password: bytes | None) -> None:
    with pytest.raises(TokenFileError):
        load_private_key(data, password)
    with pytest.raises(TokenFileError):
        load_certificate(data)


@settings(max_examples=25)  # cryptography proves the primes of each, which takes its time
@given(st.integers(0, 10_000), st.integers(0, 255), st.booleans())
def test_a_mutated_key_is_a_key_or_refused(place: int, value: int, der: bool) -> None:
    data = bytearray(private_key().private_bytes(DER, PKCS8, BARE) if der else keypair().private_key_pem)
    data[place % len(data)] = value
    with contextlib.suppress(TokenFileError):
        load_private_key(bytes(data))
