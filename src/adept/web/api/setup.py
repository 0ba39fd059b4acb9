"""Naming the first administrator, with the secret of the link that the service printed when it started."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from adept.access.setup import set_up
from adept.records.access import WhoRecord
from adept.web.access import PUBLIC, visitor_of
from adept.web.api.session import who_opened
from adept.web.problems import responses
from adept.web.service import ServiceDep
from adept.web.session_cookie import give_cookie

router = APIRouter(tags=["access"], dependencies=[PUBLIC])


class FirstAdministrator(BaseModel):
    """The link's secret (what stands behind its #), and a name and a password of one's choice."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"secret": "x" * 43, "name": "ann", "password": "twelve or more"}},
    )

    secret: SecretStr = Field(max_length=200)
    name: str = Field(max_length=200)
    password: SecretStr = Field(max_length=1000)


@router.post("/setup", status_code=201, responses=responses(409, 429))
async def set_up_(body: FirstAdministrator, request: Request, response: Response, service: ServiceDep) -> WhoRecord:
    """Name the first administrator and log in. It works once, within 30 minutes of the service's start."""
    opened = await set_up(
        service.store,
        secret=body.secret.get_secret_value(),
        name=body.name,
        password=body.password.get_secret_value(),
        visitor=visitor_of(request),
        now=service.now,
    )
    give_cookie(request, response, opened.secret)
    return who_opened(opened)
