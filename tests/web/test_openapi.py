"""The OpenAPI document against the service: schemathesis asks whatever the document allows, and what it doesn't.

Whoever asks (a key of each role, or nobody), no answer is a fault of the service, and each is of a status, a content
type, headers and a shape that the document promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Any

import anyio.to_thread
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from adept.sync.outcome import PassKind
from tests.web.walking import add_account, walk

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6  # of each kind, for each operation
ROLES = ("viewer", "operator", "admin")

Known = dict[str, list[str]]  # by the names of the path's parameters

frugal = settings(
    max_examples=EXAMPLES,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
async def inhabited(service):
    """A service with an account that has devices, passes and changes, so that not everything is not found."""
    await add_account(service)
    await walk(service)
    await walk(service, kind=PassKind.FULL)
    return service


def drive(document: dict[str, Any], url: str, known: Known, callers: Sequence[requests.Session]) -> list[str]:
    """Ask for every operation; what was wrong. Runs in a thread: the service has the event loop."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    wrong = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # may last for minutes: see test_events
        for mode in GenerationMode:
            try:
                ask(operation, mode, known, callers)
            except FailureGroup as failures:
                wrong.append(f"{operation.label}: {failures}")
    return wrong


def ask(operation: Any, mode: GenerationMode, known: Known, callers: Sequence[requests.Session]) -> None:
    """Ask for one operation in many ways, half of the time about something that is there; the callers take turns."""
    turns = cycle(callers)

    @frugal
    @given(case=operation.as_strategy(generation_mode=mode), place=st.integers(0, 99))
    def one(case: Case[Any], place: int) -> None:
        for name in known.keys() & (case.path_parameters or {}).keys() if place % 2 else ():
            case.path_parameters[name] = known[name][place // 2 % len(known[name])]
        case.validate_response(case.call(session=next(turns), timeout=30), checks=CHECKS)

    run: Callable[[], None] = one
    try:
        run()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # nothing can be wrong about it


@contextmanager
def callers_with(keys: Sequence[str | None]) -> Iterator[list[requests.Session]]:
    """A session of an HTTP client for each key."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(requests.Session()) for _ in keys]
        for session, key in zip(sessions, keys, strict=True):
            session.trust_env = False
            if key is not None:
                session.headers["Authorization"] = f"Bearer {key}"
        yield sessions


@pytest.mark.timeout(600)  # a thousand requests; a busy machine takes its time
async def test_whoever_asks_whatever_the_answer_is_one_that_the_document_promises(inhabited):
    document = (await inhabited.get("/api/v1/openapi.json")).json()
    known = {"name": ["hq"], "serial": list(inhabited.simulator.simulator.devices())[:3], "pass_id": ["1", "2"]}
    viewer, operator, admin = [await inhabited.key(role, may_read_secrets=True) for role in ROLES]
    with callers_with([admin, None, admin, viewer, admin, operator]) as callers:
        wrong = await anyio.to_thread.run_sync(drive, document, inhabited.url, known, callers)
    assert not wrong, "\n\n".join(wrong)
