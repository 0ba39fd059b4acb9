"""A program of the tests: open a store, migrating it, and tell.

`python -m tests.store.starter URL KEY [without-alembic]`
"""

import asyncio
import sys

from adept.store.database import open_store


async def start(url: str, secret_key: str) -> None:
    """Open and close."""
    async with open_store(url, secret_keys=[secret_key] if secret_key else None, data_dir=None, migrate=True):
        sys.stdout.write("opened\n")


if __name__ == "__main__":
    asyncio.run(start(*sys.argv[1:3]))
    if sys.argv[3:] == ["without-alembic"] and "alembic" in sys.modules:
        sys.exit("alembic was imported")
