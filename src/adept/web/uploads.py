"""Files that come in, as the body itself or as fields of a form."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from adept.errors import Misuse
from adept.web.limits import TOKEN_LIMIT_BYTES

FORM = "multipart/form-data"
FILE = "file"
MAXIMUM_PARTS = 8

_TOKEN = {"type": "string", "format": "binary", "description": "The file as Apple's portal gave it (`.p7m`)."}
_KEY = {
    "type": "string",
    "format": "binary",
    "description": "The private key, where the certificate was not the account's.",
}
_FORM = {"schema": {"type": "object", "required": [FILE], "properties": {FILE: _TOKEN}}}
_FORM_WITH_KEY = {"schema": {"type": "object", "required": [FILE], "properties": {FILE: _TOKEN, "key": _KEY}}}

# What OpenAPI says of the bodies that `files_of` reads.
UPLOAD_FORM: dict[str, Any] = {"requestBody": {"required": True, "content": {FORM: _FORM}}}
UPLOAD_EITHER_WAY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/pkcs7-mime": {"schema": _TOKEN}, FORM: _FORM_WITH_KEY},
    }
}


async def files_of(request: Request, *, limit_bytes: int = TOKEN_LIMIT_BYTES) -> dict[str, bytes]:
    """What was sent, by the names of the form's fields; a body that is no form is `file`.

    Any content type but a form's is taken for the file's own: curl says of every body that it is a form of another
    kind. Answers 413 to more than `limit_bytes` in all. Misuse for a form without a `file`, or one that can't be read.
    """
    limited = _limited(request, limit_bytes)
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        return {FILE: await limited.body()}
    try:
        async with limited.form(max_files=MAXIMUM_PARTS, max_fields=MAXIMUM_PARTS) as form:
            found = {name: await _content(part) for name, part in form.items()}
    except ValueError as error:  # a charset that is none
        raise Misuse("the form can't be read", way_out="send it as curl -F file=@TOKEN.p7m does") from error
    if FILE not in found:
        raise Misuse(f"the form has no field {FILE!r}", way_out="send it as curl -F file=@TOKEN.p7m does")
    return found


def _limited(request: Request, limit_bytes: int) -> Request:
    """The request, whose body ends in a 413 where it is too large."""
    size_bytes = 0

    async def receive() -> Message:
        nonlocal size_bytes
        message = await request.receive()
        size_bytes += len(message.get("body", b""))
        if size_bytes > limit_bytes:
            raise HTTPException(413)
        return message

    return Request(request.scope, receive)


async def _content(part: UploadFile | str) -> bytes:
    return await part.read() if isinstance(part, UploadFile) else part.encode("utf-8", "surrogatepass")
