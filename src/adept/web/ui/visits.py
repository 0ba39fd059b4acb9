"""How routes of the page get their visit: by the role they need. Who isn't known is shown the way to the login."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from adept.web.access import AdminDep, OperatorDep, ViewerDep
from adept.web.service import ServiceDep
from adept.web.ui.rendering import Visit


async def _viewer(request: Request, service: ServiceDep, caller: ViewerDep) -> Visit:
    return Visit(request, service, caller)


async def _operator(request: Request, service: ServiceDep, caller: OperatorDep) -> Visit:
    return Visit(request, service, caller)


async def _admin(request: Request, service: ServiceDep, caller: AdminDep) -> Visit:
    return Visit(request, service, caller)


ViewerVisit = Annotated[Visit, Depends(_viewer)]
OperatorVisit = Annotated[Visit, Depends(_operator)]
AdminVisit = Annotated[Visit, Depends(_admin)]
