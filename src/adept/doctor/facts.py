"""Facts as they were observed, without a judgement. Absent is None: it could not be found out, or there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adept.store.examination import AccountFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """What was seen of one of Apple's services, on the way that requests take."""

    base_url: str
    host: str
    is_tls: bool
    addresses: tuple[str, ...] = ()
    dns_error: str | None = None
    proxy: str | None = None  # host and port; None: none is used
    issuer: str | None = None  # the organisation (else the name) that issued the certificate shown
    tls_error: str | None = None
    server_time: datetime | None = None  # the answer's Date
    our_time: datetime | None = None  # half way between question and answer
    answer_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """What was seen of the database. `wrong`: why it can't be opened, and the way out."""

    label: str
    is_reached: bool
    revision: str | None = None
    wrong: str | None = None
    way_out: str | None = None
    accounts: tuple[AccountFacts, ...] = ()
    stalled_jobs: int | None = None  # None: there is no job engine
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """The disk of the data directory; `database_bytes` where the database is a file on it."""

    directory: str
    free_bytes: int | None
    database_bytes: int | None
