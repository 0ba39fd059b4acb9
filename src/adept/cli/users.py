"""`adept users`: the people who may log in to the service."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.access.names import read_name
from adept.access.roles import Role
from adept.cli import files
from adept.cli.access_desk import at_access_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, counted, print_document, print_items
from adept.cli.table import print_table
from adept.errors import Misuse, TokenFileError

if TYPE_CHECKING:
    from adept.records.access import UserRecord

app = App(
    name="users",
    help="Look after the people who may log in to the service.",
    help_epilogue="Example: adept users add ann --role admin",
)

COLUMNS = ("NAME", "ROLE", "LAST LOGIN", "DISABLED", "ADDED")

UserName = Annotated[str, Parameter(help="The user's name.")]
RoleOption = Annotated[Role, Parameter(help="viewer reads; operator also syncs and decides holds; admin may all.")]
PasswordFile = Annotated[
    Path | None,
    Parameter(
        help="The password is this file's first line; - is standard input. Default: ask for it.",
        allow_leading_hyphen=True,
    ),
]


@app.command(help_epilogue="Example: adept users add ann --role admin")
def add(
    name: Annotated[str, Parameter(help="A name of your choice: a-z, 0-9 and . _ @ + -.")],
    /,
    *,
    role: RoleOption,
    password_file: PasswordFile = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Add a user. Makes the database if there is none yet (SQLite): so the first administrator can be named as well."""
    name = read_name(name, of="a user")
    user = run_async(_add(name, role, _new_password(name, password_file)))
    if output.json:
        print_document(user.model_dump())
    else:
        print(f"Added user {user.name} with the role {user.role}.")


@app.command(name="list", help_epilogue="Example: adept users list --json")
def list_(*, output: Output = FOR_PEOPLE) -> None:
    """List the users."""
    found = run_async(_all())
    if output.json:
        print_items(user.model_dump() for user in found)
        return
    rows = [(user.name, user.role, user.last_login_at, user.disabled_at, user.created_at) for user in found]
    print_table(COLUMNS, rows, empty="There are no users yet: adept users add NAME --role admin")


@app.command(help_epilogue="Example: adept users role ann operator")
def role(
    name: UserName,
    role: Annotated[Role, Parameter(help="viewer, operator or admin.")],
    /,
    *,
    output: Output = FOR_PEOPLE,
) -> None:
    """Give a user another role, from the next request on. The last administrator stays one."""
    _tell(run_async(_change(name, role=role)), f"has the role {role}", output)


@app.command(help_epilogue="Example: adept users disable ann")
def disable(name: UserName, /, *, output: Output = FOR_PEOPLE) -> None:
    """End a user's sessions and let them log in no more. Users are not deleted: the audit log names them."""
    _tell(run_async(_change(name, disabled=True)), "can't log in any more", output)


@app.command(help_epilogue="Example: adept users enable ann")
def enable(name: UserName, /, *, output: Output = FOR_PEOPLE) -> None:
    """Let a disabled user log in again."""
    _tell(run_async(_change(name, disabled=False)), "can log in", output)


@app.command(help_epilogue="Example: adept users password ann")
def password(name: UserName, /, *, password_file: PasswordFile = None, output: Output = FOR_PEOPLE) -> None:
    """Give a user another password. Their sessions end, and they can log in at once, whatever was tried before."""
    _tell(run_async(_set_password(name, _new_password(name, password_file))), "has another password", output)


@app.command(name="sign-out", help_epilogue="Example: adept users sign-out ann")
def sign_out(name: UserName, /, *, output: Output = FOR_PEOPLE) -> None:
    """End all of a user's sessions."""
    ended = run_async(_end_sessions(name))
    if output.json:
        print_document({"user": name, "sessions": ended})
    else:
        print(f"Ended {counted(ended, 'session')} of user {name}.")


def _tell(user: UserRecord, what: str, output: Output) -> None:
    if output.json:
        print_document(user.model_dump())
    else:
        print(f"User {user.name} {what}.")


def _new_password(name: str, file: Path | None) -> str:
    """From the file, or asked for twice at the terminal. Checked before anything else is done."""
    from adept.access.passwords import check_password

    entered = _read(file) if file is not None else _ask(name)
    check_password(entered)
    return entered


def _read(file: Path) -> str:
    line = files.read_password(file)
    try:
        return (line or b"").decode()
    except UnicodeDecodeError as error:
        raise TokenFileError(f"the password file {file} is not text in UTF-8") from error


def _ask(name: str) -> str:
    if not sys.stdin.isatty():
        raise Misuse("there is no terminal at which to ask for the password", way_out="add --password-file FILE")
    entered = getpass.getpass(f"New password of {name}: ")
    if getpass.getpass("Once more: ") != entered:
        raise Misuse("the two passwords are not the same; nothing was changed")
    return entered


async def _add(name: str, role: Role, password: str) -> UserRecord:
    async with at_access_desk(create=True) as desk:
        return await desk.add_user(name, role=role, password=password)


async def _all() -> list[UserRecord]:
    async with at_access_desk() as desk:
        return await desk.users()


async def _change(name: str, *, role: Role | None = None, disabled: bool | None = None) -> UserRecord:
    async with at_access_desk() as desk:
        return await desk.change_user(name, role=role, disabled=disabled)


async def _set_password(name: str, password: str) -> UserRecord:
    async with at_access_desk() as desk:
        return await desk.set_password(name, password)


async def _end_sessions(name: str) -> int:
    async with at_access_desk() as desk:
        return await desk.end_sessions(name)
