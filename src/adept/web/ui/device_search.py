"""The address of a list of devices: what it asks for, what was picked from it, and what a click makes of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, Field, ValidationError

from adept.errors import Misuse
from adept.records.device_query import Deleted, DeviceQuery, Mode
from adept.records.device_query import Field as SearchedField
from adept.store.device_pages import SortKey

PATH = "/devices"
MOST_PICKED = 500  # devices; the address has to hold them
SEARCH_LIMIT = 200  # characters
_HIGHEST = 2**53


class DeviceSearch(BaseModel):
    """What stands behind the `?`. Days are UTC's; both ends of a span are part of it."""

    search: str = ""
    mode: Mode = "contains"
    field: SearchedField = "any"
    account: str = ""
    family: str = ""
    status: str = ""
    profile: str = ""
    deleted: Deleted = "false"
    first_seen_from: str = ""
    first_seen_to: str = ""
    changed_from: str = ""
    changed_to: str = ""
    deleted_from: str = ""
    deleted_to: str = ""
    sort: SortKey = SortKey.SERIAL_NUMBER
    order: Literal["asc", "desc"] = "asc"
    cursor: str = Field(default="", max_length=2000)
    picked: str = Field(default="", max_length=20_000)  # ids with commas between
    only: Literal["", "picked"] = ""  # those that were picked, whatever the filters say

    def address(self, path: str = PATH, **changes: Any) -> str:
        """The address, with nothing in it that goes without saying."""
        found = self.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True)
        kept = {name: value for name, value in found.items() if name in DeviceSearch.model_fields}
        return f"{path}?{urlencode(kept, safe=',')}" if kept else path

    @property
    def was(self) -> str:
        """The address as a form carries it along."""
        return self.address("")[1:]

    def file_address(self, form: str) -> str:
        """Where all that is found is downloaded as a file."""
        picked = self.picked if self.only else ""
        address = self.address(f"{PATH}/export", cursor="", sort=SortKey.SERIAL_NUMBER, order="asc", picked=picked)
        return f"{address}{'&' if '?' in address else '?'}format={form}"

    @property
    def cleared(self) -> str:
        """The list without its filters."""
        return DeviceSearch(sort=self.sort, order=self.order, picked=self.picked).address()

    @property
    def picked_ids(self) -> tuple[int, ...]:
        """Who was picked, by the ids of their rows. Misuse for what is none."""
        return _ids(self.picked)

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is in force."""
        return bool(self._filters())

    @property
    def has_rare_filters(self) -> bool:
        """Whether one of those is in force that stand under "More filters"."""
        return bool(self._filters() - {"search", "mode", "account", "family", "status", "deleted", "only"})

    def _filters(self) -> set[str]:
        said = {
            name for name in self.model_fields_set if getattr(self, name) != DeviceSearch.model_fields[name].default
        }
        return said - {"sort", "order", "cursor", "picked"}

    def query(self) -> DeviceQuery:
        """What to ask for. Misuse, at its field, for what can't be asked."""
        if self.only:
            return self.query_of_picked()
        if len(self.search) > SEARCH_LIMIT:
            raise Misuse(f"this has more than {SEARCH_LIMIT} characters", field="search", way_out="search for less")
        return DeviceQuery(
            account=self.account or None,
            family=self.family or None,
            status=self.status or None,
            profile=self.profile.strip() or None,
            deleted=self.deleted,
            search=self.search.strip() or None,
            mode=self.mode,
            field=self.field,
            first_seen_since=self._day("first_seen_from"),
            first_seen_until=_next(self._day("first_seen_to")),
            changed_since=self._day("changed_from"),
            changed_until=_next(self._day("changed_to")),
            deleted_since=self._day("deleted_from"),
            deleted_until=_next(self._day("deleted_to")),
        )

    def query_of_picked(self) -> DeviceQuery:
        """Those that were picked, gone ones too."""
        return DeviceQuery(ids=self.picked_ids, deleted="any")

    def _day(self, name: str) -> datetime | None:
        text = getattr(self, name).strip()
        try:
            day = date.fromisoformat(text) if text else None
        except ValueError as error:
            raise Misuse(f"{text[:40]!r} is no day", field=name, way_out="write it as 2026-03-31") from error
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


class DeviceForm(DeviceSearch):
    """The list as a form: its filters as they were typed, what is ticked on this page, and which button was pressed.

    `sent` is the address of the page that has the form, without its path; None where there is no form. A button says
    what to change about it in `go`; without one, the filters count as they were typed.
    """

    sent: str | None = Field(default=None, max_length=30_000, alias="was")
    go: str = Field(default="", max_length=2100)
    shown: str = Field(default="", max_length=20_000)
    tick: list[int] = []
    export_picked: Literal["", "csv", "ndjson"] = ""

    def before(self) -> DeviceSearch:
        """The page that has the form."""
        return _search(parse_qsl(self.sent or ""))

    def after(self) -> DeviceSearch:
        """Where the button leads. Misuse where more was picked than the address holds."""
        was = self.before()
        changes = dict(parse_qsl(self.go, keep_blank_values=True))
        pick = changes.pop("pick", "")
        picked = "" if pick == "none" else _joined(self._picked(was, all_shown=pick == "page"))
        if changes.get("only") == "picked":
            return _search([("only", "picked"), ("picked", picked)])
        if pick or self.export_picked:
            return was.model_copy(update={"picked": picked})
        if changes:
            return _search([*_items(was), ("cursor", ""), ("picked", picked), *changes.items()])
        typed = [item for item in _items(self) if item[0] not in ("sort", "order", "cursor", "picked", "only")]
        if self.deleted == "false" and (self.deleted_from or self.deleted_to):
            typed.append(("deleted", "true"))  # no other has gone at all
        return _search([*typed, ("sort", was.sort), ("order", was.order), ("picked", picked)])

    def _picked(self, was: DeviceSearch, *, all_shown: bool) -> list[int]:
        shown = _ids(self.shown)
        there = shown if all_shown else tuple(number for number in shown if number in set(self.tick))
        picked = [number for number in was.picked_ids if number not in set(shown)] + list(there)
        if len(picked) > MOST_PICKED:
            raise Misuse(
                f"at most {MOST_PICKED} devices can be selected one by one",
                way_out="narrow the list by filters and export all that it finds",
            )
        return picked


def changes(**values: str) -> str:
    """The `go` of a button."""
    return urlencode(values)


def _search(items: Sequence[tuple[str, str]]) -> DeviceSearch:
    try:
        return DeviceSearch.model_validate(dict(items))
    except ValidationError as error:
        raise Misuse("this list's address can't be read", way_out="begin anew at Devices") from error


def _items(search: DeviceSearch) -> list[tuple[str, str]]:
    return [(name, str(getattr(search, name))) for name in DeviceSearch.model_fields]


def _next(day: datetime | None) -> datetime | None:
    try:
        return day + timedelta(days=1) if day else None
    except OverflowError:
        return None


def _ids(text: str) -> tuple[int, ...]:
    try:
        ids = tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        ids = (-1,)
    if not all(0 < number < _HIGHEST for number in ids):
        raise Misuse("the selection in this address can't be read", way_out="select the devices anew")
    return ids


def _joined(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))
