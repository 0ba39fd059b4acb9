"""The audit log: as a list, or whole as NDJSON or CSV."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from adept.records.audit import AuditQuery, AuditRecord, audit_csv, audit_list, audit_ndjson
from adept.records.lists import ItemList
from adept.web.access import AdminDep
from adept.web.service import ServiceDep
from adept.web.streaming import Stream

router = APIRouter(tags=["access"])

NDJSON = "application/x-ndjson"
CSV = "text/csv"


@router.get(
    "/audit",
    response_model=ItemList[AuditRecord],
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}, CSV: {"schema": {"type": "string"}}}}},
)
async def list_(
    _caller: AdminDep,
    service: ServiceDep,
    actor: Annotated[str | None, Query(max_length=200, description="Who did it.")] = None,
    act: Annotated[
        str | None, Query(max_length=40, description="What was done: `account.paused`, or `account` for all of those.")
    ] = None,
    subject: Annotated[str | None, Query(max_length=200, description="The name of what was changed.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="From then on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before then.")] = None,
    cursor: Annotated[str | None, Query(max_length=200, description="The next_cursor of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    format: Annotated[  # noqa: A002  # the parameter's name
        Literal["json", "ndjson", "csv"], Query(description="`ndjson` and `csv` give all there is, streamed.")
    ] = "json",
) -> ItemList[AuditRecord] | Response:
    """Who changed what, when and from where, the newest first."""
    query = AuditQuery(actor=actor, act=act, subject=subject, since=since, until=until)
    if format == "ndjson":
        return _file(Stream(audit_ndjson(service.store, query), media_type=NDJSON), "audit.ndjson")
    if format == "csv":
        return _file(Stream(audit_csv(service.store, query), media_type=CSV), "audit.csv")
    return await audit_list(service.store, query, cursor=cursor, limit=limit)


def _file(answer: Response, name: str) -> Response:
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
