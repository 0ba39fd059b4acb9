"""Reading PKCS#12 files."""

from __future__ import annotations

import base64
import contextlib
import time
import traceback
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import TokenFileError
from adept.protocol.keypair import Keypair, load_certificate
from adept.protocol.p7m_seal import seal_server_token
from adept.protocol.pbe import MAXIMUM_ITERATIONS, Effort
from adept.protocol.pkcs12 import open_pkcs12
from tests.tokens import NOW, TOKEN, keypair, other_keypair, private_key, with_indefinite_lengths

PASSWORD = "Passwört 🔑".encode()
TRIPLE_DES = pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC
AES = pkcs12.PBES.PBESv2SHA256AndAES256CBC
CERTIFICATE = load_certificate(keypair().certificate_pem)
OTHER = load_certificate(other_keypair().certificate_pem)


def protection(
    scheme: pkcs12.PBES, mac: hashes.HashAlgorithm, password: bytes = PASSWORD, rounds: int = 10
) -> KeySerializationEncryption:
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(rounds).key_cert_algorithm(scheme).hmac_hash(mac)
    return builder.build(password)


@cache
def made(scheme: pkcs12.PBES = TRIPLE_DES, rounds: int = 10, password: bytes = PASSWORD) -> bytes:
    encryption = protection(scheme, hashes.SHA1(), password, rounds)
    return pkcs12.serialize_key_and_certificates(b"DEP", private_key(), CERTIFICATE, None, encryption)


def without_mac(data: bytes) -> bytes:
    """The file without its MAC, which would keep changes from what lies behind it; with indefinite lengths around."""
    outer = with_indefinite_lengths(data, chunk_bytes=10**6)
    return outer[: outer.rindex(b"\x30\x80\x30\x80\x30")] + b"\0\0"


def unsealed(scheme: pkcs12.PBES, *, rounds: int = 10) -> bytes:
    """The same of an encrypted file, with indefinite lengths inside too."""
    outer = without_mac(made(scheme, rounds))
    at = outer.index(b"\x04\x82")
    size = int.from_bytes(outer[at + 2 : at + 4], "big")
    inside = with_indefinite_lengths(outer[at + 4 : at + 4 + size], chunk_bytes=10**6)
    return outer[: at + 2] + len(inside).to_bytes(2, "big") + inside + outer[at + 4 + size :]


BARE = without_mac(pkcs12.serialize_key_and_certificates(None, private_key(), CERTIFICATE, None, NoEncryption()))


def refusal(data: bytes, password: bytes | None = PASSWORD) -> str:
    with pytest.raises(TokenFileError) as caught:
        open_pkcs12(data, password)
    return str(caught.value)


@pytest.mark.parametrize("scheme", [TRIPLE_DES, AES])
@pytest.mark.parametrize("mac", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_key_and_certificate_are_read_under_every_scheme_and_mac(
    scheme: pkcs12.PBES, mac: hashes.HashAlgorithm
) -> None:
    encryption = protection(scheme, mac)
    data = pkcs12.serialize_key_and_certificates(b"DEP", private_key(), CERTIFICATE, None, encryption)
    assert open_pkcs12(data, PASSWORD) == keypair()


@pytest.mark.parametrize("password", [b"a", b"with blanks ", "日本語".encode(), b"x" * 200])
def test_passwords_of_all_kinds_fit(password: bytes) -> None:
    assert open_pkcs12(made(AES, password=password), password) == keypair()


def test_a_password_is_text_in_utf8_or_else_latin_1() -> None:
    # What is not UTF-8 is taken as Latin-1, as OpenSSL does.
    assert open_pkcs12(made(TRIPLE_DES, password="café".encode()), "café".encode("latin-1")) == keypair()


@pytest.mark.parametrize("password", [None, b""])
def test_a_file_without_a_password_is_read_with_none_and_an_empty_one(password: bytes | None) -> None:
    data = pkcs12.serialize_key_and_certificates(None, private_key(), CERTIFICATE, None, NoEncryption())
    assert open_pkcs12(data, password) == keypair()


def test_of_a_chain_only_the_keys_own_certificate_is_given() -> None:
    data = pkcs12.serialize_key_and_certificates(
        b"DEP", private_key(), CERTIFICATE, [OTHER], protection(AES, hashes.SHA1())
    )
    assert open_pkcs12(data, PASSWORD) == keypair()


@pytest.mark.parametrize("scheme", [TRIPLE_DES, AES])
@pytest.mark.parametrize("chunk_bytes", [16, 100])
def test_indefinite_lengths_and_chunks_are_read(scheme: pkcs12.PBES, chunk_bytes: int) -> None:
    assert open_pkcs12(with_indefinite_lengths(made(scheme), chunk_bytes=chunk_bytes), PASSWORD) == keypair()


@pytest.mark.parametrize("scheme", [TRIPLE_DES, AES])
@pytest.mark.parametrize("password", [None, b"", b"barley", PASSWORD + b" "])
def test_a_wrong_password_is_one_clear_error(scheme: pkcs12.PBES, password: bytes | None) -> None:
    message = refusal(made(scheme), password)
    assert message.startswith("the PKCS#12 file can't be opened: wrong password, or the file is damaged")
    if password:
        assert password.decode() not in message


def test_a_file_without_a_certificate_for_its_key_is_told_so() -> None:
    for certificate in (None, OTHER):
        others = [certificate] if certificate else None
        data = pkcs12.serialize_key_and_certificates(None, private_key(), None, others, protection(AES, hashes.SHA1()))
        assert "holds no certificate for its private key" in refusal(data)


def test_a_file_without_a_key_is_told_so() -> None:
    data = pkcs12.serialize_key_and_certificates(None, None, CERTIFICATE, None, protection(AES, hashes.SHA1()))
    assert "holds no RSA private key" in refusal(data)


def test_a_file_with_an_elliptic_key_is_told_to_have_no_rsa_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .public_key(key.public_key())
        .sign(key, hashes.SHA256())
    )
    data = pkcs12.serialize_key_and_certificates(None, key, certificate, None, protection(AES, hashes.SHA1()))
    assert "holds no RSA private key" in refusal(data)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is empty"),
        (b"nonsense", "not a PKCS#12 file"),
        (keypair().certificate_pem, "this is a certificate"),
        (CERTIFICATE.public_bytes(Encoding.DER), "this is a certificate"),
        (keypair().private_key_pem, "this is a private key"),
        (seal_server_token(TOKEN, CERTIFICATE), "an encrypted server token"),
        (b"\x30\x82" + bytes(300_000), "300,002 bytes"),
        (made()[:1000], "damaged or cut short"),
        (b"\x30\x80\x02\x01\x03" + b"\x30\x80" * 32_000, "damaged or cut short"),
    ],
)
def test_what_is_no_pkcs12_file_is_told_so(data: bytes, complaint: str) -> None:
    assert complaint in refusal(data)


def test_a_tampered_file_is_refused_by_its_mac() -> None:
    data = bytearray(made())
    data[len(data) // 2] ^= 1
    assert "wrong password, or the file is damaged" in refusal(bytes(data))


@pytest.mark.parametrize("rounds", [MAXIMUM_ITERATIONS + 1, 2**31 - 1, 2**62, 0, -1])
def test_a_mac_that_would_keep_us_busy_for_hours_is_refused_at_once(rounds: int) -> None:
    octets = rounds.to_bytes(rounds.bit_length() // 8 + 1, "big", signed=True)
    data = with_indefinite_lengths(made())
    assert data.endswith(b"\x02\x02\x08\x00" + bytes(4))
    assert "4,000,000 rounds" in refusal(data[:-8] + bytes([2, len(octets)]) + octets + bytes(4))


@pytest.mark.parametrize(("scheme", "rounds"), [(TRIPLE_DES, 8_000_000), (AES, 2**31 - 1), (AES, 2**32 - 1)])
def test_encryption_that_would_keep_us_busy_for_hours_is_refused_at_once(scheme: pkcs12.PBES, rounds: int) -> None:
    stated, octets = (70_000).to_bytes(3, "big"), rounds.to_bytes((rounds.bit_length() + 8) // 8, "big")
    data = unsealed(scheme, rounds=70_000)
    assert data.count(b"\x02\x03" + stated) == 2
    at = data.index(b"\x02\x03" + stated)
    growth = len(octets) - 3
    longer = data[:at] + bytes([2, len(octets)]) + octets + data[at + 5 :]
    assert "4,000,000 rounds" in refusal(_grown(longer, growth))


def _grown(data: bytes, growth: int) -> bytes:
    """The file with its one stated length, that of the content's OCTET STRING, put right."""
    at = data.index(b"\x04\x82")
    size = int.from_bytes(data[at + 2 : at + 4], "big") + growth
    return data[: at + 2] + size.to_bytes(2, "big") + data[at + 4 :]


def test_all_derivations_of_a_file_share_one_allowance() -> None:
    effort = Effort(100)
    effort.spend(60)
    with pytest.raises(TokenFileError, match="rounds of key derivation"):
        effort.spend(41)
    effort.spend(40)


def test_a_large_but_usual_number_of_rounds_is_borne() -> None:
    assert open_pkcs12(made(AES, rounds=200_000), PASSWORD) == keypair()


def test_base64_is_read_too() -> None:
    assert open_pkcs12(base64.encodebytes(made()), PASSWORD) == keypair()


@pytest.mark.parametrize(
    ("file", "password"),
    [
        (made(AES), b"hush-hush"),
        (made(AES)[:-40], PASSWORD),
        (BARE.replace(bytes.fromhex("02820101"), bytes.fromhex("05820101")), PASSWORD),
        (BARE.replace(b"\x02\x03\x01\x00\x01", b"\x02\x03\x00\x00\x01"), PASSWORD),
    ],
)
def test_no_error_shows_key_or_password(file: bytes, password: bytes) -> None:
    numbers = private_key().private_numbers()
    with pytest.raises(TokenFileError) as caught:
        open_pkcs12(file, password)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__)
    assert "hush" not in told
    assert PASSWORD.decode() not in told
    for number in (numbers.d, numbers.p):
        assert f"{number:x}"[:32] not in told
        assert str(number)[:32] not in told


def gives_a_keypair_or_an_error_quickly(data: bytes) -> None:
    began_s = time.process_time()  # of CPU: a busy machine doesn't count
    with contextlib.suppress(TokenFileError):
        assert isinstance(open_pkcs12(data, PASSWORD), Keypair)
    assert time.process_time() - began_s < 20


@given(st.binary(max_size=1000))
def test_any_bytes_give_a_keypair_or_a_token_file_error(data: bytes) -> None:
    gives_a_keypair_or_an_error_quickly(data)
    gives_a_keypair_or_an_error_quickly(b"\x30\x82\x02\x00\x02\x01\x03" + data)
    gives_a_keypair_or_an_error_quickly(b"\x30\x80\x02\x01\x03" + data)


@pytest.mark.parametrize("scheme", [TRIPLE_DES, AES])
def test_a_file_without_a_mac_is_read_and_a_wrong_password_told(scheme: pkcs12.PBES) -> None:
    assert open_pkcs12(unsealed(scheme), PASSWORD) == keypair()
    assert "wrong password" in refusal(unsealed(scheme), b"wrong")


RSA, SHA1_HASH, CBC = "06092a864886f70d010101", "06052b0e03021a", "060960864801650304012a"


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (made(AES), "06092a864886f70d010701", "06092a864886f70d010702", "signed instead of protected by a password"),
        (made(AES), SHA1_HASH, "06052b0e03021b", "sealed with algorithm 1.3.14.3.2.27, which is not read"),
        (unsealed(AES), "06092a864886f70d010706", "06092a864886f70d010703", "encrypted for a certificate instead"),
        (unsealed(AES), CBC, "060960864801650304012b", "algorithm 2.16.840.1.101.3.4.1.43, which is not read"),
        (unsealed(AES), "06092a864886f70d01050c", "06092a864886f70d01050b", "1.2.840.113549.1.5.11, which is not read"),
        (unsealed(AES), "06082a864886f70d0209", "06082a864886f70d0205", "1.2.840.113549.2.5, which is not read"),
        (unsealed(AES), "06092a864886f70d01050d", "06092a864886f70d01050a", "1.2.840.113549.1.5.10, which is not read"),
        (BARE, RSA, "06092a864886f70d010163", "holds no RSA private key"),
        (BARE, "060b2a864886f70d010c0a0101", "060b2a864886f70d010c0a0104", "holds no RSA private key"),
        (BARE, "060b2a864886f70d010c0a0103", "060b2a864886f70d010c0a0104", "holds no certificate"),
        (BARE, "060a2a864886f70d01091601", "060a2a864886f70d01091602", "holds no certificate"),
    ],
)
def test_what_is_not_read_is_told(file: bytes, old: str, new: str, complaint: str) -> None:
    changed = file.replace(bytes.fromhex(old), bytes.fromhex(new))
    assert changed != file
    assert complaint in refusal(changed)


def test_a_certificate_with_a_key_nobody_can_read_is_passed_over() -> None:
    key_at = BARE.index(bytes.fromhex(RSA), BARE.index(b"adept tests"))
    spoilt = BARE.replace(BARE[key_at : key_at + 40], BARE[key_at : key_at + 20] + bytes(20))
    assert spoilt != BARE
    assert "holds no" in refusal(spoilt)


edits = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=4)


@given(st.sampled_from([made(TRIPLE_DES), made(AES), unsealed(TRIPLE_DES), unsealed(AES)]), edits)
def test_any_mutation_of_a_file_gives_a_keypair_or_a_token_file_error(
    file: bytes, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(file)
    for place, value in changes:
        data[place % len(data)] = value
    gives_a_keypair_or_an_error_quickly(bytes(data))
