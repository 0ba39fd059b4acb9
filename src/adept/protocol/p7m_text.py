"""The two layers of text around a sealed server token: the mail it comes in, and the mail that comes out of it.

What a file is wrapped in depends on who touched it since Apple made it, so everything that can only mean one thing is
taken: headers in any number, folded or quoted or none, PEM, base64 alone, binary, a byte order mark, blank lines before,
any line ends. Source: Apple, "Authenticating through Web Tokens" (read 2026-11).
"""

from __future__ import annotations

import base64
import binascii
import re

from adept.errors import TokenFileError
from adept.protocol.file_kinds import FileKind, kind_of

MAXIMUM_SIZE_BYTES = 64 * 1024  # real files have about 4 KB
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]*[ \t]*:")
_MARKER = re.compile(rb"-----(BEGIN|END) [A-Z0-9 #]{1,40}-----")
_GET_ONE = "upload the certificate in Apple's portal and download the server token there"


def unwrap(data: bytes) -> bytes:
    """The CMS message in the file, BER or DER. TokenFileError says what the file is instead, where that shows."""
    if len(data) > MAXIMUM_SIZE_BYTES:
        raise TokenFileError(
            f"the file has {len(data):,} bytes; a server token has at most {MAXIMUM_SIZE_BYTES:,}", way_out=_GET_ONE
        )
    if not data.strip():
        raise TokenFileError("the server token file is empty", way_out=_GET_ONE)
    refuse_foreign(data)
    if _is_binary(data):
        return data
    body = _body(_as_utf8(data))
    if _is_binary(body):  # Content-Transfer-Encoding: binary
        return body
    message = _from_base64(body)
    refuse_foreign(message)
    return message


def refuse_foreign(data: bytes) -> None:
    """Raise TokenFileError if the file is visibly something other than an encrypted token."""
    kind = kind_of(data)
    if kind is FileKind.PLAIN_TOKEN:
        raise TokenFileError(
            "this is the decrypted server token already (plain JSON)",
            way_out="use it as it is; there is no need to open it",
        )
    if kind not in (None, FileKind.ENCRYPTED_TOKEN):
        raise TokenFileError(f"this is not an encrypted server token: this is {kind.value}", way_out=_GET_ONE)


def token_json(text: bytes) -> bytes:
    """The JSON in the decrypted text: without headers and marker lines, its lines joined with nothing between."""
    lines = [line.strip() for line in text.removeprefix(b"\xef\xbb\xbf").splitlines()]
    start = next((number for number, line in enumerate(lines) if line.startswith(b"{")), 0)
    return b"".join(line for line in lines[start:] if not _MARKER.fullmatch(line))


def _is_binary(data: bytes) -> bool:
    """Whether it begins as a SEQUENCE of indefinite length or of more than 127 bytes; no text does."""
    return data[:1] == b"0" and data[1:2] >= b"\x80"


def _as_utf8(data: bytes) -> bytes:
    """Without its byte order mark; Windows editors also save UTF-16."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def _body(data: bytes) -> bytes:
    """What follows the headers, if there are any."""
    data = data.lstrip(b"\r\n\t ")
    if not _HEADER.match(data):
        return data
    blank = re.search(rb"\r\n[ \t]*\r\n|\n[ \t]*\n|\r[ \t]*\r", data)
    return data[blank.end() :] if blank else b""


def _from_base64(body: bytes) -> bytes:
    lines = (line.strip() for line in body.splitlines())
    text = b"".join(line for line in lines if not _MARKER.fullmatch(line))
    text = b"".join(text.split()).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise TokenFileError(
            "this is not an encrypted server token (.p7m): neither S/MIME nor PEM nor binary CMS", way_out=_GET_ONE
        ) from None
