"""The desk of the engine's tests serves the jobs as well, and somebody who visits its accounts as a runner does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from adept.accounts.registry import add
from adept.accounts.rhythm import no_jitter
from adept.jobs.visit import Visited, Visitor
from adept.store.accounts import StoredAccount
from adept.store.audit import ADEPT
from adept.store.due import DueAccount, due_accounts
from tests.sync.apple import server_token
from tests.sync.conftest import URL, Desk, apple, clock, desk

__all__ = ["apple", "clock", "desk"]


@dataclass
class Rounds:
    """Visits to the accounts of the desk, one after the other."""

    desk: Desk
    visitor: Visitor

    async def due(self) -> list[DueAccount]:
        async with self.desk.store.reading() as tx:
            return await due_accounts(tx, self.desk.clock(), limit=100)

    async def visit(self, name: str = "hq") -> Visited | None:
        """Visit the account if it is due; None where it is not, or where there was nothing to do."""
        for account in await self.due():
            if account.name == name:
                return await self.visitor.visit(account)
        return None

    async def asked_by_visit(self, name: str = "hq") -> list[str]:
        """The paths that a visit asks Apple for."""
        before = len(self.desk.apple.asked)
        await self.visit(name)
        return [path for path, _ in self.desk.apple.asked[before:]]

    async def wait_until_due(self, name: str = "hq") -> float:
        """Move the clock to when the account is due; returns by how many seconds."""
        account = await self.desk.account(name)
        times = [account.next_sync_at, account.next_probe_at]
        seconds = (min(time for time in times if time is not None) - self.desk.clock()).total_seconds()
        self.desk.clock.advance(seconds=seconds)
        return seconds

    async def add(self, name: str) -> StoredAccount:
        """Another account, with a token of its own."""
        connect = self.desk.apple.connect
        token = server_token(name)
        account, _ = await add(
            self.desk.store, name, base_url=URL, token=token, connect=connect, by=ADEPT, now=self.desk.clock
        )
        return account


@pytest.fixture
def rounds(desk: Desk) -> Rounds:
    return Rounds(desk, Visitor(desk.store, desk.apple.connect, desk.clock, "test", no_jitter))
