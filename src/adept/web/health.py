"""/healthz: the process lives. /readyz: it can work. Both without a key, so they tell nothing but that."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from adept.errors import AdeptError
from adept.store.readiness import check_ready
from adept.web.access import PUBLIC
from adept.web.problems import PROBLEMS, Told
from adept.web.service import ServiceDep

log = logging.getLogger("adept.web")

READY_TIMEOUT_S = 5.0

router = APIRouter(tags=["service"], dependencies=[PUBLIC])

_NOT_READY = Told(
    503,
    "the database can't be worked with: it does not answer, is of another version, or the sealing keys don't fit it",
    "not_ready",
    "the service's log says which",
)


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The database answers, its schema is this adept's, and the sealing keys fit."""

    status: Literal["ready"] = "ready"


@router.get("/healthz")
async def healthz() -> Alive:
    """Whether the process answers at all."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses={503: PROBLEMS[503]})
async def readyz(service: ServiceDep) -> Response:
    """Whether it can work: database, schema, sealing keys."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await check_ready(service.store)
    except (AdeptError, TimeoutError) as error:
        log.warning("not ready", extra={"error": str(error) or "the database doesn't answer"})
        return _NOT_READY.response()
    return JSONResponse(Ready().model_dump())
