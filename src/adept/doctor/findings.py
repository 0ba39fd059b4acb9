"""A finding: one check, whether all is well, and if not what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    TO_DO = "todo"  # a person should do something
    SKIPPED = "skipped"  # does not apply here, or can't be found out


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's. `code` is a stable word for programs; `account` the one it is about, if it is one."""

    check: str
    state: State
    code: str
    told: str
    way_out: str | None = None
    account: str | None = None


def ok(check: str, told: str) -> Finding:
    """All is well."""
    return Finding(check=check, state=State.OK, code="ok", told=told)


def todo(check: str, code: str, told: str, way_out: str, *, account: str | None = None) -> Finding:
    """Somebody should do something."""
    return Finding(check=check, state=State.TO_DO, code=code, told=told, way_out=way_out, account=account)


def skipped(check: str, told: str) -> Finding:
    """Nothing to be said."""
    return Finding(check=check, state=State.SKIPPED, code="skipped", told=told)


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether there is nothing to be done."""
    return all(finding.state is not State.TO_DO for finding in findings)
