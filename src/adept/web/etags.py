"""ETags of what people edit: the version of the row, and what an If-Match asks for."""

from __future__ import annotations

import re

from adept.errors import Denied, Misuse

_ETAG = re.compile(r'(?:W/)?"v(\d{1,9})"')


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"v{version}"'


def version_in(if_match: str | None) -> int | None:
    """The version that an If-Match header names; None where there is no header. Misuse for what is no ETag of ours."""
    if if_match is None:
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise Misuse(f"If-Match {if_match[:40]!r} is no ETag of this", way_out='send the ETag as it came: "v3"')
    return int(found[1])


def precondition_required(what: str) -> Denied:
    """The refusal of an edit that doesn't say which version it is of."""
    return Denied(
        f"changing {what} needs an If-Match header with the ETag of what was looked at",
        code="precondition_required",
        status=428,
        way_out="GET it first, and send its ETag as If-Match",
    )
