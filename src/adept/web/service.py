"""What every route works with: the store, the settings, a clock, a way to Apple and one to the runner.

Made once by `server` (or a test) and handed to `create_app`; routes get it as `ServiceDep`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from adept.accounts.tokens import Connect, Now
from adept.records.overview import KeptTallies
from adept.settings import Settings
from adept.store.database import Store
from adept.web.counts import Metrics


@dataclass(frozen=True)
class Service:
    """One running service. `wake` has what is due looked for now, not at the next turn; harmless where nobody does."""

    store: Store
    settings: Settings
    now: Now
    connect: Connect
    wake: Callable[[], None]
    metrics: Metrics = field(default_factory=Metrics)
    tallies: KeptTallies = field(default_factory=KeptTallies)
    holder: str = "service"  # what rows that this process holds show


def _service(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


ServiceDep = Annotated[Service, Depends(_service)]
