"""An exchange without what is secret or private: what `recording` writes.

Nothing is kept but what is known to be harmless: names of fields, Apple's enumerations and codes, what a device is
called in the shop, times, booleans, and the few headers that matter. Everything else gets a stand-in (`stand_ins`),
known or not: values under keys that Apple adds tomorrow, words of an error in plain text, the query of a URL. Secrets
leave only a label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from adept.client.exchange import Exchange
from adept.client.stand_ins import StandIns
from adept.protocol.error_codes import CODE_MAX_BYTES, known_code, normalise_code
from adept.protocol.profile import KEYS as PROFILE_KEYS
from adept.protocol.versions import ACCOUNT_KEYS_SINCE, KEYS_SINCE

SECRET_KEYS = frozenset(
    {"auth_session_token", "token"} | {"consumer_key", "consumer_secret", "access_token", "access_secret"}
)
WORD_KEYS = frozenset(
    {"profile_status", "op_type", "os", "device_family", "response_status", "org_type", "org_version"}
    | {"http_method", "skip_setup_items", "language", "region"}
)
"""Whose values are kept where they look like the words of an enumeration."""
TEXT_KEYS = frozenset({"model", "description", "color"})
"""Whose values are kept in a device, but for words that are private elsewhere."""
DEVICE_SIGNS = frozenset({"serial_number", "device_family", "profile_status"})
NUMBER_KEYS = frozenset({"limit", "default", "maximum", "retry_after_seconds"})
SECRET_HEADERS = frozenset({"authorization", "x-adm-auth-session", "cookie", "set-cookie", "proxy-authorization"})
KEPT_HEADERS: Mapping[str, re.Pattern[str]] = {
    "accept": re.compile(r"[a-z*]+/[\w.+*-]+(; ?charset=\"?[\w-]+\"?)?", re.IGNORECASE),
    "content-type": re.compile(r"[a-z]+/[\w.+-]+(; ?charset=\"?[\w-]+\"?)?", re.IGNORECASE),
    "x-server-protocol-version": re.compile(r"\d{1,3}"),
    "retry-after": re.compile(r"\d{1,9}|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"),
    "date": re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"),
    "www-authenticate": re.compile(r"ADM-Auth-Token|OAuth|Basic", re.IGNORECASE),
    "connection": re.compile(r"close|keep-alive", re.IGNORECASE),
    "user-agent": re.compile(r"adept/[\d.]{1,20}"),
}
"""Headers kept where their value fits; where it doesn't, and for all others, the value is replaced."""

FIELDS = frozenset(
    {*KEYS_SINCE, *ACCOUNT_KEYS_SINCE, *PROFILE_KEYS, *SECRET_KEYS, *NUMBER_KEYS}
    | {"devices", "device", "cursor", "more_to_follow", "fetched_until", "uri"}
)
"""Names of fields that stay, whatever words are private."""
_FIELD = re.compile(r"[a-z][A-Za-z_]{0,60}")
_ENUMERATED = re.compile(r"[A-Za-z]{1,40}|[A-Z]{2,20}(_[A-Z]{2,20}){1,5}|v\d{1,2}|-1")
_ENDPOINT = re.compile(r"(/[A-Za-z-]{1,40}){1,4}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?")
_CODE_SHAPE = re.compile(r"[A-Z]{2,20}(_[A-Z]{1,20}){1,8}|[a-z]{2,20}(_[a-z]{1,20}){1,8}")


class Sanitiser:
    """Sanitises the exchanges of one recording: what is equal in it stays equal. Not for several threads at once."""

    def __init__(self, key: bytes) -> None:
        self._stand_ins = StandIns(key)

    def sanitised(self, exchange: Exchange) -> tuple[dict[str, Any], dict[str, Any]]:
        """The exchange's request and answer, ready to be written as JSON."""
        self._once(exchange)  # so that what is private is known before anything is kept
        return self._once(exchange)

    def _once(self, exchange: Exchange) -> tuple[dict[str, Any], dict[str, Any]]:
        request, answer = exchange.request, exchange.answer
        return {
            "method": request.method,
            "path": self._path(request.path),
            "headers": self._headers(request.headers),
            "body": None if request.body is None else self._body(request.body),
        }, {
            "status": answer.status,
            "headers": self._headers(answer.headers),
            "body": self._body(answer.body),
        }

    def _path(self, path: str) -> str:
        place, _, query = path.partition("?")
        if not _ENDPOINT.fullmatch(place):
            place = quote(self._stand_ins.private(place), safe="/")
        if not query:
            return place
        pairs = [(self._key(key), self._text(value)) for key, value in parse_qsl(query, keep_blank_values=True)]
        return f"{place}?{urlencode(pairs)}"

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._header(name.lower(), value) for name, value in headers.items()}

    def _header(self, name: str, value: str) -> str:
        if name in SECRET_HEADERS:
            return self._stand_ins.secret(value)
        kept = KEPT_HEADERS.get(name)
        return value if kept and kept.fullmatch(value) else "replaced"

    def _body(self, body: bytes) -> Any:
        """A JSON object or list as such; anything else as text, quotes and all."""
        text = body.decode("utf-8", "replace")
        if text.lstrip()[:1] in ("{", "["):
            try:
                return self._value("", json.loads(text))
            except (ValueError, RecursionError):
                pass
        return self._plain(text)

    def _plain(self, text: str) -> str:
        """An error's code, be it quoted, or a text of which only the shape is left."""
        code = normalise_code(text.encode()[: CODE_MAX_BYTES + 1])
        if known_code(code) or (_CODE_SHAPE.fullmatch(code) and not self._stand_ins.is_known(code)):
            return text
        return self._stand_ins.private(text)

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self._by_serial(value) if key == "devices" else self._object(value)
        if isinstance(value, list):
            return [self._value("" if key == "devices" else key, entry) for entry in value]
        if isinstance(value, str):
            return self._string(key, value)
        if value is None or isinstance(value, bool) or key in NUMBER_KEYS:
            return value
        return self._number(value)

    def _object(self, values: dict[str, Any]) -> dict[str, Any]:
        is_device = not DEVICE_SIGNS.isdisjoint(values)
        return {
            self._key(key): self._value("" if key in TEXT_KEYS and not is_device else key, value)
            for key, value in values.items()
        }

    def _by_serial(self, values: dict[str, Any]) -> dict[str, Any]:
        """A map from serial numbers to devices, or to the word for each."""
        return {
            self._stand_ins.private(serial): self._value("response_status", value) for serial, value in values.items()
        }

    def _string(self, key: str, value: str) -> str:
        if key in SECRET_KEYS and value:
            return self._stand_ins.secret(value)
        if key in TEXT_KEYS:
            return self._stand_ins.public(value)
        is_word = key in WORD_KEYS and _ENUMERATED.fullmatch(value)
        is_place = key == "uri" and _ENDPOINT.fullmatch(value)
        nobody = key == "device_assigned_by" and value == "-1"  # Observed: where no person assigned it
        return value if is_word or is_place or nobody else self._text(value)

    def _text(self, value: str) -> str:
        if value.lower() in ("true", "false") or _TIME.fullmatch(value):
            return value
        return self._stand_ins.private(value)

    def _number(self, value: float) -> int:
        """Another number of about as many digits; fractions are lost, and with them all precision of huge floats."""
        digits = str(abs(value)) if isinstance(value, int) else f"{abs(value):.0f}" if abs(value) < 1e15 else "0"
        made = int(self._stand_ins.private(digits))
        return -made if value < 0 else made

    def _key(self, key: str) -> str:
        """Names of fields stay; a key that doesn't look like one is a value in the wrong place."""
        looks_harmless = _FIELD.fullmatch(key) and not self._stand_ins.is_known(key)
        return key if key in FIELDS or looks_harmless else self._stand_ins.private(key)
