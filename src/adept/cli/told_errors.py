"""Errors that another process told, by their code, as our own again: the same words and exit codes as here. Pure."""

from __future__ import annotations

from adept.errors import (
    AdeptError,
    Busy,
    ConfigError,
    Conflict,
    CursorExpired,
    Denied,
    Malformed,
    Misuse,
    NeedsPerson,
    NotFound,
    Refused,
    StoreError,
    TokenFileError,
    Unreachable,
)

_PLAIN: dict[str, type[AdeptError]] = {
    kind.code: kind
    for kind in (Misuse, NotFound, CursorExpired, ConfigError, StoreError, TokenFileError, NeedsPerson, Busy)
}
_BUGS = (AdeptError.code, "bug")


def told_error(
    code: str,
    message: str,
    *,
    way_out: str | None = None,
    status: int = 0,
    endpoint: str = "",
    current: object = None,
    retry_after_s: float | None = None,
) -> AdeptError:
    """The error of that code. `status` is the service's, 0 where none was involved: then an unknown code is Apple's."""
    error = _error(code, message, way_out, status, endpoint, current, retry_after_s)
    error.code = code
    return error


def _error(
    code: str,
    message: str,
    way_out: str | None,
    status: int,
    endpoint: str,
    current: object,
    retry_after_s: float | None,
) -> AdeptError:
    if code in _PLAIN:
        return _PLAIN[code](message, way_out=way_out)
    if code == Conflict.code:
        return Conflict(message, way_out=way_out, current=current)
    if code == Malformed.code:
        return Malformed(message, endpoint=endpoint, field="$", found="", way_out=way_out)
    if code == Unreachable.code:
        return Unreachable(message, endpoint=endpoint, retry_after_s=retry_after_s, way_out=way_out)
    if status in (401, 403, 429):
        return Denied(message, code=code, status=status, retry_after_s=retry_after_s, way_out=way_out)
    if code in _BUGS or status == 500:
        return AdeptError(message, way_out=way_out)
    if status in (0, 502):
        return Refused(
            message, code=code, status=status, endpoint=endpoint, retry_after_s=retry_after_s, way_out=way_out
        )
    if status < 500:
        return Misuse(message, way_out=way_out)
    return Unreachable(message, endpoint=endpoint, status=status, retry_after_s=retry_after_s, way_out=way_out)
