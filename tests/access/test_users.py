"""Users: added, changed, and never so that nobody is left to look after them."""

from __future__ import annotations

import asyncio
import json

import pytest

from adept.access.admission import Visitor
from adept.access.roles import Role
from adept.access.users import add_user, change_own_password, change_user, set_password
from adept.errors import Conflict, Denied, Misuse, NotFound
from adept.records.access import one_user, user_list
from adept.store.audit import Actor, audit_entries
from adept.store.database import Store
from adept.store.users import StoredUser
from tests.access.people import PASSWORD, SOMEBODY, Clock, user

NEW = "a password that is new"
BOB = Actor("user", "bob", "192.0.2.8", "request-8")


async def acts(store: Store) -> list[str]:
    """What the audit log tells, oldest first."""
    async with store.reading() as tx:
        return [f"{entry.act} {entry.subject}" for entry in reversed(await audit_entries(tx, limit=100))]


async def edit(
    store: Store,
    clock: Clock,
    name: str,
    *,
    role: Role | None = None,
    disabled: bool | None = None,
    version: int | None = None,
) -> StoredUser:
    """Change a user."""
    return await change_user(store, name, role=role, disabled=disabled, version=version, by=BOB, now=clock)


async def test_a_user_is_added_in_lower_case_and_audited(store: Store, clock: Clock) -> None:
    added = await add_user(store, " Ann@Example.org ", role=Role.VIEWER, password=PASSWORD, by=SOMEBODY, now=clock)
    assert (added.name, added.role, added.created_at, added.version) == ("ann@example.org", "viewer", clock(), 1)
    assert PASSWORD not in added.password_hash
    assert await acts(store) == ["user.added ann@example.org"]


@pytest.mark.parametrize("name", ["", " ", "-ann", "ann smith", "änn", "a/b", "x" * 65, "ann\x00", "\u212aelvin"])
async def test_what_cant_stand_in_an_address_is_no_name(store: Store, clock: Clock, name: str) -> None:
    with pytest.raises(Misuse):
        await add_user(store, name, role=Role.VIEWER, password=PASSWORD, by=SOMEBODY, now=clock)
    assert await user_list(store) == []


async def test_a_name_is_given_once(store: Store, clock: Clock) -> None:
    await user(store)
    with pytest.raises(Conflict, match="ann"):
        await add_user(store, "ANN", role=Role.VIEWER, password=PASSWORD, by=SOMEBODY, now=clock)


async def test_a_password_that_wont_do_adds_nobody(store: Store, clock: Clock) -> None:
    with pytest.raises(Misuse, match="12"):
        await add_user(store, "ann", role=Role.VIEWER, password="too short", by=SOMEBODY, now=clock)
    assert await user_list(store) == []


async def test_a_change_is_written_with_what_was_and_what_is(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    changed = await edit(store, clock, "Ann", role=Role.OPERATOR, version=1)
    assert (changed.role, changed.version) == ("operator", 2)
    async with store.reading() as tx:
        (entry,) = await audit_entries(tx, limit=1)
    assert (entry.act, entry.actor, entry.address, entry.subject) == ("user.changed", "bob", "192.0.2.8", "ann")
    assert json.loads(entry.before or "") == {"role": "admin", "disabled": False}
    assert json.loads(entry.after or "") == {"role": "operator", "disabled": False}


async def test_disabling_and_enabling_have_words_of_their_own(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    disabled = await edit(store, clock, "ann", disabled=True)
    clock.advance(hours=1)
    same = await edit(store, clock, "ann", role=Role.VIEWER)
    enabled = await edit(store, clock, "ann", disabled=False)
    assert (disabled.disabled_at, same.disabled_at, enabled.disabled_at) == (
        disabled.disabled_at,
        disabled.disabled_at,
        None,
    )
    assert (await acts(store))[2:] == ["user.disabled ann", "user.changed ann", "user.enabled ann"]


async def test_a_change_to_what_is_so_already_writes_nothing(store: Store, clock: Clock) -> None:
    await user(store)
    same = await edit(store, clock, "ann", role=Role.ADMIN, disabled=False, version=99)
    assert same.version == 1
    assert await acts(store) == ["user.added ann"]


async def test_of_two_who_edit_one_user_the_second_is_told_of_the_first(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    await edit(store, clock, "ann", role=Role.OPERATOR, version=1)
    with pytest.raises(Conflict, match="by bob at 2026-11-22 12:00:00Z") as refused:
        await edit(store, clock, "ann", disabled=True, version=1)
    assert refused.value.current == {
        "name": "ann",
        "role": "operator",
        "created_at": clock(),
        "disabled_at": None,
        "last_login_at": None,
        "version": 2,
    }


async def test_the_last_administrator_stays_one(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob", Role.OPERATOR)
    await user(store, "gone")
    await edit(store, clock, "gone", disabled=True)
    for change in ({"role": Role.VIEWER}, {"disabled": True}):
        with pytest.raises(Conflict, match="last administrator"):
            await edit(store, clock, "ann", **change)


async def test_two_administrators_cant_take_each_others_rights_at_the_same_moment(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    edits = [edit(store, clock, name, role=Role.VIEWER) for name in ("ann", "bob")]
    results = await asyncio.gather(*edits, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "StoredUser"]
    assert sorted(record.role for record in await user_list(store)) == ["admin", "viewer"]


async def test_unknown_users_are_not_found(store: Store, clock: Clock) -> None:
    await user(store)
    with pytest.raises(NotFound, match="bob"):
        await edit(store, clock, "bob", disabled=True)
    with pytest.raises(NotFound):
        await set_password(store, "bob", NEW, by=SOMEBODY, now=clock)
    with pytest.raises(NotFound):
        await one_user(store, "bob\x00\ud800")


async def test_another_password_is_an_edit_and_audited_without_it(store: Store, clock: Clock) -> None:
    await user(store)
    changed = await set_password(store, "ann", NEW, by=SOMEBODY, now=clock)
    assert changed.version == 2
    async with store.reading() as tx:
        (entry,) = await audit_entries(tx, limit=1)
    assert (entry.act, entry.before, entry.after) == ("user.password_changed", None, None)


async def test_ones_own_password_is_changed_by_who_knows_the_old_one(store: Store, clock: Clock) -> None:
    await user(store)

    async def change(old: str, new: str) -> None:
        await change_own_password(
            store, "ann", old=old, new=new, session_id=None, visitor=Visitor(address="192.0.2.7"), by=BOB, now=clock
        )

    with pytest.raises(Denied) as refused:
        await change("not the old one", NEW)
    assert (refused.value.status, refused.value.code) == (403, "wrong_password")
    with pytest.raises(Misuse):
        await change(PASSWORD, "short")
    await change(PASSWORD, NEW)
    with pytest.raises(Denied):
        await change(PASSWORD, NEW)


async def test_users_are_shown_by_name_and_without_a_hash(store: Store) -> None:
    await user(store, "bob", Role.VIEWER)
    await user(store, "ann")
    records = await user_list(store)
    assert [record.name for record in records] == ["ann", "bob"]
    assert "argon2" not in "".join(record.model_dump_json() for record in records)
    assert "argon2" not in repr(await user(store, "carl"))
