"""The two layers of text around a sealed server token: the mail it comes in, and the one that comes out of it.

What a file is wrapped in depends on who touched it since Apple made it, so everything that can only mean one thing is
taken: headers in any number, folded, quoted or none, PEM, base64 alone, binary, a byte order mark, blank lines before,
any line ends. Source: Apple, "Authenticating through Web Tokens" (read 2026-11).
"""

from __future__ import annotations

import base64
import binascii
import re

from adept.errors import TokenFileError
from adept.protocol.file_kinds import FileKind, is_binary_sequence, kind_of
from adept.protocol.server_token import MAXIMUM_SIZE_BYTES

_PEM = re.compile(rb"-----BEGIN [A-Z0-9 #]{1,40}-----(.*?)(?:-----END |\Z)", re.DOTALL)
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]*[ \t]*:")
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))[ \t]*(?:\r\n|\n|\r(?!\n))")
_GET_ONE = "upload the certificate in Apple's portal and download the server token there"


def unwrap(data: bytes) -> bytes:
    """The CMS message in the file, BER or DER. TokenFileError says what the file is instead, where that shows."""
    if len(data) > MAXIMUM_SIZE_BYTES:
        raise TokenFileError(
            f"the file has {len(data):,} bytes; a server token has {MAXIMUM_SIZE_BYTES:,} at most", way_out=_GET_ONE
        )
    text = _as_utf8(data)
    if not text.strip():
        raise TokenFileError("the server token file is empty", way_out=_GET_ONE)
    _refuse_foreign(text)
    body = _body(text)
    message = body if is_binary_sequence(body) else _from_base64(body)
    _refuse_foreign(message)
    return message


def token_json(text: bytes) -> bytes:
    """The JSON in a decrypted text, whose lines may break anywhere. ValueError if it isn't there.

    Headers before it and marker lines around it are dropped, but have to be plain text: in a file that was tampered
    with, they aren't.
    """
    joined = b"".join(line.strip() for line in text.removeprefix(b"\xef\xbb\xbf").splitlines())
    start, end = joined.index(b"{"), joined.rindex(b"}") + 1
    around = joined[:start] + joined[end:]
    if not around.isascii() or not around.decode("ascii").isprintable():
        raise ValueError("no plain text around the JSON")
    return joined[start:end]


def _refuse_foreign(data: bytes) -> None:
    kind = kind_of(data)
    if kind is FileKind.DECRYPTED:
        raise TokenFileError(
            "this is the decrypted server token already (plain JSON)", way_out="use it as it is, without a key"
        )
    if kind not in (None, FileKind.SEALED):
        raise TokenFileError(f"this is not an encrypted server token (.p7m): this is {kind.value}", way_out=_GET_ONE)


def _as_utf8(data: bytes) -> bytes:
    """Without its byte order mark; Windows editors also save UTF-16."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data.removeprefix(b"\xef\xbb\xbf")


def _body(text: bytes) -> bytes:
    """What follows the headers or stands between the lines of PEM; the whole if there are neither."""
    if is_binary_sequence(text):
        return text
    if pem := _PEM.search(text):
        return pem[1]
    text = text.lstrip()
    if not _HEADER.match(text):
        return text
    blank = _BLANK_LINE.search(text)
    return text[blank.end() :] if blank else b""


def _from_base64(body: bytes) -> bytes:
    text = b"".join(body.split()).rstrip(b"=")
    try:
        message = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        message = b""
    if not is_binary_sequence(message):
        raise TokenFileError(
            "this is not an encrypted server token (.p7m): it is neither S/MIME nor PEM nor binary CMS",
            way_out=_GET_ONE,
        )
    return message
