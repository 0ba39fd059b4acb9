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

    SEALED = "an encrypted server token (.p7m)"  # any CMS enveloped data; only the key tells more
    DECRYPTED = "a decrypted server token"
    JSON = "JSON"
    CERTIFICATE = "a certificate"
    CERTIFICATE_REQUEST = "a certificate request"
    PRIVATE_KEY = "a private key"
    PUBLIC_KEY = "a public key"
    PKCS12 = "a PKCS#12 file (.p12)"
    SIGNED = "signed data, not encrypted"
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
    b"PKCS7": FileKind.SEALED,
    b"CMS": FileKind.SEALED,
    b"MESSAGE": FileKind.DECRYPTED,
}
_INSIDE_SEQUENCE = {  # how the content of the outermost SEQUENCE begins
    "06092a864886f70d010703": FileKind.SEALED,
    "06092a864886f70d010702": FileKind.SIGNED,
    "060b2a864886f70d0109100117": FileKind.AUTHENTICATED,
    "06092a864886f70d0107": FileKind.OTHER_CMS,
    "020103": FileKind.PKCS12,
    "020100": FileKind.PRIVATE_KEY,
}
_INSIDE_TWO_SEQUENCES = {
    "06092a864886f70d01050d": FileKind.PRIVATE_KEY,  # PKCS#8 under a password (PBES2)
    "060a2a864886f70d010c01": FileKind.PRIVATE_KEY,  # the same, as PKCS#12 does it
    "06": FileKind.PUBLIC_KEY,
    "020100": FileKind.CERTIFICATE_REQUEST,
    "a003020102": FileKind.CERTIFICATE,
}


def is_binary_sequence(data: bytes) -> bool:
    """Whether it begins as an ASN.1 SEQUENCE of more than 127 bytes or of indefinite length; no text does."""
    return data[:1] == b"0" and data[1:2] >= b"\x80"


def kind_of(data: bytes) -> FileKind | None:
    """The kind of a file, as far as its beginning tells; None if it says nothing to us."""
    if is_binary_sequence(data):
        return _kind_of_sequence(data)
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return FileKind.DECRYPTED if b'"consumer_key"' in text else FileKind.JSON
    if pem := re.match(rb"-----BEGIN ([A-Z0-9# ]{1,40})-----", text):
        return next((kind for label, kind in _PEM_LABELS.items() if pem[1].endswith(label)), None)
    if re.match(rb"[A-Za-z-]+:", text):
        return _kind_of_mail(text)
    if text.startswith(b"MI"):  # 0x30 0x8… in base64
        return _kind_of_base64(text)
    return next((kind for start, kind in _BEGINNINGS.items() if text.startswith(start)), None)


def _kind_of_sequence(data: bytes) -> FileKind | None:
    content = _content(data)
    if kind := _first_match(content, _INSIDE_SEQUENCE):
        return kind
    return _first_match(_content(content), _INSIDE_TWO_SEQUENCES) if content[:1] == b"0" else None


def _content(data: bytes) -> bytes:
    """What follows the first tag and length."""
    length_octets = data[1] & 0x7F if data[1:2] > b"\x80" else 0
    return data[2 + length_octets :]


def _first_match(content: bytes, beginnings: dict[str, FileKind]) -> FileKind | None:
    return next((kind for start, kind in beginnings.items() if content.startswith(bytes.fromhex(start))), None)


def _kind_of_base64(text: bytes) -> FileKind | None:
    beginning = b"".join(text[:200].split())
    try:
        return kind_of(base64.b64decode(beginning[: len(beginning) // 4 * 4], validate=True))
    except binascii.Error:
        return None


def _kind_of_mail(text: bytes) -> FileKind | None:
    """S/MIME as Apple sends it, or what comes out of decrypting that."""
    if b'"consumer_key"' in text:
        return FileKind.DECRYPTED
    headers = text[:4096].lower()
    if b"signed-data" in headers or b"multipart/signed" in headers:
        return FileKind.SIGNED
    return FileKind.SEALED if b"pkcs7-mime" in headers else None
