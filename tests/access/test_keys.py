"""API keys: made, known again, run out, revoked."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from adept.access.caller import Caller, caller_of, is_use_noted, key_in, note_use
from adept.access.keys import create_key, revoke_key
from adept.access.roles import Role
from adept.errors import Conflict, Denied, Misuse, NotFound
from adept.records.access import key_list, new_key_record, one_key
from adept.store.audit import audit_entries
from adept.store.database import Store
from tests.access.people import SOMEBODY, Clock


async def made(store: Store, clock: Clock, name: str = "backup", role: Role = Role.VIEWER, **options: object) -> str:
    """A new key."""
    _, key = await create_key(store, name, role=role, by=SOMEBODY, now=clock, **options)  # type: ignore[arg-type]
    return key


async def caller(store: Store, authorization: str, clock: Clock) -> Caller | None:
    """Who comes with the header."""
    return await caller_of(
        store, cookie=None, authorization=authorization, address="192.0.2.7", request_id="request-1", now=clock
    )


def basic(user: str, password: str) -> str:
    """The header of HTTP Basic."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


async def test_a_key_is_a_prefix_and_256_random_bits(store: Store, clock: Clock) -> None:
    keys = {await made(store, clock, name) for name in ("one", "two")}
    assert len(keys) == 2
    assert all(key.startswith("adk_") and len(key) == 4 + 43 for key in keys)


async def test_a_key_is_known_as_bearer_or_as_the_password_of_anybody(store: Store, clock: Clock) -> None:
    key = await made(store, clock, role=Role.OPERATOR)
    for header in (f"Bearer {key}", f"bearer  {key} ", basic("anybody", key), basic("", key)):
        found = await caller(store, header, clock)
        assert found is not None, header
        assert (found.actor.kind, found.actor.name, found.role) == ("key", "backup", Role.OPERATOR)
        assert (found.may_read_secrets, found.session_id) == (False, None)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer adk_",
        "Bearer adk_" + "A" * 43,
        "Bearer adk_\u00e9\ud800",
        "Basic !!!",
        "Basic",
        "Basic " + base64.b64encode(b"adk_without-colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Digest adk_x",
    ],
)
async def test_what_is_no_key_is_nobody(store: Store, clock: Clock, header: str) -> None:
    await made(store, clock)
    assert await caller(store, header, clock) is None


async def test_a_keys_hash_or_half_of_it_is_no_key(store: Store, clock: Clock) -> None:
    row, key = await create_key(store, "backup", role=Role.ADMIN, by=SOMEBODY, now=clock)
    for wrong in (f"adk_{row.secret_hash.hex()}", key[:-1], key + "A", key.swapcase()):
        assert await caller(store, f"Bearer {wrong}", clock) is None
    assert key not in repr(row)
    assert row.secret_hash.hex() not in repr(row)


async def test_a_session_counts_where_the_header_holds_somebody_elses_password() -> None:
    assert key_in(basic("ann", "password of a proxy")) is None


async def test_a_key_is_good_until_it_runs_out(store: Store, clock: Clock) -> None:
    key = await made(store, clock, expires_at=clock() + timedelta(days=1))
    clock.advance(hours=23, minutes=59)
    assert await caller(store, f"Bearer {key}", clock) is not None
    clock.advance(minutes=1)
    assert await caller(store, f"Bearer {key}", clock) is None


async def test_a_key_cant_begin_as_run_out_or_last_for_ages(store: Store, clock: Clock) -> None:
    for expires_at in (clock(), clock() - timedelta(days=1), clock() + timedelta(days=4000)):
        with pytest.raises(Misuse):
            await made(store, clock, expires_at=expires_at)
    assert await key_list(store) == []


async def test_a_revoked_key_is_worth_nothing_and_its_name_is_free(store: Store, clock: Clock) -> None:
    first = await made(store, clock)
    await revoke_key(store, "Backup", by=SOMEBODY, now=clock)
    second = await made(store, clock, role=Role.ADMIN)
    assert await caller(store, f"Bearer {first}", clock) is None
    assert await caller(store, f"Bearer {second}", clock) is not None
    assert (await one_key(store, "backup")).role is Role.ADMIN
    assert [record.revoked_at for record in await key_list(store)] == [None]
    assert [record.revoked_at for record in await key_list(store, with_revoked=True)] == [None, clock()]


async def test_revoking_twice_is_harmless_and_an_unknown_key_is_not_found(store: Store, clock: Clock) -> None:
    await made(store, clock)
    for _ in range(2):
        await revoke_key(store, "backup", by=SOMEBODY, now=clock)
    for name in ("other", "backup\x00", "\ud800"):
        with pytest.raises(NotFound):
            await revoke_key(store, name, by=SOMEBODY, now=clock)
    async with store.reading() as tx:
        assert [entry.act for entry in await audit_entries(tx, limit=9)] == ["key.revoked", "key.created"]


async def test_a_live_keys_name_is_taken(store: Store, clock: Clock) -> None:
    await made(store, clock)
    with pytest.raises(Conflict, match="backup"):
        await made(store, clock, "BACKUP")


async def test_the_last_use_is_noted_to_the_minute(store: Store, clock: Clock) -> None:
    key = await made(store, clock)
    assert (await one_key(store, "backup")).last_used_at is None
    noted = []
    for _ in range(5):
        found = await caller(store, f"Bearer {key}", clock)
        assert found is not None
        if not is_use_noted(found, clock()):
            await note_use(store, found, now=clock)
            noted.append(clock())
        clock.advance(seconds=25)
    assert len(noted) == 2
    assert (await one_key(store, "backup")).last_used_at == noted[-1]


async def test_a_key_is_shown_once_and_its_hash_never(store: Store, clock: Clock) -> None:
    row, key = await create_key(store, "backup", role=Role.VIEWER, by=SOMEBODY, now=clock)
    assert new_key_record(row, key).key == key
    told = (await one_key(store, "backup")).model_dump_json()
    assert key not in told
    assert row.secret_hash.hex() not in told


async def test_a_key_is_audited_with_what_it_may_and_without_itself(store: Store, clock: Clock) -> None:
    key = await made(store, clock, may_read_secrets=True)
    async with store.reading() as tx:
        (entry,) = await audit_entries(tx, limit=9)
    assert (entry.act, entry.actor, entry.subject) == ("key.created", "tests", "backup")
    assert entry.after == '{"expires_at":null,"may_read_secrets":true,"role":"viewer"}'
    assert key not in str(entry)


@pytest.mark.parametrize(
    ("has", "gives", "may"),
    [
        ((Role.ADMIN, True), (Role.ADMIN, True), True),
        ((Role.ADMIN, False), (Role.ADMIN, False), True),
        ((Role.ADMIN, False), (Role.VIEWER, True), False),
        ((Role.OPERATOR, True), (Role.ADMIN, False), False),
    ],
)
async def test_nobody_gives_others_more_than_they_have(
    store: Store, clock: Clock, has: tuple[Role, bool], gives: tuple[Role, bool], *, may: bool
) -> None:
    key = await made(store, clock, role=has[0], may_read_secrets=has[1])
    giver = await caller(store, f"Bearer {key}", clock)
    assert giver is not None
    if may:
        giver.check_may_give(gives[0], may_read_secrets=gives[1])
        return
    with pytest.raises(Denied) as refused:
        giver.check_may_give(gives[0], may_read_secrets=gives[1])
    assert (refused.value.status, refused.value.code) == (403, "may_not_give")


def test_a_role_covers_itself_and_those_below() -> None:
    order = [Role.VIEWER, Role.OPERATOR, Role.ADMIN]
    assert [[role.covers(needed) for needed in order] for role in order] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
