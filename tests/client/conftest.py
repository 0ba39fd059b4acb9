"""Fixtures of the clients' tests: a scripted Apple, and both clients behind one face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client.apple import Apple, Asker


@pytest.fixture
def apple() -> Apple:
    """An Apple that says yes until told otherwise."""
    return Apple()


@pytest.fixture(params=["threads", "tasks"])
def client_kind(request: pytest.FixtureRequest) -> str:
    """Both clients, one after the other."""
    kind: str = request.param
    return kind


@pytest.fixture
def asker(client_kind: str, apple: Apple) -> Iterator[Callable[..., Asker]]:
    """Makes a client of either kind, with settings."""
    made: list[Asker] = []

    def make(**settings: Any) -> Asker:
        made.append(Asker(client_kind, apple, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def ask(asker: Callable[..., Asker]) -> Asker:
    """A client of either kind with its defaults."""
    return asker()
