"""That what is asked often is found by an index, whatever the size of the account. SQLite tells how it would do it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store import changes, device_matches, devices, due, inventory, passes
from adept.store.database import Store
from adept.store.device_filters import DeviceFilter, SearchField, SearchMode
from adept.store.device_pages import Order, Place, SortKey, page_of_devices
from adept.store.unsettled import unsettled_of
from tests.store.examples import NOW

BY_SERIAL = Order()
Ask = Callable[[AsyncConnection], Awaitable[Any]]


def listed(
    order: Order = BY_SERIAL,
    *,
    after: Place | None = None,
    dense: int = device_matches.DENSE,
    **which: Any,
) -> Ask:
    """A page of the devices that fit."""
    return lambda tx: page_of_devices(tx, DeviceFilter(**which), order, after=after, limit=10, dense=dense)


ASKED: dict[str, tuple[Ask, str]] = {
    "a page's devices": (
        lambda tx: devices.known(tx, 1, ["A1"]),
        "sqlite_autoindex_devices_1 (serial_number=? AND account_id=?)",
    ),
    "devices in doubt": (
        lambda tx: devices.in_doubt(tx, 1, "A", 10),
        "ix_devices_in_doubt (account_id=? AND serial_number>?)",
    ),
    "how many live": (lambda tx: devices.live_count(tx, 1), "ix_devices_live (account_id=?)"),
    "what a fetch has not shown": (
        lambda tx: devices.unseen(tx, 1, 1, "A", 10),
        "ix_devices_live (account_id=? AND serial_number>?)",
    ),
    "one serial number anywhere": (
        lambda tx: inventory.device_rows(tx, DeviceFilter(serial_number="A1"), limit=10),
        "sqlite_autoindex_devices_1 (serial_number=?)",
    ),
    "the next page of an account": (
        lambda tx: inventory.device_rows(tx, DeviceFilter(account_id=1), after=(1, "A1"), limit=10),
        "ix_devices_live (account_id=? AND serial_number>?)",
    ),
    "tombstones": (
        lambda tx: inventory.device_rows(tx, DeviceFilter(deleted=True), limit=10),
        "ix_devices_deleted",
    ),
    "a list by serial number": (listed(), "sqlite_autoindex_devices_1"),
    "the next page of it": (
        listed(after=Place("A1", 1, is_dense=True)),
        "sqlite_autoindex_devices_1 ((serial_number,account_id)>(?,?))",
    ),
    "a list of an account": (listed(account_id=1), "ix_devices_live (account_id=?)"),
    "a list by model": (listed(Order(SortKey.MODEL)), "ix_devices_model (model>?)"),
    "a list by last change": (listed(Order(SortKey.CHANGED_AT, descending=True)), "ix_devices_changed_at"),
    "a list by arrival": (listed(Order(SortKey.FIRST_SEEN_AT)), "ix_devices_first_seen_at"),
    "a family": (listed(family="Mac"), "ix_devices_serial_of_family (device_family=?)"),
    "a dense family": (
        listed(family="Mac", after=Place("A1", 1, is_dense=True)),
        "COVERING INDEX ix_devices_serial_of_family (device_family=? AND (serial_number,account_id)>(?,?))",
    ),
    "a family by model": (
        listed(Order(SortKey.MODEL), family="Mac", dense=0),
        "COVERING INDEX ix_devices_device_family (device_family=? AND model>?)",
    ),
    "a state": (listed(status="pushed"), "ix_devices_profile_status (profile_status=? AND deleted_at=?)"),
    "a profile": (listed(profile_uuid="AB"), "ix_devices_profile_uuid (profile_uuid=? AND deleted_at=?)"),
    "what changed lately": (listed(changed_since=NOW), "ix_devices_changed_at (changed_at>?)"),
    "what was seen lately": (listed(first_seen_since=NOW), "ix_devices_first_seen_at (first_seen_at>?)"),
    "the beginning of a serial number": (
        listed(search="C0", mode=SearchMode.PREFIX, field=SearchField.SERIAL_NUMBER),
        "sqlite_autoindex_devices_1 (serial_number>? AND serial_number<?)",
    ),
    "part of a serial number": (listed(search="C0", field=SearchField.SERIAL_NUMBER), "sqlite_autoindex_devices_1"),
    "a value": (listed(search="C0", mode=SearchMode.EXACT), "VIRTUAL TABLE INDEX 0:M1"),
    "the beginning of a value": (listed(search="C0", mode=SearchMode.PREFIX), "VIRTUAL TABLE INDEX 0:M1"),
    "any text": (listed(search="mac"), "ix_devices_all"),
    "any text in what a dense filter leaves": (listed(search="mac", family="Mac", dense=0), "ix_devices_all"),
    "the feed": (lambda tx: changes.changes_after(tx, 5, limit=10), "INTEGER PRIMARY KEY (rowid>?)"),
    "an account's feed": (
        lambda tx: changes.changes_after(tx, 5, account_id=1, limit=10),
        "ix_changes_account_id_id (account_id=? AND id>?)",
    ),
    "a device's feed": (
        lambda tx: changes.changes_after(tx, 5, serial="A1", limit=10),
        "ix_changes_serial_number (serial_number=? AND rowid>?)",
    ),
    "the pass that waits": (lambda tx: passes.queued_pass(tx, 1), "uq_passes_queued (account_id=?)"),
    "passes asked for of what is due": (
        lambda tx: due.due_accounts(tx, NOW, limit=10),
        "uq_passes_queued (account_id=?)",
    ),
    "tokens of what is due": (
        lambda tx: due.due_accounts(tx, NOW, limit=10),
        "ix_server_tokens_account_id (account_id=?)",
    ),
    "what is not settled": (lambda tx: unsettled_of(tx, 1), "ix_devices_in_doubt (account_id=? AND serial_number>?)"),
    "passes left running": (lambda tx: passes.lose_running(tx, 1, 3, NOW), "ix_passes_running (account_id=?)"),
}


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("asked", ASKED)
async def test_what_is_asked_often_is_found_by_an_index(store: Store, asked: str):
    ask, index = ASKED[asked]
    plan: list[str] = []

    @event.listens_for(store.engine.sync_engine, "before_cursor_execute")
    def explain(connection: Connection, _cursor, statement: str, parameters, *_):
        if statement.startswith(("SELECT", "UPDATE", "WITH")):
            explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan.extend(row[3] for row in explained)

    async with store.writing() as tx:
        await ask(tx)
    assert any(step.endswith(index) for step in plan), plan
    assert not [step for step in plan if step in ("SCAN devices", "SCAN changes", "SCAN passes")], plan
