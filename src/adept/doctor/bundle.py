"""The support bundle: what a maintainer needs to help, with nothing in it that is secret or personal.

What goes in is chosen, not what stays out: numbers, our own words, versions. No serial number, name, address, URL or
text that people, Apple or another program wrote; accounts have pseudonyms.
"""

from __future__ import annotations

import io
import platform
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from adept import __version__
from adept.accounts.health import Health
from adept.client.setup import APPLE_URL
from adept.doctor.facts import StoreFacts
from adept.doctor.findings import Finding
from adept.doctor.log_excerpt import excerpt, public_code
from adept.doctor.pseudonyms import Pseudonyms
from adept.store.examination import AccountFacts

PASSES = 200
_PACKAGES = (
    "aiosqlite", "alembic", "cryptography", "fastapi", "httpx2", "msgspec", "oauthlib", "procrastinate", "psycopg",
    "pydantic", "sqlalchemy", "starlette", "uvicorn",
)  # fmt: skip
_README = """\
What a maintainer of adept needs to help you: versions, which settings are set, how many rows there are, how
accounts are (as account-1, account-2, ...), the newest passes, what the doctor found, and the shape of a log.

Left out are secrets, serial numbers, names, addresses, URLs, and every text that people, Apple or other programs wrote.
Look through it before you send it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the bundle is made of, as it was observed; nothing of it is in the bundle as it is."""

    made_at: datetime
    settings: Mapping[str, object]
    stored: StoreFacts
    engine: str
    server_version: str | None
    row_counts: Mapping[str, int]
    passes: Sequence[Mapping[str, object]]  # rows with account_id
    findings: Sequence[Finding]
    log: Sequence[str] | None


def pack(material: Material) -> bytes:
    """The bundle: a zip file with JSON documents."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.txt", _README)
        for name, document in documents(material).items():
            bundle.writestr(f"{name}.json", msgspec.json.format(msgspec.json.encode(document), indent=2))
    return packed.getvalue()


def documents(material: Material) -> dict[str, object]:
    """What is in it, by name."""
    accounts = material.stored.accounts
    pseudonyms = Pseudonyms(account.name for account in accounts)
    names = {account.id: account.name for account in accounts}
    found: dict[str, object] = {
        "about": about(material.made_at),
        "settings": {name: public_value(value) for name, value in material.settings.items()},
        "database": {
            "engine": material.engine,
            "version": _numeric(material.server_version),
            "schema": _numeric(material.stored.revision),
            "is_reached": material.stored.is_reached,
            "is_open": material.stored.wrong is None,
            "size_bytes": material.stored.size_bytes,
            "rows": dict(material.row_counts),
        },
        "accounts": [_account(one, pseudonyms, material.made_at) for one in accounts],
        "passes": [_pass(row, names, pseudonyms) for row in material.passes],
        "doctor": [_finding(one, pseudonyms) for one in material.findings],
    }
    if material.log is not None:
        found["log"] = asdict(excerpt(material.log, pseudonyms))
    return found


def about(made_at: datetime) -> dict[str, object]:
    """Versions, and the kind of machine."""
    return {
        "made_at": made_at,
        "adept": __version__,
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": platform.system(),
        "release": _numeric(platform.release()),
        "machine": platform.machine(),
        "packages": {name: found for name in _PACKAGES if (found := _version_of(name)) is not None},
    }


def public_value(value: object) -> object:
    """A setting's value where it can't be personal: a number, a yes or no, one of our words; else whether it is set."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (bool, int)):
        return value
    return "set" if value not in (None, (), "") else "not set"


def _account(account: AccountFacts, pseudonyms: Pseudonyms, now: datetime) -> dict[str, object]:
    kept = (
        "paused",
        "failures",
        "phase",
        "interval_s",
        "is_leased",
        "is_lease_over",
        "has_token",
        "has_candidate",
    )
    return {
        "account": pseudonyms.of(account.name),
        "is_at_apple": account.base_url == APPLE_URL,
        "health": account.health if account.health in set(Health) else "other",
        **{name: getattr(account, name) for name in kept},
        "cursor_age_s": _age_s(account.cursor_at, now),
        "last_pass_age_s": _age_s(account.last_pass_at, now),
        "late_s": _age_s(account.next_sync_at, now),
        "token_ends_in_days": None if account.token_expires_at is None else (account.token_expires_at - now).days,
    }


def _pass(row: Mapping[str, Any], names: Mapping[int, str], pseudonyms: Pseudonyms) -> dict[str, object]:
    kept = {name: value for name, value in row.items() if name not in ("account_id", "error_code")}
    account = pseudonyms.of(names.get(row["account_id"]))
    return {"account": account, **kept, "error_code": public_code(row["error_code"])}


def _finding(finding: Finding, pseudonyms: Pseudonyms) -> dict[str, object]:
    return {
        "check": finding.check,
        "state": finding.state.value,
        "code": finding.code,
        "account": pseudonyms.of(finding.account),
    }


def _age_s(time: datetime | None, now: datetime) -> int | None:
    return None if time is None else int((now - time) / timedelta(seconds=1))


def _numeric(text: str | None) -> str | None:
    """The numbers that a version begins with: what follows may name whoever built it."""
    return None if text is None else re.match(r"[0-9.]*", text)[0]  # type: ignore[index]  # it always matches


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
