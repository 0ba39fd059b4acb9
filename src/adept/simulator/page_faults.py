"""Ways in which a page of devices is wrong. Each takes a good page and gives a bad one; the truth stays untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from msgspec.json import encode

from adept.simulator.clock import as_apple_time
from adept.simulator.documents import read
from adept.simulator.listings import LAST, ONWARD, RESTART, Page

STRANGER = "STRANGER0001"


def spoil(page: Page, word: str) -> Page:
    """The page with the fault of that word."""
    return _SPOILERS[word](page)


def _each(change: Callable[[dict[str, Any]], dict[str, Any]], *, only_first: bool = False) -> Callable[[Page], Page]:
    def spoiled(page: Page) -> Page:
        count = 1 if only_first else len(page.devices)
        changed = [encode(change(read(document))) for document in page.devices[:count]]
        return replace(page, devices=changed + page.devices[count:])

    return spoiled


def _without(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda device: {name: value for name, value in device.items() if name != key}


def _repeat_cursor(page: Page) -> Page:
    """The cursor asked with comes back, and more is said to follow. A first page repeats its own."""
    return replace(page, cursor=page.asked or page.spare_cursor(ONWARD), more_to_follow=True)


def _page_never_ends(page: Page) -> Page:
    return replace(page, cursor=page.spare_cursor(ONWARD), more_to_follow=True)


def _empty_page(page: Page) -> Page:
    """Nothing on it, more to follow, and the cursor that finds what was left out."""
    return replace(page, devices=[], cursor=page.spare_cursor(RESTART), more_to_follow=True)


def _truncated_fetch(page: Page) -> Page:
    half = page.devices[: len(page.devices) // 2]
    return replace(page, devices=half, cursor=page.spare_cursor(LAST), more_to_follow=False)


def _string_booleans(page: Page) -> Page:
    def as_words(device: dict[str, Any]) -> dict[str, Any]:
        return {key: str(value).lower() if isinstance(value, bool) else value for key, value in device.items()}

    return replace(_each(as_words)(page), more_to_follow=str(page.more_to_follow).lower())


def _duplicates(page: Page) -> Page:
    return replace(page, devices=[document for document in page.devices for _ in range(2)])


def _crossed_op_dates(page: Page) -> Page:
    """Each entry is followed by an older one of the same device that says otherwise."""
    devices = []
    for document in page.devices:
        entry = read(document)
        older = datetime.fromisoformat(entry["op_date"]) - timedelta(hours=1)
        opposite = "added" if entry["op_type"] == "deleted" else "deleted"
        devices += [document, encode(entry | {"op_type": opposite, "op_date": as_apple_time(older)})]
    return replace(page, devices=devices)


def _equal_op_dates(page: Page) -> Page:
    """All entries of the page happened in the same second, that of the last one."""
    dates = [read(document)["op_date"] for document in page.devices[-1:]]
    return _each(lambda device: device | {"op_date": dates[0]})(page)


def _stranger(page: Page) -> Page:
    marks = {"op_type": "modified", "op_date": as_apple_time(datetime.fromisoformat("2026-01-01T00:00:00Z"))}
    is_sync = any(b'"op_type"' in document for document in page.devices)
    stranger = {"serial_number": STRANGER, "model": "iPad", "profile_status": "empty", "device_family": "iPad"}
    return replace(page, devices=[*page.devices, encode(stranger | (marks if is_sync else {}))])


def _deleted(device: dict[str, Any]) -> dict[str, Any]:
    return device | {"op_type": "deleted", "op_date": device["device_assigned_date"]}


def _odd_serial(device: dict[str, Any]) -> dict[str, Any]:
    return device | {"serial_number": f" {str(device['serial_number']).lower()} "}


_EMPTY = {
    "asset_tag": "",
    "profile_assign_time": "",
    "profile_push_time": "",
    "mdm_migration_deadline": None,
    "eid": "",
}
_MALFORMED = {"device_assigned_date": "the day before yesterday", "imei": 17}
_FUTURE = {"key_of_the_future": {"kind": "unknown", "list": [1, None]}, "another_new_key": True}
_UNKNOWN = {"profile_status": "pending", "device_family": "Hologram", "os": "hologramOS"}

_SPOILERS: dict[str, Callable[[Page], Page]] = {
    "repeat_cursor": _repeat_cursor,
    "page_never_ends": _page_never_ends,
    "empty_page": _empty_page,
    "without_devices": lambda page: replace(page, devices=[], has_devices_key=False),
    "without_cursor": lambda page: replace(page, cursor=None),
    "without_fetched_until": lambda page: replace(page, fetched_until=None),
    "string_booleans": _string_booleans,
    "malformed_device": _each(lambda device: device | _MALFORMED, only_first=True),
    "malformed_devices": _each(lambda device: device | _MALFORMED),
    "unknown_keys": _each(lambda device: device | _FUTURE),
    "unknown_values": _each(lambda device: device | _UNKNOWN),
    "empty_strings": _each(lambda device: _EMPTY | device),
    "odd_serials": _each(_odd_serial),
    "duplicates": _duplicates,
    "stranger": _stranger,
    "truncated_fetch": _truncated_fetch,
    "empty_fetch": lambda page: replace(page, devices=[], cursor=page.spare_cursor(LAST), more_to_follow=False),
    "deleted_in_fetch": _each(_deleted, only_first=True),
    "crossed_op_dates": _crossed_op_dates,
    "equal_op_dates": _equal_op_dates,
    "without_op_type": _each(_without("op_type")),
    "without_op_date": _each(_without("op_date")),
    "unknown_op_type": _each(lambda device: device | {"op_type": "rearranged"}),
    "cursor_stays": lambda page: replace(page, cursor=page.asked, more_to_follow=False),
}
