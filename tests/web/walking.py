"""An account that can be walked, and a walker beside the service of a test."""

from __future__ import annotations

import json

from adept.client.async_client import AsyncClient
from adept.jobs.account_pass import run_pass
from adept.sync.outcome import PassKind, PassOutcome
from tests.web.conftest import RunningService


async def add_account(service: RunningService, name: str = "hq") -> None:
    """The account of the simulator's first server, with its token."""
    token = json.loads(service.simulator.simulator.token_of().to_json())
    answer = await service.post("/api/v1/accounts", role="admin", json={"name": name, "token": token})
    assert answer.status_code == 201, answer.text


async def walk(service: RunningService, name: str = "hq", *, kind: PassKind = PassKind.SYNC) -> PassOutcome:
    """A pass in this process, as a runner does it."""
    return await run_pass(
        service.store,
        name,
        kind=kind,
        connect=lambda token, url: AsyncClient(token, base_url=url),
        now=service.clock,
        holder="the test",
    )
