"""How routes of the page get their visit: the role they need, and the way to the login for who isn't known."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request

from adept.web.access import Caller, Role, needs
from adept.web.service import ServiceDep
from adept.web.ui.rendering import Visit


def _visits(role: Role) -> Callable[..., Coroutine[Any, Any, Visit]]:
    async def visit(request: Request, service: ServiceDep, caller: Annotated[Caller, Depends(needs(role))]) -> Visit:
        return Visit(request, service, caller)

    return visit


ViewerVisit = Annotated[Visit, Depends(_visits(Role.VIEWER))]
OperatorVisit = Annotated[Visit, Depends(_visits(Role.OPERATOR))]
AdminVisit = Annotated[Visit, Depends(_visits(Role.ADMIN))]
