"""/settings/dep-accounts: every account in one table, and the way to a new one."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from adept.records.accounts import account_list
from adept.web.ui.live import live
from adept.web.ui.visits import ViewerVisit

router = APIRouter(include_in_schema=False)

HERE = "/settings/dep-accounts"
LOOK_EVERY_S = 3


@router.get(HERE)
async def look(visit: ViewerVisit) -> Response:
    """The accounts, by name."""
    return visit.show("dep_accounts.html", here=HERE, accounts=await account_list(visit.service.store))


@router.get("/live/dep-accounts")
async def follow(visit: ViewerVisit) -> Response:
    """The table, whenever it changes."""

    async def render() -> str:
        return visit.part("dep_accounts_table.html", accounts=await account_list(visit.service.store))

    return live(render, look_every_s=LOOK_EVERY_S)
