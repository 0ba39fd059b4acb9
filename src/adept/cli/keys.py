"""`adept keys`: API keys, for programs and for commands that ask a running service."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.access.names import read_name
from adept.access.roles import Role
from adept.cli.access_desk import at_access_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document, print_items
from adept.cli.storage import utc_now
from adept.cli.table import print_table
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.records.access import KeyRecord, NewKeyRecord

app = App(
    name="keys",
    help="Make, list and revoke API keys.",
    help_epilogue="Example: adept keys create backup --role viewer --expires 365",
)

COLUMNS = ("NAME", "ROLE", "SECRETS", "EXPIRES", "LAST USED", "REVOKED", "MADE BY")


@app.command(help_epilogue="Example: adept keys create backup --role viewer --expires 365")
def create(
    name: Annotated[str, Parameter(help="A name of your choice: a-z, 0-9 and . _ @ + -.")],
    /,
    *,
    role: Annotated[Role, Parameter(help="viewer reads; operator also syncs and decides holds; admin may all.")],
    expires: Annotated[int | None, Parameter(help="After so many days; default: never.")] = None,
    may_read_secrets: Annotated[
        bool, Parameter(help="Also for the one answer that holds the secrets of a server token (/dep/stoken/upload).")
    ] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Make an API key and print it: this once. Makes the database if there is none yet (SQLite)."""
    if expires is not None and not 1 <= expires <= 3650:
        raise Misuse(f"--expires must be 1 to 3650 days, not {expires}")
    key = run_async(_create(read_name(name, of="an API key"), role, expires, may_read_secrets=may_read_secrets))
    if output.json:
        print_document(key.model_dump())
    else:
        print(key.key)


@app.command(name="list", help_epilogue="Example: adept keys list --json")
def list_(
    *,
    revoked: Annotated[bool, Parameter(help="Those too that were revoked.")] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """List the API keys, without the keys themselves."""
    found = run_async(_all(with_revoked=revoked))
    if output.json:
        print_items(key.model_dump() for key in found)
    else:
        print_table(COLUMNS, map(_row, found), empty="There are no keys: adept keys create NAME --role viewer")


@app.command(help_epilogue="Example: adept keys revoke backup")
def revoke(name: Annotated[str, Parameter(help="The key's name.")], /, *, output: Output = FOR_PEOPLE) -> None:
    """Revoke an API key: it is worth nothing from the next request on."""
    run_async(_revoke(name))
    if output.json:
        print_document({"key": name, "revoked": True})
    else:
        print(f"Revoked key {name}.")


def _row(key: KeyRecord) -> tuple[object, ...]:
    secrets = key.may_read_secrets or None  # an empty cell is easier to see than "no"
    return (key.name, key.role, secrets, key.expires_at, key.last_used_at, key.revoked_at, key.created_by)


async def _create(name: str, role: Role, days: int | None, *, may_read_secrets: bool) -> NewKeyRecord:
    expires_at = utc_now() + timedelta(days=days) if days is not None else None
    async with at_access_desk(create=True) as desk:
        return await desk.create_key(name, role=role, may_read_secrets=may_read_secrets, expires_at=expires_at)


async def _all(*, with_revoked: bool) -> list[KeyRecord]:
    async with at_access_desk() as desk:
        return await desk.keys(with_revoked=with_revoked)


async def _revoke(name: str) -> None:
    async with at_access_desk() as desk:
        await desk.revoke_key(name)
