"""What a file is that somebody took for another one, so that an error can say "this is a certificate".

Looks at beginnings only and decides no more than the wording of a message.
"""

from __future__ import annotations

import base64
import binascii
import re
from enum import Enum


class FileKind(Enum):
    """The value completes the sentence "this is …"."""

    ENCRYPTED_TOKEN = "an encrypted server token (.p7m)"  # any CMS enveloped data; only the key tells more
    PLAIN_TOKEN = "the decrypted server token"
    JSON = "JSON"
    CERTIFICATE = "a certificate"
    CERTIFICATE_REQUEST = "a certificate request"
    PRIVATE_KEY = "a private key"
    PUBLIC_KEY = "a public key"
    PKCS12 = "a PKCS#12 file (.p12)"
    SIGNED = "a signed file, not an encrypted one"
    AUTHENTICATED = "encrypted with AES-GCM, which Apple does not use"
    OTHER_CMS = "another kind of CMS file"
    IMAGE = "an image"
    PDF = "a PDF"
    ZIP = "a ZIP archive"
    PROPERTY_LIST = "a property list"
    WEB_PAGE = "a web page or XML"


_BEGINNINGS = {
    b"\x89PNG": FileKind.IMAGE,
    b"\xff\xd8\xff": FileKind.IMAGE,
    b"GIF8": FileKind.IMAGE,
    b"BM": FileKind.IMAGE,
    b"II*\x00": FileKind.IMAGE,
    b"MM\x00*": FileKind.IMAGE,
    b"%PDF": FileKind.PDF,
    b"PK\x03\x04": FileKind.ZIP,
    b"bplist": FileKind.PROPERTY_LIST,
    b"<": FileKind.WEB_PAGE,
}
_PEM_LABELS = {  # by the end of the label, the more special first
    b"CERTIFICATE REQUEST": FileKind.CERTIFICATE_REQUEST,
    b"CERTIFICATE": FileKind.CERTIFICATE,
    b"PRIVATE KEY": FileKind.PRIVATE_KEY,
    b"PUBLIC KEY": FileKind.PUBLIC_KEY,
    b"PKCS7": FileKind.ENCRYPTED_TOKEN,
    b"CMS": FileKind.ENCRYPTED_TOKEN,
    b"MESSAGE": FileKind.PLAIN_TOKEN,
}
_DER_BEGINNINGS = {  # what follows the tag and length of the outermost SEQUENCE
    bytes.fromhex("06092a864886f70d010703"): FileKind.ENCRYPTED_TOKEN,
    bytes.fromhex("06092a864886f70d010702"): FileKind.SIGNED,
    bytes.fromhex("060b2a864886f70d0109100117"): FileKind.AUTHENTICATED,
    bytes.fromhex("06092a864886f70d0107"): FileKind.OTHER_CMS,
    bytes.fromhex("020103"): FileKind.PKCS12,
    bytes.fromhex("020100"): FileKind.PRIVATE_KEY,
}


def kind_of(data: bytes) -> FileKind | None:
    """The kind of a file, as far as its beginning tells; None if it says nothing to us."""
    if data[:1] == b"0" and data[1:2] >= b"\x80":  # a SEQUENCE longer than 127 bytes or of indefinite length
        return _kind_of_der(data)
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return FileKind.PLAIN_TOKEN if b"consumer_key" in text else FileKind.JSON
    if pem := re.match(rb"-----BEGIN ([A-Z0-9# ]{1,40})-----", text):
        return next((kind for label, kind in _PEM_LABELS.items() if pem[1].endswith(label)), None)
    if re.match(rb"[A-Za-z-]+:", text):
        return _kind_of_mail(text)
    if text.startswith(b"MI"):  # base64 of 0x30 0x8…
        return _kind_of_base64(text)
    return next((kind for start, kind in _BEGINNINGS.items() if text.startswith(start)), None)


def _kind_of_der(data: bytes) -> FileKind | None:
    length_octets = 0 if data[1] == 0x80 else data[1] & 0x7F
    rest = data[2 + length_octets :]
    return next((kind for start, kind in _DER_BEGINNINGS.items() if rest.startswith(start)), _kind_by_inner(rest))


def _kind_by_inner(rest: bytes) -> FileKind | None:
    """A SEQUENCE in a SEQUENCE: certificates begin with a version or serial number, public keys with an algorithm."""
    if rest[:1] != b"0" or len(rest) < 2:
        return None
    inner = rest[2 + (rest[1] & 0x7F if rest[1] > 0x80 else 0) :]
    if inner.startswith(b"\x06"):
        return FileKind.PUBLIC_KEY
    if inner.startswith(b"\x02\x01\x00"):
        return FileKind.CERTIFICATE_REQUEST
    return FileKind.CERTIFICATE if inner.startswith((b"\xa0", b"\x02")) else None


def _kind_of_base64(text: bytes) -> FileKind | None:
    beginning = b"".join(text[:200].split())
    try:
        return kind_of(base64.b64decode(beginning[: len(beginning) // 4 * 4], validate=True))
    except binascii.Error:
        return None


def _kind_of_mail(text: bytes) -> FileKind | None:
    """S/MIME as Apple sends it, or what comes out of decrypting that."""
    if b"consumer_key" in text:
        return FileKind.PLAIN_TOKEN
    head = text[:4096].lower()
    if b"pkcs7-mime" in head:
        return FileKind.SIGNED if b"signed-data" in head else FileKind.ENCRYPTED_TOKEN
    return None
