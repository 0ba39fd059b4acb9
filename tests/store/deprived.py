"""A program of the tests: open a store as a user without rights, or on a disk too small, and tell what comes of it.

`python tests/store/deprived.py ACTION URL SECRET_KEY [MIB_OF_DISK]`. Prints one line of JSON. Started as root it gives
its rights away once everything is imported. With a size, a disk that small is mounted over the database's directory
first, in a mount namespace of this program alone (`unshare --mount`).
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from adept.errors import AdeptError
from adept.store import accounts, devices, files
from adept.store.database import Store, open_store
from tests.store.examples import device_row

NOBODY = 65534


async def read(store: Store) -> object:
    """The names of the accounts."""
    async with store.reading() as tx:
        return [account.name for account in await accounts.all_accounts(tx)]


async def write(store: Store) -> object:
    """Add an account."""
    async with store.writing() as tx:
        return (await accounts.add_account(tx, "new", "https://x", datetime.now(UTC))).name


async def fill(store: Store) -> object:
    """Add pages of devices until an error, then tell it and what is there after it."""
    async with store.writing() as tx:
        account = await accounts.add_account(tx, "full", "https://x", datetime.now(UTC))
    put = 0
    try:
        while put < 1_000_000:
            async with store.writing() as tx:
                rows = [device_row(f"A{put + number:07}", document="x" * 400) for number in range(1000)]
                await devices.put(tx, account.id, rows)
            put += 1000
    except AdeptError as error:
        async with store.reading() as tx:
            there = await devices.live_count(tx, account.id)
        return {"put": put, "there": there, "error": str(error)}
    return {"put": put}


async def nothing(store: Store) -> object:
    """Only open it."""
    return store.dialect_name


ACTIONS: dict[str, Callable[[Store], Awaitable[object]]] = {"read": read, "write": write, "fill": fill, "open": nothing}


def half_a_file(directory: Path) -> dict[str, object]:
    """Write a key file larger than the disk."""
    try:
        files.write_new(directory / "secret.key", b"x" * 2_000_000)
    except OSError as error:
        return {"result": error.strerror, "left": os.listdir(directory)}
    return {"result": "written"}


async def act(action: str, url: str, secret_key: str) -> dict[str, object]:
    """Open the store and do it."""
    if action == "half-a-file":
        return half_a_file(Path(url.removeprefix("sqlite:///")).parent)
    keys = [secret_key] if secret_key else None
    try:
        async with open_store(url, secret_keys=keys, data_dir=None, migrate=True, busy_timeout_s=1) as store:
            return {"result": await ACTIONS[action](store)}
    except AdeptError as error:
        return {"kind": type(error).__name__, "error": str(error)}


def shrink_the_disk(directory: Path, size: str) -> None:
    """Put a disk of that many MiB in the directory's place, and what was in the directory on it."""
    content = {file.name: file.read_bytes() for file in directory.iterdir()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=0777", "tmpfs", directory], check=True)
    for name, kept in content.items():
        (directory / name).write_bytes(kept)


def main() -> None:
    """Mount if asked, give rights away unless mounted, act, tell."""
    action, url, secret_key, *size = sys.argv[1:]
    with TemporaryDirectory() as directory:  # everything is imported while we may read it
        asyncio.run(act("write", f"sqlite:///{directory}/rehearsal.sqlite3", secret_key))
    if size:
        shrink_the_disk(Path(url.removeprefix("sqlite:///")).parent, size[0])
    elif os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    sys.stdout.write(json.dumps(asyncio.run(act(action, url, secret_key))) + "\n")


if __name__ == "__main__":
    main()
