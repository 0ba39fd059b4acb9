"""Who may call a route: every one says the role it needs (`needs`, or the `…Dep` types), or that it is `PUBLIC`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated

from fastapi import BackgroundTasks, Depends, Request

from adept.access.caller import Caller, caller_of, note_use
from adept.access.roles import Role
from adept.errors import AdeptError, Denied
from adept.web.request_id import current_request_id
from adept.web.service import Service, ServiceDep

__all__ = ["PUBLIC", "AdminDep", "Caller", "NotKnown", "OperatorDep", "Public", "Role", "ViewerDep", "needs"]

log = logging.getLogger("adept.access")

_DOORS = "/dep/"  # what people call with curl: there the challenge is Basic


class NotKnown(Denied):
    """The service doesn't know who asks; `headers` tell how to say it."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(
            "this needs an API key or a session, and the request has none that is valid",
            code="not_known",
            status=401,
            way_out="send Authorization: Bearer KEY (make a key with: adept keys create NAME), or log in",
        )
        self.headers = headers


class Needs:
    """The dependency that lets a route be called by who has the role, or one that covers it."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request, service: ServiceDep, background: BackgroundTasks) -> Caller:
        """Who asks. Denied with 401 for nobody we know, with 403 for somebody who may not."""
        caller = await who_asks(request, service)
        if caller is None:
            raise NotKnown(_challenge(request.url.path))
        request.state.actor = caller.actor.name
        if not caller.role.covers(self.role):
            raise Denied(
                f"this needs the role {self.role}, and {caller.actor.name} has the role {caller.role}",
                code="role_needed",
                way_out=f"use a key or a user with the role {self.role}",
            )
        background.add_task(_note_use, service, caller)
        return caller


class Public:
    """The dependency that marks a route which anybody may call."""

    async def __call__(self) -> None:
        """Nothing to ask."""


_NEEDS = {role: Needs(role) for role in Role}


def needs(role: Role) -> Needs:
    """The dependency for a route that needs the role: `Depends(needs(Role.ADMIN))`."""
    return _NEEDS[role]


PUBLIC = Depends(Public())
ViewerDep = Annotated[Caller, Depends(needs(Role.VIEWER))]
OperatorDep = Annotated[Caller, Depends(needs(Role.OPERATOR))]
AdminDep = Annotated[Caller, Depends(needs(Role.ADMIN))]


def cookie_name(request: Request) -> str:
    """What the session's cookie is called; the prefix makes browsers hold it to this host and to TLS."""
    return "__Host-adept_session" if request.url.scheme == "https" else "adept_session"


def address_of(request: Request) -> str | None:
    """Where the request comes from; behind a trusted proxy, what that says."""
    return request.client.host if request.client is not None else None


async def who_asks(request: Request, service: Service) -> Caller | None:
    """The caller of a request; None for nobody we know."""
    return await caller_of(
        service.store,
        cookie=request.cookies.get(cookie_name(request)),
        authorization=request.headers.get("authorization"),
        address=address_of(request),
        request_id=current_request_id(),
        now=service.now,
    )


def _challenge(path: str) -> dict[str, str]:
    scheme = "Basic" if path.startswith(_DOORS) else "Bearer"
    return {"WWW-Authenticate": f'{scheme} realm="adept"'}


async def _note_use(service: Service, caller: Caller) -> None:
    """After the answer: a database that is busy must not fail what only reads."""
    try:
        await note_use(service.store, caller, now=service.now)
    except AdeptError as error:
        log.warning("use not noted", extra={"actor": caller.actor.name, "error": str(error)})
