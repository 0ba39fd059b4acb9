"""/: is everything all right, and if not, what is to be done?"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from adept.records.overview import glance
from adept.web.ui.charts import day_bars
from adept.web.ui.live import live
from adept.web.ui.visits import ViewerVisit

router = APIRouter(include_in_schema=False)

HERE = "/"
CARDS = 24  # accounts beyond are in the list of DEP accounts
LOOK_EVERY_S = 3


@router.get("/")
async def look(visit: ViewerVisit) -> Response:
    """The overview."""
    service = visit.service
    tallies = await service.tallies.get(service.store, now=service.now)
    return visit.show(
        "overview.html",
        here=HERE,
        glance=await glance(service.store),
        cards=CARDS,
        tallies=tallies,
        chart=day_bars(tallies.days),
    )


@router.get("/live/overview")
async def follow(visit: ViewerVisit) -> Response:
    """The verdict and the cards, whenever they change."""

    async def render() -> str:
        return visit.part("overview_accounts.html", glance=await glance(visit.service.store), cards=CARDS)

    return live(render, look_every_s=LOOK_EVERY_S)
