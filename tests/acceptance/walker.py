"""A process that walks an account, for tests to kill: `python walker.py URL KEY ACCOUNT LEASE_S sync|full`.

Waits while another walks the account. Prints a JSON line for every page it committed, and one when the pass ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime

from adept.client.async_client import AsyncClient
from adept.errors import Busy
from adept.jobs.account_pass import run_pass
from adept.protocol.server_token import ServerToken
from adept.store.database import open_store
from adept.sync.outcome import PassKind, Progress


def now() -> datetime:
    return datetime.now(UTC)


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    return AsyncClient(token, base_url=base_url)


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def committed(progress: Progress) -> None:
    say(pages=progress.pages)


async def main(url: str, key: str, account: str, lease_s: float, kind: PassKind) -> None:
    async with open_store(url, secret_keys=[key], data_dir=None, migrate=False) as store:
        say(pages=0)
        while True:
            try:
                outcome = await run_pass(
                    store,
                    account,
                    kind=kind,
                    connect=connect,
                    now=now,
                    holder=f"walker {os.getpid()}",
                    lease_s=lease_s,
                    on_progress=committed,
                )
            except Busy:
                await asyncio.sleep(0.05)
            else:
                say(state=outcome.state, error=str(outcome.error) if outcome.error else None)
                return


if __name__ == "__main__":
    url, key, account, lease_s, kind = sys.argv[1:]
    asyncio.run(main(url, key, account, float(lease_s), PassKind(kind)))
