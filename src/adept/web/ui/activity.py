"""/activity: the passes over accounts, and (for administrators) the audit log of who changed what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BeforeValidator
from starlette.responses import Response

from adept.records.accounts import account_names
from adept.records.audit import AuditQuery, audit_list
from adept.records.passes import pass_list
from adept.web.ui.visits import AdminVisit, ViewerVisit

router = APIRouter(include_in_schema=False)

HERE = "/activity"
PAGE_SIZE = 50
Word = Annotated[str, Query(max_length=200)]
Day = Annotated[date | None, BeforeValidator(lambda text: text or None)]  # a field left empty is sent as ""

# What the audit log can be narrowed to: the part of an act before its dot.
SUBJECTS = (
    ("", "Everything"),
    ("account", "Accounts"),
    ("user", "Users"),
    ("session", "Logins"),
    ("key", "API keys"),
    ("setup", "Set-up"),
)


@router.get("/activity")
async def look_at_passes(visit: ViewerVisit, account: Word = "", cursor: Word = "") -> Response:
    """Passes, the newest first, of all accounts or of one."""
    store = visit.service.store
    return visit.show(
        "activity_passes.html",
        here=HERE,
        passes=await pass_list(store, account or None, cursor=cursor or None, limit=PAGE_SIZE),
        accounts=[("", "All accounts"), *((name, name) for name in await account_names(store))],
        typed={"account": account},
        query={"account": account},
        further=bool(cursor),
    )


@router.get("/activity/audit")
async def look_at_audit(
    visit: AdminVisit,
    actor: Word = "",
    act: Word = "",
    subject: Word = "",
    since: Day = None,
    until: Day = None,
    cursor: Word = "",
) -> Response:
    """The audit log, the newest first; `since` and `until` are days in UTC, both inclusive."""
    wanted = AuditQuery(
        actor=actor or None,
        act=act or None,
        subject=subject or None,
        since=_begins(since) if since else None,
        until=_begins(until) + timedelta(days=1) if until else None,
    )
    typed = {
        "actor": actor,
        "act": act,
        "subject": subject,
        "since": since.isoformat() if since else "",
        "until": until.isoformat() if until else "",
    }
    return visit.show(
        "activity_audit.html",
        here=HERE,
        entries=await audit_list(visit.service.store, wanted, cursor=cursor or None, limit=PAGE_SIZE),
        subjects=SUBJECTS,
        typed=typed,
        query=typed,
        further=bool(cursor),
        export=_export_query(wanted),
    )


def _begins(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _export_query(wanted: AuditQuery) -> str:
    """What the API's own export is asked for, so that it holds exactly what is shown, on all pages."""
    asked = {name: getattr(wanted, name) for name in ("actor", "act", "subject", "since", "until")}
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asked.items() if value}
    return urlencode(told)
