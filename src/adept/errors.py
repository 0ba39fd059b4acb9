"""Every error adept raises.

    AdeptError              everything below; has `code`, a message and, where there is one, a way out
    ├── Misuse              our caller's mistake: an argument that can't be right
    │   ├── NotFound        what was named is not there
    │   ├── Conflict        it is there already, or somebody else changed it meanwhile
    │   └── CursorExpired   what the cursor goes on from is kept no longer, or is another database's
    ├── Denied              who asks is unknown, or may not
    ├── ConfigError         a setting, a key or an environment in which we can't work
    ├── StoreError          the database: newer, locked, read-only, full, damaged
    │   └── Outdated        its schema went on while we ran, too far for us: stop
    ├── TokenFileError      a token, key or certificate file that isn't what it should be
    ├── Refused             Apple said no, by a code
    │   └── TokenRejected   Apple said no to the server token itself, at GET /session
    ├── Malformed           Apple broke its word: an answer that isn't of the promised shape
    ├── Unreachable         no usable answer: no connection, a time-out, a server error
    ├── NeedsPerson         we could, but a person has to decide first
    └── Busy                somebody else is at it

A message says what was tried, on what, and what came back; `way_out` what to do. Nothing here holds a secret.
"""

from __future__ import annotations

from typing import Any


class AdeptError(Exception):
    """Root of all errors of adept. `code` is a stable word for programs; `way_out` is None where we know none.

    `partial` is what came of the earlier parts of an undertaking that was cut into several requests, None where there
    was no earlier part: the client's methods that take any number of serial numbers set it.
    """

    code: str = "error"
    partial: Any = None

    def __init__(self, message: str, *, way_out: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.message}; {self.way_out}" if self.way_out else self.message


class Misuse(AdeptError):
    """The caller asked for something that can't be: nothing was sent or stored.

    `field` is the argument that was wrong, by its name, where it is one that people type; else None.
    """

    code = "misuse"

    def __init__(self, message: str, *, way_out: str | None = None, field: str | None = None) -> None:
        super().__init__(message, way_out=way_out)
        self.field = field


class NotFound(Misuse):
    """What was named is not there: an account, a device, a pass, a user."""

    code = "not_found"


class Conflict(Misuse):
    """What was asked for can't be beside what is there: a name taken, an edit of something that changed meanwhile.

    `current` is what is there now, as it is shown elsewhere; None where the message says it all.
    """

    code = "conflict"

    def __init__(
        self, message: str, *, way_out: str | None = None, field: str | None = None, current: object = None
    ) -> None:
        super().__init__(message, way_out=way_out, field=field)
        self.current = current


class CursorExpired(Misuse):
    """The feed of changes can't go on after this cursor without skipping: begin anew, with a look at all devices."""

    code = "cursor_expired"


class Denied(AdeptError):
    """The service doesn't know who asks (`status` 401), who asks may not (403), or must wait (429); nothing was done.

    `retry_after_s` is how long to wait, with 429.
    """

    code = "denied"

    def __init__(
        self,
        message: str,
        *,
        code: str = "denied",
        status: int = 403,
        retry_after_s: float | None = None,
        way_out: str | None = None,
    ) -> None:
        super().__init__(message, way_out=way_out)
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s


class ConfigError(AdeptError):
    """A setting is missing, unreadable or out of range; the message names it and what is allowed."""

    code = "config"


class StoreError(AdeptError):
    """The database can't be used as asked. The transaction in hand was rolled back; earlier ones stand."""

    code = "store"


class Outdated(StoreError):
    """The database's schema went on, under a process that runs, to where this adept no longer fits it: stop."""

    code = "outdated"


class TokenFileError(AdeptError):
    """A server token, key, certificate or PKCS#12 file can't be read or doesn't fit. Nothing was changed."""

    code = "token_file"


class Refused(AdeptError):
    """Apple answered with an error.

    `code` is Apple's word (`T_C_NOT_SIGNED`), stripped of quotes and blanks, or `HTTP_<status>` for an empty body.
    `endpoint` is the method and path asked (`POST /devices/sync`). `retry_after_s` is Apple's Retry-After in seconds,
    None where it sent none.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int,
        endpoint: str,
        retry_after_s: float | None = None,
        way_out: str | None = None,
    ) -> None:
        super().__init__(message, way_out=way_out)
        self.code = code
        self.status = status
        self.endpoint = endpoint
        self.retry_after_s = retry_after_s


class TokenRejected(Refused):
    """Apple refused the server token at GET /session: expired, replaced, revoked or never valid; only a new one helps.

    Not raised for T_C_NOT_SIGNED, ACCESS_DENIED and 429 at /session: those are `Refused` and say nothing on the token.
    """


class Malformed(AdeptError):
    """Apple's answer can't be read: HTML, half a body, JSON of another shape.

    `endpoint` is what was asked, `field` the place in the answer ("$" for the whole), `found` a short excerpt.
    """

    code = "malformed"

    def __init__(self, message: str, *, endpoint: str, field: str, found: str, way_out: str | None = None) -> None:
        super().__init__(message, way_out=way_out)
        self.endpoint = endpoint
        self.field = field
        self.found = found


class Unreachable(AdeptError):
    """No usable answer: the connection failed, the time ran out, or the server answered 5xx.

    `status` is the 5xx where there was one. `retry_after_s` as in `Refused`. `may_have_happened` is True where the
    request may have taken effect at Apple all the same, so that repeating it is not harmless for everything.
    """

    code = "unreachable"

    def __init__(
        self,
        message: str,
        *,
        endpoint: str,
        status: int | None = None,
        retry_after_s: float | None = None,
        may_have_happened: bool = True,
        way_out: str | None = None,
    ) -> None:
        super().__init__(message, way_out=way_out)
        self.endpoint = endpoint
        self.status = status
        self.retry_after_s = retry_after_s
        self.may_have_happened = may_have_happened


class NeedsPerson(AdeptError):
    """A person has to look and confirm before this goes on; nothing was done."""

    code = "needs_person"


class Busy(AdeptError):
    """Another process holds what is needed (an account's lease, a port); nothing was done."""

    code = "busy"
