"""Logging in and out, and who one is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from adept.access.sessions import Opened, end_session, log_in
from adept.errors import NotFound
from adept.records.access import WhoRecord
from adept.web.access import PUBLIC, Caller, Role, ViewerDep, visitor_of
from adept.web.problems import responses
from adept.web.service import ServiceDep
from adept.web.session_cookie import give_cookie, secret_in, take_cookie

router = APIRouter(prefix="/session", tags=["access"])


class Login(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "ann", "password": "twelve or more"}}
    )

    name: str = Field(max_length=200)
    password: SecretStr = Field(max_length=1000)


@router.post("", status_code=201, dependencies=[PUBLIC], responses=responses(429))
async def open_(body: Login, request: Request, response: Response, service: ServiceDep) -> WhoRecord:
    """Log in. The answer sets the session's cookie; a session that came with the request is ended."""
    opened = await log_in(
        service.store,
        body.name,
        body.password.get_secret_value(),
        visitor=visitor_of(request),
        old_cookie=secret_in(request),
        now=service.now,
    )
    give_cookie(request, response, opened.secret)
    return who_opened(opened)


@router.get("")
async def show(caller: ViewerDep) -> WhoRecord:
    """Who the request comes from: a person in a session, or an API key."""
    return who(caller)


@router.delete("", status_code=204, responses=responses(404))
async def end(caller: ViewerDep, request: Request, response: Response, service: ServiceDep) -> None:
    """Log out: the session is ended, and its cookie is worth nothing from then on."""
    if caller.session_id is None:
        raise NotFound("the request came with an API key, which has no session")
    await end_session(service.store, caller.actor.name, caller.session_id, by=caller.actor, now=service.now)
    take_cookie(request, response)


def who(caller: Caller) -> WhoRecord:
    """Who asks, as it is shown."""
    return WhoRecord(
        kind=caller.actor.kind,
        name=caller.actor.name,
        role=caller.role,
        may_read_secrets=caller.may_read_secrets,
        session_id=caller.session_id,
    )


def who_opened(opened: Opened) -> WhoRecord:
    """Who has just logged in, as it is shown."""
    role = Role(opened.user.role)
    return WhoRecord(
        kind="user",
        name=opened.user.name,
        role=role,
        may_read_secrets=role is Role.ADMIN,
        session_id=opened.session.id,
    )
