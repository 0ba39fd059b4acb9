"""Files that come in, as the body itself or as fields of a form."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import UploadFile

from adept.errors import Misuse

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
UPLOAD_FORM = {"requestBody": {"required": True, "content": {FORM: _FORM}}}
UPLOAD_EITHER_WAY = {
    "requestBody": {
        "required": True,
        "content": {"application/pkcs7-mime": {"schema": _TOKEN}, FORM: _FORM_WITH_KEY},
    }
}


async def files_of(request: Request) -> dict[str, bytes]:
    """What was sent, by the names of the form's fields; a body that is no form is `file`.

    Misuse for a form without a `file`, or one that can't be read. Any other content type is taken for the file's own:
    curl says of every body that it is a form of another kind.
    """
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        return {FILE: await request.body()}
    try:
        async with request.form(max_files=MAXIMUM_PARTS, max_fields=MAXIMUM_PARTS) as form:
            found = {name: await _content(part) for name, part in form.items()}
    except ValueError as error:  # a charset that is none
        raise Misuse("the form can't be read", way_out="send it as curl -F file=@TOKEN.p7m does") from error
    if FILE not in found:
        raise Misuse(f"the form has no field {FILE!r}", way_out="send it as curl -F file=@TOKEN.p7m does")
    return found


async def _content(part: UploadFile | str) -> bytes:
    return await part.read() if isinstance(part, UploadFile) else part.encode("utf-8", "surrogatepass")
