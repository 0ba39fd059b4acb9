"""The cursor of a list of devices: after which device the next page begins, for that query in that order alone."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from zlib import crc32

import msgspec

from adept.errors import Misuse
from adept.records.device_query import DeviceQuery
from adept.store.device_pages import Order, Place, SortKey

_TIMES = (SortKey.FIRST_SEEN_AT, SortKey.CHANGED_AT)


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    list_id: int
    value: str | None
    tie: int
    is_dense: bool


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Cursor).decode


def write_cursor(place: Place, query: DeviceQuery, order: Order) -> str:
    """The cursor as it is given out; opaque to others."""
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    told = _Cursor(_list_id(query, order), value, place.tie, place.is_dense)
    return urlsafe_b64encode(_encode(told)).decode().rstrip("=")


def read_cursor(text: str | None, query: DeviceQuery, order: Order) -> Place | None:
    """The place that a cursor stands for. Misuse for one of another list, or of none."""
    if text is None:
        return None
    try:
        told = _decode(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        value = _value(told.value, order)
    except (ValueError, msgspec.MsgspecError) as error:
        raise _foreign(text) from error
    if told.list_id != _list_id(query, order) or not 0 <= told.tie < 2**63:
        raise _foreign(text)
    return Place(value, told.tie, told.is_dense)


def _value(value: str | None, order: Order) -> str | datetime | None:
    if order.key in _TIMES:
        return datetime.fromisoformat(value or "").astimezone(UTC)
    if value is None and order.key is SortKey.SERIAL_NUMBER:
        raise ValueError("every device has a serial number")
    return value


def _list_id(query: DeviceQuery, order: Order) -> int:
    return crc32(repr((query, order)).encode())


def _foreign(text: str) -> Misuse:
    return Misuse(f"the cursor {text[:40]!r} is none of this list's", way_out="use a next_cursor with its own query")
