"""A program of the tests: cancel a statement of SQLite's twice while it runs, and end.

`python -m tests.store.impatient FILE`
"""

import asyncio
import sys
import threading
from pathlib import Path

from sqlalchemy import text

from adept.store.database import Store, open_store

ENDLESS = text("WITH RECURSIVE row(x) AS (SELECT started() UNION ALL SELECT 0 FROM row) SELECT count(*) FROM row")


async def lose_patience(file: Path) -> None:
    """As who presses Ctrl-C, and again."""
    running = threading.Event()

    async def count(store: Store) -> None:
        async with store.writing() as tx:
            raw = await tx.get_raw_connection()
            await raw.driver_connection.create_function("started", 0, running.set)  # type: ignore[union-attr]
            await tx.execute(ENDLESS)

    async with open_store(f"sqlite:///{file}", secret_keys=None, data_dir=None, migrate=True) as store:
        task = asyncio.create_task(count(store))
        await asyncio.to_thread(running.wait, 60)
        task.cancel()
        await asyncio.wait([task], timeout=0)  # SQLAlchemy closes the connection now, and waits for that
        task.cancel()
        await asyncio.wait([task])
    sys.stdout.write("ended\n")


if __name__ == "__main__":
    asyncio.run(lose_patience(Path(sys.argv[1])))
