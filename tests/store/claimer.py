"""A program of the tests: claim a lease when told to, and tell the epoch.

`python -m tests.store.claimer URL SECRET_KEY ACCOUNT_ID`. Prints `ready`, then for each line of standard input claims
once, at the time the line says, for a lease of 30 s, and prints the epoch or None.
"""

import asyncio
import sys
from datetime import datetime

from adept.store import leases
from adept.store.database import open_store


async def claim_when_told(url: str, secret_key: str, account_id: int) -> None:
    """Claim once for each line."""
    async with open_store(url, secret_keys=[secret_key], data_dir=None, migrate=False) as store:
        async with store.reading():
            pass  # connected
        tell("ready")
        while line := await asyncio.to_thread(sys.stdin.readline):
            now = datetime.fromisoformat(line.strip())
            async with store.writing() as tx:
                epoch = await leases.claim(tx, account_id, now=now, holder=sys.argv[0], lease_s=30)
            tell(str(epoch))


def tell(word: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(claim_when_told(sys.argv[1], sys.argv[2], int(sys.argv[3])))
