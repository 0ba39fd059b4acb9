"""The words for faults: depsim's, and ours in its manner.

    bad_request, bad_request_invalid_cursor, unauthorized, forbidden, forbidden_t_c_not_signed, invalid_method, …
        an error in place of service, one for every code of Apple's
    not_accessible, failed, throttled, not_found, missing_devices, …
        service with that outcome for each device asked about; nothing changes
    repeat_cursor, page_never_ends, truncated_fetch, malformed_device, …
        a fetch or sync page that is wrong in one way (`page_faults.py`)
    drop_before, drop_during, drop_after, half_body, slow, …
        trouble on the line; the act took effect with all but drop_before
    success
        good service: a pause between other faults

Observed: depsim's words, in configuration files of the field; `forbidden` is 403 FORBIDDEN, as Apple documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from adept.errors import ConfigError

_FETCH, _SYNC = "post_server_devices", "post_devices_sync"
_PAGES = frozenset({_FETCH, _SYNC})
_ASSIGN = frozenset({"post_profile_devices", "put_profile_devices"})
_RESULTS = _ASSIGN | {"post_devices", "post_devices_disown", "post_profile", "delete_profile_devices"}
_LOCK = frozenset({"post_device_activationlock"})
_DISCOVERY = frozenset(f"{method}_account_driven_enrollment_profile" for method in ("post", "get", "delete"))
ENDPOINTS = (
    _PAGES
    | _RESULTS
    | _LOCK
    | _DISCOVERY
    | {"get_session", "get_account", "get_profile", "get_device_replacementdetails", "get_os_beta_enrollment_tokens"}
)

_BAD_REQUESTS = (
    "MALFORMED_REQUEST_BODY",
    "USER_AGENT_MISSING",
    "USER_AGENT_INVALID",
    "INVALID_CURSOR",
    "EXHAUSTED_CURSOR",
    "EXPIRED_CURSOR",
    "CURSOR_REQUIRED",
    "DEVICE_ID_REQUIRED",
    "PROFILE_UUID_REQUIRED",
    "NOT_FOUND",
    "PROFILE_NOT_FOUND",
    "CONFIG_NAME_REQUIRED",
    "CONFIG_NAME_INVALID",
    "CONFIG_URL_REQUIRED",
    "CONFIG_URL_INVALID",
    "DEPARTMENT_REQUIRED",
    "DEPARTMENT_INVALID",
    "SUPPORT_PHONE_REQUIRED",
    "SUPPORT_PHONE_INVALID",
    "SUPPORT_EMAIL_INVALID",
    "MAGIC_INVALID",
    "FLAGS_INVALID",
    "LOCALE_INVALID",
    "DESCRIPTION_INVALID",
    "MDM_SERVICE_DISCOVERY_URL_REQUIRED",
    "MDM_SERVICE_DISCOVERY_URL_NOT_VALID",
    "ORG_NOT_SUPPORTED",
)
_UNAUTHORIZED = ("signature_invalid", "token_rejected", "EXPIRED_TOKEN")
_FORBIDDEN = ("ACCESS_DENIED", "T_C_NOT_SIGNED", "APPLE_SEED_FOR_IT_TURNED_OFF", "signature_invalid", "token_rejected")


@dataclass(frozen=True)
class Word:
    """One word and what it does: either `status` and `code` in place of service, or an `effect` on it."""

    name: str
    status: int | None = None
    code: str = ""
    retry_after_s: float | None = None  # sent as seconds, or as a date
    retry_as_date: bool = False
    effect: str | None = None  # result, page, line, session: who carries it out
    value: str = ""  # for effect `result`: the status that every device gets
    endpoints: frozenset[str] | None = None  # None: any


def _refusals() -> Iterable[Word]:
    yield Word("bad_request", 400)
    for code in _BAD_REQUESTS:
        yield Word(f"bad_request_{code.lower()}", 400, code)
    yield Word("unauthorized", 401, "UNAUTHORIZED")
    for code in _UNAUTHORIZED:
        yield Word(f"unauthorized_{code.lower()}", 401, code)
    yield Word("forbidden", 403, "FORBIDDEN")
    for code in _FORBIDDEN:
        yield Word(f"forbidden_{code.lower()}", 403, code)
    for code in ("PROFILE_NOT_FOUND", "DEVICE_NOT_FOUND"):
        yield Word(f"not_found_{code.lower()}", 404, code)
    yield Word("invalid_method", 405)
    for name, status, code, seconds in (
        ("too_many_requests", 429, "TOO_MANY_REQUESTS", 10),
        ("service_unavailable", 503, "", 120),
    ):
        yield Word(name, status, code, retry_after_s=seconds)
        yield Word(f"{name}_date", status, code, retry_after_s=seconds, retry_as_date=True)
        yield Word(f"{name}_without_retry_after", status, code)
    yield Word("internal_server_error", 500)
    yield Word("gateway_timeout", 504)


def _results() -> Iterable[Word]:
    def result(name: str, value: str, endpoints: frozenset[str]) -> Word:
        return Word(name, effect="result", value=value, endpoints=endpoints)

    yield result("not_accessible", "NOT_ACCESSIBLE", _RESULTS | _LOCK)
    yield result("failed", "FAILED", _RESULTS | _LOCK)
    yield result("throttled", "THROTTLED", _RESULTS)
    yield result("unknown_status", "STATUS_OF_THE_FUTURE", _RESULTS | _LOCK)
    yield result("missing_devices", "", _RESULTS)
    yield result("strange_device", "+", _RESULTS)
    yield result("device_not_supported", "DEVICE_NOT_SUPPORTED", _LOCK)
    yield result("device_already_locked", "DEVICE_ALREADY_LOCKED", _LOCK)
    yield result("org_not_supported", "ORG_NOT_SUPPORTED", _LOCK)


_PAGE_WORDS = (
    "repeat_cursor",
    "page_never_ends",
    "empty_page",
    "without_devices",
    "without_cursor",
    "without_fetched_until",
    "string_booleans",
    "malformed_device",
    "malformed_devices",
    "unknown_keys",
    "unknown_values",
    "empty_strings",
    "odd_serials",
    "duplicates",
    "stranger",
)
_FETCH_WORDS = ("truncated_fetch", "empty_fetch", "deleted_in_fetch")
_SYNC_WORDS = (
    "crossed_op_dates",
    "equal_op_dates",
    "without_op_type",
    "without_op_date",
    "unknown_op_type",
    "cursor_stays",
)
_LINE_WORDS = (
    "drop_before",
    "drop_during",
    "drop_after",
    "half_body",
    "slow",
    "slow_body",
    "bad_gateway_html",
    "success_html",
    "success_empty",
    "success_wrong_shape",
    "redirect",
)
_SESSION_WORDS = ("expire_session", "new_session_token")


def _effects() -> Iterable[Word]:
    yield Word("success")
    for name in _PAGE_WORDS:
        yield Word(name, effect="page", endpoints=_PAGES)
    for name in _FETCH_WORDS:
        yield Word(name, effect="page", endpoints=frozenset({_FETCH}))
    for name in _SYNC_WORDS:
        yield Word(name, effect="page", endpoints=frozenset({_SYNC}))
    for name in _LINE_WORDS:
        yield Word(name, effect="line")
    for name in _SESSION_WORDS:
        yield Word(name, effect="session", endpoints=ENDPOINTS - {"get_session"})
    yield Word("empty_session_token", effect="session", endpoints=frozenset({"get_session"}))


WORDS = {word.name: word for word in (*_refusals(), *_results(), *_effects())}
_NOT_FOUND_RESULT = Word("not_found", effect="result", value="NOT_FOUND", endpoints=_RESULTS)
_NOT_FOUND = Word("not_found", 404, "NOT_FOUND")


def find_word(name: str, endpoint: str) -> Word:
    """The word as it is meant at this endpoint. Raises ConfigError for one unknown, or without sense there."""
    if name == "not_found":  # of a device where devices are asked about; of the thing asked for elsewhere
        return _NOT_FOUND_RESULT if endpoint in ("post_devices", "post_devices_disown") else _NOT_FOUND
    word = WORDS.get(name)
    if word is None:
        near = get_close_matches(name, WORDS, n=3)
        raise ConfigError(
            f"the simulator knows no response {name!r} (for {endpoint})",
            way_out=f"did you mean {' or '.join(near)}?" if near else "the words stand in adept.simulator.fault_words",
        )
    if word.endpoints is not None and endpoint != "*" and endpoint not in word.endpoints:
        raise ConfigError(f"the response {name!r} makes no sense for {endpoint}")
    return word
