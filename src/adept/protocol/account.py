"""The account: what GET /account says of the MDM server behind a token, and of its organisation.

Tolerant: a classic answer (before protocol version 3, or of an organisation still in the old Deployment Programs) has
neither `urls` nor the `org_*` identifiers. Apple's own sample of `urls` has wrong methods and stray commas, so entries
are matched by `uri` alone and one that can't be read is left out.
Source: Apple, "Get Account Detail" and "AccountDetail" (read 2026-11).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from adept.protocol.answers import malformed, mend_text, read_any, read_object, read_struct, split_object


class OrgType(StrEnum):
    """Kinds of organisation. Apple may add to it: fields hold plain strings."""

    EDUCATION = "edu"
    ORGANISATION = "org"
    TV_PROVIDER = "tvprovider"  # Observed: in the schemas of micromdm/apple-device-services only


class OrgVersion(StrEnum):
    """Which programme the organisation is in."""

    DEPLOYMENT_PROGRAMS = "v1"  # the old ones
    APPLE_BUSINESS_OR_SCHOOL_MANAGER = "v2"


class Limit(msgspec.Struct, frozen=True):
    """How many devices an endpoint answers in a page. Observed: 100 and 1000, on /server/devices and /devices/sync."""

    default: int
    maximum: int

    @property
    def is_sound(self) -> bool:
        """Whether the numbers make sense: at least 1, and the default no more than the maximum."""
        return 1 <= self.default <= self.maximum


class Url(msgspec.Struct, frozen=True):
    """One endpoint this token may use. `limit` is None where Apple names none, or none that makes sense."""

    uri: str
    http_method: tuple[str, ...] = ()  # Apple's sample has wrong ones: decide nothing by it
    limit: Limit | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What Apple says of the server token's owner. Absent, null and empty are all None."""

    server_name: str | None = None  # unique in the organisation; people change it
    server_uuid: str | None = None  # as sent: with dashes in Apple's sample, 32 hex in production
    admin_id: str | None = None  # who made the current token
    facilitator_id: str | None = None  # the deprecated twin of admin_id
    org_name: str | None = None
    org_email: str | None = None
    org_phone: str | None = None
    org_address: str | None = None  # may have several lines
    org_type: str | None = None  # OrgType, or what Apple adds; this and all below from version 3
    org_version: str | None = None  # OrgVersion, or what Apple adds
    org_id: str | None = None  # the customer number, digits
    org_id_hash: str | None = None  # 64 hex; the organizationIdHash of Apps and Books
    urls: tuple[Url, ...] = ()
    document: bytes = msgspec.field(default=b"", name="(document)")  # Apple's answer

    @property
    def server_uuid_normalised(self) -> str | None:
        """`server_uuid` in the one spelling that may be compared: lower case, without dashes."""
        return self.server_uuid.replace("-", "").strip().lower() if self.server_uuid else None

    def limit_for(self, uri: str) -> Limit | None:
        """Apple's limits of `/server/devices` or `/devices/sync`; None where it names none, or none that make sense."""
        return next((url.limit for url in self.urls if url.uri == uri and url.limit is not None), None)

    @property
    def extra(self) -> dict[str, Any]:
        """The keys of Apple's answer that this version of adept has no field for."""
        keys = split_object(self.document) if self.document else {}
        return {key: read_any(bytes(raw)) for key, raw in keys.items() if key not in Account.__struct_fields__}


_NUMBERS = ("org_id", "org_phone")


def decode_account(body: bytes, *, endpoint: str) -> Account:
    """Read an account; raises Malformed, also where the answer names neither a server's name nor its UUID."""
    what = "an account"
    document = mend_text(body)
    keys = read_object(document, endpoint=endpoint, what=what)
    urls = _read_urls(read_any(bytes(keys["urls"]))) if "urls" in keys else ()
    numbers = {key: _read_number(keys[key]) for key in _NUMBERS if key in keys}
    account = read_struct(document, Account, endpoint=endpoint, what=what, urls=urls, document=document, **numbers)
    if account.server_uuid is None and account.server_name is None:
        raise malformed(body, "it names no server", endpoint=endpoint, what=what, field="$.server_uuid")
    return account


def _read_number(raw: msgspec.Raw) -> Any:
    """Assumed: what consists of digits may come as a number one day."""
    found = read_any(bytes(raw))
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else found


def _read_urls(found: Any) -> tuple[Url, ...]:
    return tuple(url for url in map(_read_url, found) if url is not None) if isinstance(found, list) else ()


def _read_url(found: Any) -> Url | None:
    if not isinstance(found, dict) or not isinstance(found.get("uri"), str):
        return None
    methods = found.get("http_method")
    named = [methods] if isinstance(methods, str) else methods if isinstance(methods, list) else []
    return Url(found["uri"], tuple(name for name in named if isinstance(name, str)), _read_limit(found.get("limit")))


def _read_limit(found: Any) -> Limit | None:
    try:
        limit = msgspec.convert(found, Limit)
    except msgspec.ValidationError:
        return None
    return limit if limit.is_sound else None
