"""Who may call a route: every one says the role it needs (`needs`, or the `…Dep` types), or that it is `PUBLIC`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated

from fastapi import BackgroundTasks, Depends, Request

from adept.access.admission import Visitor
from adept.access.caller import Caller, caller_of, is_use_noted, note_use
from adept.access.names import fold_name
from adept.access.roles import Role
from adept.errors import AdeptError, Denied
from adept.web.request_id import current_request_id
from adept.web.service import Service, ServiceDep
from adept.web.session_cookie import secret_in

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
            raise role_needed(self.role, caller)
        if not is_use_noted(caller, service.now()):
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


def needs_admin_or(name: str, caller: Caller) -> None:
    """Denied for who is neither the user of that name nor an administrator."""
    if not is_user(name, caller) and not caller.role.covers(Role.ADMIN):
        raise role_needed(Role.ADMIN, caller)


def is_user(name: str, caller: Caller) -> bool:
    """Whether the caller is the user of that name, and no key."""
    return caller.actor.kind == "user" and caller.actor.name == fold_name(name)


def role_needed(role: Role, caller: Caller) -> Denied:
    """The refusal of somebody we know."""
    return Denied(
        f"this needs the role {role}, and {caller.actor.name} has the role {caller.role}",
        code="role_needed",
        way_out=f"use a key or a user with the role {role}",
    )


PUBLIC = Depends(Public())
ViewerDep = Annotated[Caller, Depends(needs(Role.VIEWER))]
OperatorDep = Annotated[Caller, Depends(needs(Role.OPERATOR))]
AdminDep = Annotated[Caller, Depends(needs(Role.ADMIN))]


def visitor_of(request: Request) -> Visitor:
    """Who comes with a name and a password. Behind a trusted proxy, the address is what that says."""
    return Visitor(
        address=request.client.host if request.client is not None else None,
        user_agent=request.headers.get("user-agent"),
        request_id=current_request_id(),
    )


async def who_asks(request: Request, service: Service) -> Caller | None:
    """The caller of a request; None for nobody we know."""
    visitor = visitor_of(request)
    return await caller_of(
        service.store,
        cookie=secret_in(request),
        authorization=request.headers.get("authorization"),
        address=visitor.address,
        request_id=visitor.request_id,
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
