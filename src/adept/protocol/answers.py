"""Reading Apple's JSON answers: one way to turn bytes into a value or into `Malformed`.

Every decoder of this package but that of pages, which is tuned, goes through here. What holds for all of them: bytes
that are not UTF-8 and lone surrogates become U+FFFD, null and empty strings are absent, unknown keys are no mistake.
Nothing else is forgiven; an answer of another shape is `Malformed` and names the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from adept.errors import Malformed

Value = TypeVar("Value")

EXCERPT_BYTES = 80
MAXIMUM_DEPTH = 100  # of objects and lists in each other; Apple's have 4. Far below where Python gives up
TOO_DEEP = f"it is nested more than {MAXIMUM_DEPTH} deep"
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError)
"""What reading a document can raise: bad JSON, bad UTF-8, too deep, a number or time out of range."""

_decode_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_SURROGATES = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_BRACKETS_AND_STRINGS = re.compile(rb'([\[{])|([\]}])|"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # never goes back
_PLACE = re.compile(r" - at `(?P<place>[^`]*)`$")


def mend_text(body: bytes) -> bytes:
    """The same JSON with what is no text replaced by U+FFFD: bytes that aren't UTF-8, and halves of surrogate pairs."""
    whole = body if is_utf8(body) else body.decode("utf-8", "replace").encode()
    return _SURROGATES.sub(lambda match: match[1] or rb"\ufffd", whole) if rb"\u" in whole else whole


def is_utf8(body: bytes) -> bool:
    """Whether the bytes are UTF-8; almost free where they are ASCII."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def has_escaped_nul(body: bytes) -> bool:
    """Whether a NUL may be in some string, which PostgreSQL can't keep; almost free where nothing is escaped."""
    return b"\\" in body and rb"\u0000" in body


def is_too_deep(document: bytes, *, around: int = 0) -> bool:
    """Whether objects and lists are nested deeper than anything of Apple's; almost free where there are few.

    `around`: in how many more the document may stand.

    Whether deeper ones can be read and written depends on how much of Python's stack is left, so they are refused where
    they come in.
    """
    most = MAXIMUM_DEPTH + around
    if document.count(b"[") + document.count(b"{") <= most:
        return False
    depth = 0
    for found in _BRACKETS_AND_STRINGS.finditer(document):
        depth += (found[1] is not None) - (found[2] is not None)
        if depth > most:
            return True
    return False


def read_any(document: bytes) -> Any:
    """Any JSON value; one that can't be read in full (a number of 5000 digits) comes back as its text."""
    try:
        return msgspec.json.decode(document)
    except UNREADABLE:
        return document.decode("utf-8", "replace")


def split_object(document: bytes) -> dict[str, msgspec.Raw]:
    """The keys of a JSON object with their values unread, absent ones (null, "") left out. Raises one of UNREADABLE."""
    keys = _decode_raw_object(document)
    return {key: raw for key, raw in keys.items() if len(memoryview(raw)) > 4 or bytes(raw) not in (b"null", b'""')}


def read_object(body: bytes, *, endpoint: str, what: str, secret: bool = False) -> dict[str, msgspec.Raw]:
    """The present keys of the object an answer should be; raises Malformed. `what` names it: "an account"."""
    if is_too_deep(body, around=2):  # a device stands in an object in the answer
        raise malformed(body, TOO_DEEP, endpoint=endpoint, what=what, secret=secret)
    try:
        return split_object(mend_text(body))
    except UNREADABLE as error:
        raise malformed(body, str(error), endpoint=endpoint, what=what, secret=secret) from error


def read_struct(
    body: bytes, shape: type[Value], *, endpoint: str, what: str, secret: bool = False, **known: object
) -> Value:
    """Read an answer as a struct of type `shape`, filling its fields from `known` where given; raises Malformed."""
    keys = read_object(body, endpoint=endpoint, what=what, secret=secret)
    try:
        return convert_keys(keys, shape, **known)
    except UNREADABLE as error:
        raise malformed(body, str(error), endpoint=endpoint, what=what, secret=secret) from error


def convert_keys(keys: Mapping[str, msgspec.Raw], shape: type[Value], **known: object) -> Value:
    """A struct from the keys it has fields for; other keys are not even read. Raises one of UNREADABLE."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):  # type: ignore[arg-type]  # shape is always a Struct
        if field.name in known:
            values[field.encode_name] = known[field.name]
        elif field.encode_name in keys:
            values[field.encode_name] = read_key(keys, field.encode_name)
    return msgspec.convert(values, shape)


def read_key(keys: Mapping[str, msgspec.Raw], key: str) -> Any:
    """The value of a key; raises ValueError that names the key."""
    try:
        return msgspec.json.decode(keys[key])
    except UNREADABLE as error:
        raise ValueError(f"{error} - at `$.{key}`") from error


def malformed(
    body: bytes, reason: str, *, endpoint: str, what: str, field: str | None = None, secret: bool = False
) -> Malformed:
    """The error for an answer that can't be read; without an excerpt where the answer holds a secret."""
    place = _PLACE.search(reason)
    excerpt = f"{len(body)} bytes" if secret else body[:EXCERPT_BYTES].decode("utf-8", "replace")
    return Malformed(
        f"{endpoint}: Apple's answer is not {what}: {reason}"
        + (f" ({excerpt})" if secret else f" (it begins {excerpt!r})"),
        endpoint=endpoint,
        field=field or (place["place"] if place else "$"),
        found=excerpt,
    )
