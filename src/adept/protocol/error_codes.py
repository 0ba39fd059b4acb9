"""Apple's error codes: with which status and where they come, and the one reaction each allows.

Errors are a bare word in text/plain. Observed: depsim, Apple's simulator, puts it in double quotes and may add CR and
LF; production does not. Words that are not in the table are kept as they came: Apple adds to them.
Source: Apple, the pages of "Device Assignment" (read 2026-11) and "MDM Protocol Reference" (2018-06-04); where neither
has a code its row says who saw it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

CODE_MAX_BYTES = 1024  # of an error's body; what is longer is no code

ANY = ("*",)
SESSION = "GET /session"
ACCOUNT = "GET /account"
FETCH = "POST /server/devices"
SYNC = "POST /devices/sync"
DETAILS = "POST /devices"
DISOWN = "POST /devices/disown"
REPLACEMENT = "GET /device/replacementDetails"
ACTIVATION_LOCK = "POST /device/activationlock"
DEFINE = "POST /profile"
READ_PROFILE = "GET /profile"
ASSIGN = "POST /profile/devices"
ASSIGN_OLD = "PUT /profile/devices"
REMOVE = "DELETE /profile/devices"
SET_ACCOUNT_DRIVEN = "POST /account-driven-enrollment/profile"
GET_ACCOUNT_DRIVEN = "GET /account-driven-enrollment/profile"
DELETE_ACCOUNT_DRIVEN = "DELETE /account-driven-enrollment/profile"
BETA_TOKENS = "GET /os-beta-enrollment/tokens"


class Reaction(StrEnum):
    """What a client may do on an error. Everything is bounded; nothing here is done twice."""

    SURFACE = "surface"  # tell the caller; repeating it would be answered the same
    RENEW_SESSION = "renew_session"  # one GET /session, one replay
    NEW_TOKEN = "new_token"  # noqa: S105  # only a new server token helps
    WAIT = "wait"  # repeat after Retry-After
    FULL_FETCH = "full_fetch"  # forget the cursor, fetch from the start
    GO_TO_SYNC = "go_to_sync"  # everything was fetched: go on with the same cursor at sync


class ErrorCode(StrEnum):
    """Every code known; see RULES for what each means."""

    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    ACCESS_DENIED = "ACCESS_DENIED"
    T_C_NOT_SIGNED = "T_C_NOT_SIGNED"
    APPLE_SEED_FOR_IT_TURNED_OFF = "APPLE_SEED_FOR_IT_TURNED_OFF"
    SIGNATURE_INVALID = "signature_invalid"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105  # an error's name
    EXPIRED_TOKEN = "EXPIRED_TOKEN"  # noqa: S105  # an error's name
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    MALFORMED_REQUEST_BODY = "MALFORMED_REQUEST_BODY"
    USER_AGENT_MISSING = "USER_AGENT_MISSING"
    USER_AGENT_INVALID = "USER_AGENT_INVALID"
    INVALID_CURSOR = "INVALID_CURSOR"
    EXHAUSTED_CURSOR = "EXHAUSTED_CURSOR"
    EXPIRED_CURSOR = "EXPIRED_CURSOR"
    CURSOR_REQUIRED = "CURSOR_REQUIRED"
    DEVICE_ID_REQUIRED = "DEVICE_ID_REQUIRED"
    DEVICE_NOT_FOUND = "DEVICE_NOT_FOUND"
    PROFILE_UUID_REQUIRED = "PROFILE_UUID_REQUIRED"
    NOT_FOUND = "NOT_FOUND"
    PROFILE_NOT_FOUND = "PROFILE_NOT_FOUND"
    CONFIG_NAME_REQUIRED = "CONFIG_NAME_REQUIRED"
    CONFIG_NAME_INVALID = "CONFIG_NAME_INVALID"
    CONFIG_URL_REQUIRED = "CONFIG_URL_REQUIRED"
    CONFIG_URL_INVALID = "CONFIG_URL_INVALID"
    DEPARTMENT_REQUIRED = "DEPARTMENT_REQUIRED"
    DEPARTMENT_INVALID = "DEPARTMENT_INVALID"
    SUPPORT_PHONE_REQUIRED = "SUPPORT_PHONE_REQUIRED"
    SUPPORT_PHONE_INVALID = "SUPPORT_PHONE_INVALID"
    SUPPORT_EMAIL_INVALID = "SUPPORT_EMAIL_INVALID"
    MAGIC_INVALID = "MAGIC_INVALID"
    FLAGS_INVALID = "FLAGS_INVALID"
    LOCALE_INVALID = "LOCALE_INVALID"
    DESCRIPTION_INVALID = "DESCRIPTION_INVALID"
    MDM_SERVICE_DISCOVERY_URL_REQUIRED = "MDM_SERVICE_DISCOVERY_URL_REQUIRED"
    MDM_SERVICE_DISCOVERY_URL_NOT_VALID = "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"
    ORG_NOT_SUPPORTED = "ORG_NOT_SUPPORTED"

    @property
    def rule(self) -> CodeRule:
        """What is known of this code."""
        return RULES[self]


class CodeRule(msgspec.Struct, frozen=True):
    """One row of the table: the statuses a code comes with, the endpoints it comes from, the reaction, the meaning."""

    statuses: tuple[int, ...]  # likeliest first; () where nobody recorded it
    endpoints: tuple[str, ...]  # ("*",) for all
    reaction: Reaction
    meaning: str


_DEVICE_AND_PROFILE = (
    FETCH, SYNC, DETAILS, DISOWN, REPLACEMENT, ACTIVATION_LOCK, DEFINE, READ_PROFILE, ASSIGN, ASSIGN_OLD, REMOVE,
)  # fmt: skip
_WITH_BODY = (
    FETCH, SYNC, DETAILS, DISOWN, ACTIVATION_LOCK, DEFINE, ASSIGN, ASSIGN_OLD, REMOVE, SET_ACCOUNT_DRIVEN,
)  # fmt: skip
_PROFILE = (READ_PROFILE, ASSIGN, ASSIGN_OLD)
_SURFACE = Reaction.SURFACE


def _define(meaning: str) -> CodeRule:
    return CodeRule((400,), (DEFINE,), _SURFACE, meaning)


RULES: Mapping[ErrorCode, CodeRule] = MappingProxyType(
    {
        ErrorCode.UNAUTHORIZED: CodeRule((401,), ANY, Reaction.RENEW_SESSION, "the session is missing or has expired"),
        # Observed: depsim, after it was started anew.
        ErrorCode.FORBIDDEN: CodeRule((403,), ANY, Reaction.RENEW_SESSION, "the session token is not valid"),
        ErrorCode.ACCESS_DENIED: CodeRule((403,), ANY, _SURFACE, "this MDM server may not do this"),
        ErrorCode.T_C_NOT_SIGNED: CodeRule(
            (403,), ANY, _SURFACE, "the organisation has not accepted Apple's new terms; every call fails until it does"
        ),
        ErrorCode.APPLE_SEED_FOR_IT_TURNED_OFF: CodeRule(
            (403,), (BETA_TOKENS,), _SURFACE, "the organisation does not allow beta programmes"
        ),
        # Observed: fleetdm/fleet issue 43916, after a new token was made in the portal and not imported.
        ErrorCode.SIGNATURE_INVALID: CodeRule(
            (401, 403), (SESSION,), Reaction.NEW_TOKEN, "the server token was replaced by a newer one"
        ),
        # Observed: fleetdm/fleet issue 47700.
        ErrorCode.TOKEN_REJECTED: CodeRule((401, 403), (SESSION,), Reaction.NEW_TOKEN, "the server token was revoked"),
        # Observed: handled by the client go-apple-dm; nobody recorded status or place.
        ErrorCode.EXPIRED_TOKEN: CodeRule((), ANY, Reaction.NEW_TOKEN, "the server token or session has expired"),
        ErrorCode.TOO_MANY_REQUESTS: CodeRule(
            (429,), ANY, Reaction.WAIT, "too many requests; Retry-After says how long"
        ),
        ErrorCode.MALFORMED_REQUEST_BODY: CodeRule((400,), _WITH_BODY, _SURFACE, "the request's body is not JSON"),
        ErrorCode.USER_AGENT_MISSING: CodeRule(
            (400,), _DEVICE_AND_PROFILE, _SURFACE, "the request has no User-Agent, or an empty one"
        ),
        ErrorCode.USER_AGENT_INVALID: CodeRule(
            (400,), _DEVICE_AND_PROFILE, _SURFACE, "Apple does not like the User-Agent; its rules are not published"
        ),
        ErrorCode.INVALID_CURSOR: CodeRule(
            (400,), (FETCH, SYNC), Reaction.FULL_FETCH, "the cursor is not one of Apple's"
        ),
        # At sync it is documented and was never reported; it means that there is nothing new.
        ErrorCode.EXHAUSTED_CURSOR: CodeRule(
            (400,), (FETCH, SYNC), Reaction.GO_TO_SYNC, "all devices were already returned for this cursor"
        ),
        ErrorCode.EXPIRED_CURSOR: CodeRule((400,), (SYNC,), Reaction.FULL_FETCH, "the cursor is older than seven days"),
        ErrorCode.CURSOR_REQUIRED: CodeRule((400,), (SYNC,), _SURFACE, "the request names no cursor"),
        ErrorCode.DEVICE_ID_REQUIRED: CodeRule(
            (400,),
            (DETAILS, DISOWN, ASSIGN, ASSIGN_OLD, REMOVE, REPLACEMENT),
            _SURFACE,
            "the request names no device",
        ),
        ErrorCode.DEVICE_NOT_FOUND: CodeRule(
            (404,), (REPLACEMENT,), _SURFACE, "no such device, not ours, or no replacement"
        ),
        ErrorCode.PROFILE_UUID_REQUIRED: CodeRule((400,), _PROFILE, _SURFACE, "the request names no profile"),
        # 404 by the protocol reference of 2018, listed under 400 by today's pages: compare the body.
        ErrorCode.NOT_FOUND: CodeRule(
            (404, 400), (*_PROFILE, GET_ACCOUNT_DRIVEN), _SURFACE, "Apple knows no such profile, or no URL is set"
        ),
        # Observed: depsim and older clients.
        ErrorCode.PROFILE_NOT_FOUND: CodeRule((404, 400), _PROFILE, _SURFACE, "Apple knows no such profile"),
        ErrorCode.CONFIG_NAME_REQUIRED: _define("profile_name is missing"),
        ErrorCode.CONFIG_NAME_INVALID: _define("profile_name is empty or longer than 125 characters"),
        # Observed: also when another JSON document was posted (micromdm/micromdm issue 596).
        ErrorCode.CONFIG_URL_REQUIRED: _define("url is missing"),
        ErrorCode.CONFIG_URL_INVALID: _define("url is empty, no URL, or longer than 2000 characters as encoded"),
        # Observed: depsim only; department and phone number were once mandatory.
        ErrorCode.DEPARTMENT_REQUIRED: _define("department is missing"),
        ErrorCode.DEPARTMENT_INVALID: _define("department is empty or longer than 125 characters"),
        ErrorCode.SUPPORT_PHONE_REQUIRED: _define("support_phone_number is missing"),
        ErrorCode.SUPPORT_PHONE_INVALID: _define("support_phone_number is empty or longer than 50 characters"),
        ErrorCode.SUPPORT_EMAIL_INVALID: _define("support_email_address is empty or longer than 250 characters"),
        ErrorCode.MAGIC_INVALID: _define("org_magic is empty or longer than 256 characters"),
        ErrorCode.FLAGS_INVALID: _define("is_mdm_removable is false without is_supervised true"),
        # GET /profile: only in the protocol reference of 2018.
        ErrorCode.LOCALE_INVALID: CodeRule(
            (400,), (DEFINE, READ_PROFILE), _SURFACE, "language and region don't fit together"
        ),
        # Observed: only in the table of an old Ruby client.
        ErrorCode.DESCRIPTION_INVALID: _define("description (a key of early days) is not valid"),
        ErrorCode.MDM_SERVICE_DISCOVERY_URL_REQUIRED: CodeRule(
            (400,), (SET_ACCOUNT_DRIVEN,), _SURFACE, "mdm_service_discovery_url is missing"
        ),
        ErrorCode.MDM_SERVICE_DISCOVERY_URL_NOT_VALID: CodeRule(
            (400,), (SET_ACCOUNT_DRIVEN,), _SURFACE, "mdm_service_discovery_url is no URL, or not https"
        ),
        ErrorCode.ORG_NOT_SUPPORTED: CodeRule(
            (400,),
            (SET_ACCOUNT_DRIVEN, GET_ACCOUNT_DRIVEN, DELETE_ACCOUNT_DRIVEN),
            _SURFACE,
            "the organisation's kind does not have this; at activation lock it comes as a response_status",
        ),
    }
)
"""What is known of each code."""

EMPTY_BODY_STATUSES: Mapping[int, tuple[Reaction, str]] = MappingProxyType(
    {
        400: (Reaction.NEW_TOKEN, "at GET /session: bad OAuth parameters"),
        405: (Reaction.SURFACE, "the method is not one of this endpoint"),
        500: (Reaction.WAIT, "Apple's mistake; Observed: also for odd combinations of profile keys"),
        503: (Reaction.WAIT, "Apple is busy; Retry-After says how long"),
    }
)
"""Errors that come without a code."""

_KNOWN = {str(code): code for code in ErrorCode}
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")


def normalise_code(body: bytes) -> str:
    """The code in an error's body, bare or quoted, without blanks and line ends; "" where the body holds no such word.

    That is so for an empty body, HTML, a JSON object, several words, bytes that are not ASCII, and more than 1 KiB.
    """
    if len(body) > CODE_MAX_BYTES:
        return ""
    word = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").strip("\"' \t\r\n\v\f\0")
    return word if _CODE.fullmatch(word) else ""


def known_code(word: str) -> ErrorCode | None:
    """The code of that exact spelling, None where it is not in the table."""
    return _KNOWN.get(word)
