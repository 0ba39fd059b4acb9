"""From an answer that isn't a yes to the error that says so. Pure.

Codes and reactions: Apple, "Interpreting Error Codes" and the error tables of each endpoint (read 2026-11).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from adept.client.exchange import Answer
from adept.errors import AdeptError, Malformed, Refused, TokenRejected, Unreachable
from adept.protocol.error_codes import RULES, SESSION, ErrorCode, known_code, normalise_code

_WAY_OUT = {
    ErrorCode.T_C_NOT_SIGNED: "an administrator has to accept them in Apple Business or School Manager",
    ErrorCode.ACCESS_DENIED: "look at its permissions in Apple Business or School Manager",
    ErrorCode.UNAUTHORIZED: "a new session was refused too; if this lasts, the server token has been replaced",
    ErrorCode.FORBIDDEN: "a new session was refused too; if this lasts, the server token has been replaced",
    ErrorCode.USER_AGENT_INVALID: "choose another User-Agent, of the form name/version",
    ErrorCode.USER_AGENT_MISSING: "look for something on the way to Apple that removes it",
    ErrorCode.EXPIRED_CURSOR: "fetch all devices again",
    ErrorCode.INVALID_CURSOR: "fetch all devices again",
    ErrorCode.EXHAUSTED_CURSOR: "go on with sync from this cursor",
}
_HOW_TO_GO_ON = (
    "set this computer's clock if it is wrong, else download a new server token from Apple Business or School Manager"
)
_NOT_ABOUT_THE_TOKEN = (ErrorCode.T_C_NOT_SIGNED, ErrorCode.ACCESS_DENIED)
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


def refusal(answer: Answer, *, endpoint: str, about: str, now: datetime) -> AdeptError:
    """The error for an answer outside 2xx to a call of the API. Never raises."""
    if 300 <= answer.status < 400:
        return _redirected(answer, endpoint=endpoint, about=about)
    code = normalise_code(answer.body) or f"HTTP_{answer.status}"
    retry_after_s = retry_after(answer.headers.get("retry-after"), now=now)
    known = known_code(code)
    message = f"{about}: Apple answered {answer.status}" + ("" if code.startswith("HTTP_") else f" {code}")
    if known:
        message += f" ({RULES[known].meaning})"
    elif code.startswith("HTTP_") and answer.body and endpoint != SESSION:  # what /session says may echo a secret
        message += f", beginning {answer.body[:80].decode('utf-8', 'replace')!r}"
    if answer.status >= 500:
        return Unreachable(message, endpoint=endpoint, status=answer.status, retry_after_s=retry_after_s)
    if answer.status == 429 and known is None:
        code = ErrorCode.TOO_MANY_REQUESTS.value
    return Refused(
        message,
        code=code,
        status=answer.status,
        endpoint=endpoint,
        retry_after_s=retry_after_s,
        way_out=_WAY_OUT.get(known) if known else None,
    )


def session_refusal(answer: Answer, *, now: datetime) -> AdeptError:
    """The error for an answer outside 2xx to GET /session. Never raises.

    401, 403 and a 400 without a code speak of the server token: Apple's bodies for dead ones vary, and are not all
    known. Not so the terms, a denied access, and a page of HTML, which comes from a box on the way.
    """
    error = refusal(answer, endpoint=SESSION, about="opening a session", now=now)
    if not isinstance(error, Refused) or error.code in _NOT_ABOUT_THE_TOKEN:
        return error
    uncoded = error.code.startswith("HTTP_")
    html = answer.body.lstrip()[:1] == b"<"
    if answer.status == 401 or (answer.status == 403 and not html) or (answer.status == 400 and uncoded and not html):
        return TokenRejected(
            f"{error.message}: the server token is expired, replaced, revoked or not of this service",
            code=error.code,
            status=error.status,
            endpoint=SESSION,
            retry_after_s=error.retry_after_s,
            way_out=_HOW_TO_GO_ON,
        )
    return error


def expired_locally(expiry: datetime) -> TokenRejected:
    """The error for a server token past its own expiry, found before anything was sent."""
    return TokenRejected(
        f"the server token expired on {expiry:%Y-%m-%d %H:%M} UTC; nothing was sent",
        code="EXPIRED_LOCALLY",
        status=0,
        endpoint=SESSION,
        way_out=_HOW_TO_GO_ON,
    )


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """Retry-After in seconds from `now`, from either of its forms; None where it is absent or makes no sense."""
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _redirected(answer: Answer, *, endpoint: str, about: str) -> Malformed:
    target = urlsplit(answer.headers.get("location", ""))
    where = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else "elsewhere"
    return Malformed(
        f"{about}: answered by a redirect ({answer.status}) to {where}; credentials follow no redirect",
        endpoint=endpoint,
        field="$",
        found=f"{answer.status} to {where}",
        way_out="look at the base URL and for a proxy or captive portal on the way",
    )
