"""Opening encrypted server tokens, in every form they arrive in."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import time
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import Misuse, TokenFileError
from adept.protocol.ber import with_length
from adept.protocol.keypair import load_certificate
from adept.protocol.p7m_ciphers import CIPHERS, CipherName
from adept.protocol.p7m_envelope import Recipient
from adept.protocol.p7m_open import PrivateKey, describe_p7m, is_p7m, open_server_token, open_with_one_of, recipients
from adept.protocol.p7m_seal import Form, RecipientBy, inner_text, seal, seal_server_token
from adept.protocol.server_token import ServerToken
from tests.tokens import NOW, SECRETS, TOKEN, keypair, other_keypair, private_key, with_indefinite_lengths

FILE = seal_server_token(TOKEN, keypair().certificate_pem)
BER = seal(inner_text(TOKEN), [keypair().certificate_pem], form="ber")
DER = seal(inner_text(TOKEN), [keypair().certificate_pem], form="der")
OTHERS = seal_server_token(TOKEN, other_keypair().certificate_pem)
JSON = TOKEN.to_json()


def opened(data: bytes) -> ServerToken:
    return open_server_token(data, private_key())


def refusal(data: bytes) -> str:
    with pytest.raises(TokenFileError) as caught:
        opened(data)
    assert not any(secret in repr(caught.value) + str(caught.value) for secret in SECRETS)
    return str(caught.value)


def base64_lines(message: bytes, *, width: int = 64, end: bytes = b"\n") -> bytes:
    text = base64.b64encode(message)
    return b"".join(text[at : at + width] + end for at in range(0, len(text), width))


def mail(headers: str, message: bytes = BER, *, end: bytes = b"\n") -> bytes:
    return headers.encode().replace(b"\n", end) + end + base64_lines(message, end=end)


# The forms a file may have


@pytest.mark.parametrize("form", ["ber", "der"])
@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("recipient_by", ["issuer", "key-id"])
def test_every_cipher_form_and_way_to_name_the_recipient_is_opened(
    form: Form, cipher: CipherName, recipient_by: RecipientBy
) -> None:
    file = seal_server_token(TOKEN, keypair().certificate_pem, form=form, cipher=cipher, recipient_by=recipient_by)
    assert opened(file) == TOKEN


HEADERS = {
    "apple's": (
        'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data\n'
        "Content-Transfer-Encoding: base64\n"
        'Content-Disposition: attachment; filename="smime.p7m"\n'
        "Content-Description: S/MIME Encrypted Message\n"
    ),
    "folded": (
        'Content-Type: application/pkcs7-mime;\n\tname="smime.p7m";\n    smime-type=enveloped-data\n'
        "Content-Transfer-Encoding: base64\n"
    ),
    "openssl's": (
        'MIME-Version: 1.0\nContent-Disposition: attachment; filename="smime.p7m"\n'
        'Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\n'
        "Content-Transfer-Encoding: base64\n"
    ),
    "quoted": (
        'MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type="enveloped-data"; name="smime.p7m"\n'
        'Content-Transfer-Encoding: "base64"\n'
    ),
    "in other case": "content-type: APPLICATION/PKCS7-MIME\ncontent-transfer-encoding: BASE64\n",
    "spaced": "Content-Type : application/pkcs7-mime\nContent-Transfer-Encoding : base64\n",
    "of a whole mail": (
        "From: portal@example.org\nTo: admin@example.org\nSubject: Token: yours\n"
        'Content-Type: application/pkcs7-mime; name="a:b.p7m"\nContent-Transfer-Encoding: base64\n'
    ),
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("message", [BER, DER], ids=["ber", "der"])
def test_headers_may_be_written_in_any_way(headers: str, end: bytes, message: bytes) -> None:
    assert opened(mail(headers, message, end=end)) == TOKEN


WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "binary": lambda message: message,
    "binary and a line end": lambda message: message + b"\r\n",
    "binary after headers": lambda message: (
        b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n" + message
    ),
    "base64 alone": base64_lines,
    "base64 on one line": base64.b64encode,
    "base64 without padding": lambda message: base64.b64encode(message).rstrip(b"="),
    "base64 indented": lambda message: b"    " + base64_lines(message).replace(b"\n", b"\n    "),
    "PEM as PKCS7": lambda message: b"-----BEGIN PKCS7-----\n" + base64_lines(message) + b"-----END PKCS7-----\n",
    "PEM as CMS": lambda message: b"-----BEGIN CMS-----\r\n" + base64_lines(message) + b"-----END CMS-----\r\n",
    "PEM in a text": lambda message: (
        b"Here it is\n\n-----BEGIN PKCS7-----\n" + base64_lines(message) + b"-----END PKCS7-----\nYours"
    ),
    "PEM without an end": lambda message: b"-----BEGIN PKCS7-----\n" + base64_lines(message),
    "a byte order mark": lambda message: b"\xef\xbb\xbf" + mail(HEADERS["apple's"], message),
    "a byte order mark before base64": lambda message: b"\xef\xbb\xbf" + base64_lines(message),
    "UTF-16 as Windows saves it": lambda message: mail(HEADERS["apple's"], message).decode().encode("utf-16"),
    "blank lines before": lambda message: b"\r\n \r\n" + mail(HEADERS["apple's"], message),
    "a byte order mark and blank lines before": lambda message: b"\xef\xbb\xbf\n\n" + base64_lines(message),
    "blank lines between and after": lambda message: base64_lines(message, width=60, end=b"\n\n") + b"\n\n",
    "lines of one character": lambda message: base64_lines(message, width=1),
    "two blank lines after the headers": lambda message: HEADERS["apple's"].encode() + b"\n\n" + base64_lines(message),
    "a blank line of blanks": lambda message: HEADERS["apple's"].encode() + b" \t\n" + base64_lines(message),
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS.keys())
@pytest.mark.parametrize("message", [BER, DER], ids=["ber", "der"])
def test_a_message_may_be_wrapped_in_any_way(wrap: Callable[[bytes], bytes], message: bytes) -> None:
    assert opened(wrap(message)) == TOKEN
    assert is_p7m(wrap(message))


HEAD = b"Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
WRAPPED = b"\r\n".join(JSON[at : at + 40] for at in range(0, len(JSON), 40))
INDENTED = json.dumps(json.loads(JSON), indent=2).encode()


@pytest.mark.parametrize("head", [b"", HEAD, HEAD.replace(b"\r\n", b"\n"), b"\xef\xbb\xbf", b"\n\n"])
@pytest.mark.parametrize("body", [JSON, WRAPPED, WRAPPED.replace(b"\r\n", b"\n"), INDENTED])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"-----BEGIN MESSAGE-----\r\n", b"\r\n-----END MESSAGE-----\r\n"),
        (b"-----BEGIN MESSAGE-----\n", b"\n-----END MESSAGE-----"),
        (b"-----BEGIN MESSAGE-----", b"-----END MESSAGE-----"),
        (b"", b"\r\n\r\n"),
    ],
)
def test_the_inner_text_may_have_headers_marker_lines_and_line_breaks_or_not(
    head: bytes, body: bytes, before: bytes, after: bytes
) -> None:
    assert opened(seal(head + before + body + after, [keypair().certificate_pem])) == TOKEN


@pytest.mark.parametrize("chunk_bytes", [1, 7, 16, 100, 1000])
def test_content_in_chunks_of_any_size_is_joined(chunk_bytes: int) -> None:
    assert opened(seal(JSON, [keypair().certificate_pem], chunk_bytes=chunk_bytes)) == TOKEN


def test_indefinite_lengths_in_every_place_and_octet_strings_in_chunks_everywhere_are_read() -> None:
    assert opened(with_indefinite_lengths(DER)) == TOKEN


def test_chunks_within_chunks_are_joined() -> None:
    chunk_at = BER.rindex(b"\xa0\x80\x04\x82") + 2
    content = BER[chunk_at + 4 : -10]
    pieces = (with_length(4, content[at : at + 90]) for at in range(0, len(content), 90))
    assert opened(BER[:chunk_at] + b"\x24\x80" + b"".join(pieces) + b"\0\0" + BER[-10:]) == TOKEN


def test_one_of_several_recipients_is_enough() -> None:
    certificates = [other_keypair().certificate_pem, keypair().certificate_pem]
    for form, order in itertools.product(("ber", "der"), (certificates, certificates[::-1])):
        assert opened(seal(JSON, order, form=form)) == TOKEN  # type: ignore[arg-type]  # product forgets the literals


def test_one_of_several_keys_is_enough_and_is_told() -> None:
    keys: list[PrivateKey] = [other_keypair().private_key_pem, private_key()]
    assert open_server_token(FILE, keys) == TOKEN
    assert open_with_one_of(FILE, keys) == (TOKEN, 1)
    assert open_with_one_of(FILE, keys[::-1]) == (TOKEN, 0)


def test_no_key_at_all_is_the_callers_mistake() -> None:
    with pytest.raises(Misuse, match="no private key"):
        open_server_token(FILE, [])


# What a file tells without its key


def test_a_file_tells_for_whom_it_was_made_and_how() -> None:
    certificate = load_certificate(keypair().certificate_pem)
    assert recipients(FILE) == (Recipient(issuer="CN=adept tests", serial_number=certificate.serial_number),)
    description = describe_p7m(FILE)
    assert description.cipher == "AES-128-CBC"
    assert description.encoding == "BER"
    by_key = describe_p7m(
        seal_server_token(TOKEN, keypair().certificate_pem, form="der", cipher="3des", recipient_by="key-id")
    )
    digest = x509.SubjectKeyIdentifier.from_public_key(private_key().public_key()).digest
    assert by_key.recipients == (Recipient(key_identifier=digest),)
    assert (by_key.cipher, by_key.encoding) == ("3DES-CBC", "DER")


def test_an_issuer_of_many_parts_is_told_as_people_write_it() -> None:
    names = [
        x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Größe GmbH"),
        x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "admin@example.org"),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "MDM"),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name(names))
        .serial_number(0xC0FFEE)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .public_key(private_key().public_key())
        .sign(private_key(), hashes.SHA256())
    )
    (recipient,) = recipients(seal_server_token(TOKEN, certificate.public_bytes(Encoding.DER)))
    assert recipient.issuer == "C=DE, O=Größe GmbH, 1.2.840.113549.1.9.1=admin@example.org, CN=MDM"
    assert recipient.serial_number == 0xC0FFEE
    assert "C0FFEE" in str(recipient)


@pytest.mark.parametrize("data", [b"", b"nonsense", JSON, keypair().certificate_pem, FILE[:700]])
def test_what_is_no_encrypted_token_is_not_called_one(data: bytes) -> None:
    assert not is_p7m(data)


# What can't be opened


def test_the_wrong_key_is_told_which_certificate_would_be_right() -> None:
    serial = f"{load_certificate(other_keypair().certificate_pem).serial_number:X}"
    message = refusal(OTHERS)
    assert serial in message
    assert "CN=somebody else" in message
    assert "download the token again" in message


def test_the_wrong_key_is_told_the_identifier_of_the_right_one() -> None:
    file = seal_server_token(TOKEN, other_keypair().certificate_pem, recipient_by="key-id")
    (recipient,) = recipients(file)
    assert recipient.key_identifier
    assert recipient.key_identifier.hex() in refusal(file)


def test_wrong_key_wrong_padding_and_wrong_content_give_one_and_the_same_message() -> None:
    certificate = keypair().certificate_pem
    wrong = [
        seal(JSON, [certificate])[:-30] + bytes(20) + bytes(10),  # the last cipher block
        seal(b"", [certificate]),
        seal(b"not a token", [certificate]),
        seal(b"{}", [certificate]),
        seal(JSON.replace(b"CK_", b"C\xff"), [certificate]),
        seal(JSON.replace(b"consumer_key", b"consumerkey"), [certificate]),
        seal(b"\xff\xfe garbage " + JSON, [certificate]),
        seal(b"}" + JSON[:-1] + b"{", [certificate]),
        _with_another_encrypted_key(),
    ]
    with pytest.raises(TokenFileError) as caught:
        open_server_token(FILE, other_keypair().private_key_pem)
    assert {refusal(file) for file in wrong} == {str(caught.value)}


def _with_another_encrypted_key() -> bytes:
    """A file whose encrypted key was replaced by that of another file: it decrypts to another content key."""
    files = [seal(JSON, [keypair().certificate_pem], form="der") for _ in range(2)]
    at = files[0].index(b"\x04\x82\x01\x00")
    return files[0][: at + 4] + files[1][at + 4 : at + 260] + files[0][at + 260 :]


def test_a_content_key_of_the_wrong_size_gives_that_message_too() -> None:
    made = seal(JSON, [keypair().certificate_pem], form="der", cipher="aes256")
    pretended = made.replace(bytes.fromhex("060960864801650304012a"), bytes.fromhex("0609608648016503040102"))
    assert made != pretended
    assert "doesn't open it" in refusal(pretended)


def test_a_tampered_file_is_refused_wherever_content_or_key_were_touched() -> None:
    start = DER.index(b"\x04\x82\x01\x00") + 4
    for at in [*range(start, start + 256, 17), *range(len(DER) - 400, len(DER), 13)]:
        assert "the file is damaged" in refusal(DER[:at] + bytes([DER[at] ^ 0x41]) + DER[at + 1 :])


@pytest.mark.parametrize("data", [FILE, BER, DER], ids=["mail", "ber", "der"])
def test_a_truncated_file_is_refused_wherever_it_ends(data: bytes) -> None:
    for at in range(0, len(data), 41):
        with pytest.raises(TokenFileError):
            opened(data[:at])
    with pytest.raises(TokenFileError, match="damaged or cut short"):
        opened(BER[:-10])  # only the zeros that end indefinite lengths are missing


def test_something_after_the_message_is_refused_unless_it_is_blank() -> None:
    assert "damaged" in refusal(DER + b"more")
    assert opened(DER + b"\0\0\r\n ") == TOKEN


@pytest.mark.parametrize("data", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_told_so(data: bytes) -> None:
    assert "is empty" in refusal(data)


def test_a_file_over_64_kb_is_refused() -> None:
    assert "5,000,000 bytes" in refusal(b"A" * 5_000_000)
    assert "65,537 bytes" in refusal(FILE + b" " * (65_537 - len(FILE)))
    assert opened(FILE + b" " * (65_536 - len(FILE))) == TOKEN


@pytest.mark.parametrize("data", [JSON, b"\n" + INDENTED, inner_text(TOKEN), b"\xef\xbb\xbf" + JSON])
def test_a_decrypted_token_is_told_to_be_one(data: bytes) -> None:
    message = refusal(data)
    assert "the decrypted server token already (plain JSON)" in message
    assert "use it as it is" in message


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"devices": []}', "JSON"),
        (keypair().certificate_pem, "a certificate"),
        (load_certificate(keypair().certificate_pem).public_bytes(Encoding.DER), "a certificate"),
        (base64.b64encode(load_certificate(keypair().certificate_pem).public_bytes(Encoding.DER)), "a certificate"),
        (keypair().private_key_pem, "a private key"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "an image"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "an image"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"<!DOCTYPE html><title>Sign in</title>", "a web page"),
        (b"Content-Type: multipart/signed; protocol=x\n\nAAAA", "signed data"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(data: bytes, kind: str) -> None:
    message = refusal(data)
    assert f"this is {kind}" in message
    assert "not an encrypted server token" in message


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"Content-Type: application/pkcs7-mime",
        b"Content-Type: application/pkcs7-mime\n\nAAAA!!!!",
        b"Content-Type: application/pkcs7-mime\n\n" + base64.b64encode(b"nothing of the kind"),
        b"\x00" * 100,
    ],
)
def test_nonsense_is_told_what_was_expected(data: bytes) -> None:
    assert "neither S/MIME nor PEM nor binary CMS" in refusal(data)


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("06052b0e030207", "DES"),
        ("06082a864886f70d0302", "RC2"),
        ("0609608648016503040106", "AES-128-GCM"),
        ("06032a0304", "algorithm 1.2.3.4"),
    ],
)
def test_another_cipher_is_named(identifier: str, name: str) -> None:
    assert f"encrypted with {name}," in refusal(_replaced("0609608648016503040102", identifier))


def test_another_way_to_encrypt_the_key_is_named() -> None:
    assert "encrypted with RSA-OAEP," in refusal(_replaced("06092a864886f70d010101", "06092a864886f70d010107"))


def _replaced(old: str, new: str) -> bytes:
    """The BER form with one object identifier exchanged; lengths around it are stated only where they stay right."""
    message = with_indefinite_lengths(DER)
    changed = message.replace(bytes.fromhex(old), bytes.fromhex(new))
    assert changed != message
    return changed


def test_a_file_for_a_password_or_nobody_is_told_to_have_no_rsa_recipient() -> None:
    recipients_at = DER.index(b"\x31\x82")
    size = int.from_bytes(DER[recipients_at + 2 : recipients_at + 4], "big")
    rest = DER[recipients_at + 4 + size :]
    version = with_length(0x02, b"\x00")
    password = with_length(0xA3, with_length(0x02, b"\x00") + with_length(0x30, b"\x06\x03\x2a\x03\x04") + b"\x04\x01A")
    for found in (b"", password):
        enveloped = with_length(0x30, version + with_length(0x31, found) + rest)
        message = with_length(0x30, bytes.fromhex("06092a864886f70d010703") + with_length(0xA0, enveloped))
        assert "not encrypted for an RSA key" in refusal(message)


# Anything at all


def gives_a_token_or_an_error_quickly(data: bytes) -> None:
    began_s = time.process_time()  # of CPU: a busy machine doesn't count
    with contextlib.suppress(TokenFileError):
        opened(data)
    assert time.process_time() - began_s < 20


@given(st.binary(max_size=2000))
def test_any_bytes_give_a_token_or_a_token_file_error(data: bytes) -> None:
    gives_a_token_or_an_error_quickly(data)
    gives_a_token_or_an_error_quickly(b"\x30\x80" + data)
    gives_a_token_or_an_error_quickly(base64.b64encode(b"\x30\x82" + data))


edits = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255), st.sampled_from("sidr")), min_size=1, max_size=6)


@given(st.sampled_from([FILE, BER, DER, with_indefinite_lengths(DER)]), edits)
def test_any_mutation_of_a_file_gives_a_token_or_a_token_file_error(
    file: bytes, changes: list[tuple[int, int, str]]
) -> None:
    data = bytearray(file)
    for place, value, kind in changes:
        at = place % len(data)
        if kind == "s":
            data[at] = value
        elif kind == "i":
            data[at:at] = bytes([value])
        elif kind == "d":
            del data[at : at + 1 + value % 16]
        else:
            data[at : at + value] = data[at : at + value] * 2
        data = data or bytearray(b"0")
    gives_a_token_or_an_error_quickly(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80" * 32_000,
        b"\x24\x80" * 32_000,
        b"\xa0\x80" * 32_000,
        BER[:15] + b"\x30\x80" * 30_000,
        b"\x30\x84\xff\xff\xff\xff" + BER[2:],
        b"\x30\xff" + b"\xff" * 60_000,
        b"\x30\x80\x06\x82\xf0\x00" + b"\xff" * 61_440,
        BER[:15] + b"\x31\x82\xf0\x00" + b"\x30\x00" * 30_720,
        b"A:" * 32_000,
        b"A: b\n" * 13_000,
        b"\r" * 60_000 + b"x",
        b"-----BEGIN " * 5_900,
        b"M" * 65_000,
        b"MIAG" * 16_000,
    ],
)
def test_hostile_files_are_refused_quickly(data: bytes) -> None:
    with pytest.raises(TokenFileError):
        opened(data[:65_536])
    gives_a_token_or_an_error_quickly(data[:65_536])
