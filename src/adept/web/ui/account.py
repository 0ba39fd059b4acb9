"""/accounts/{name}: one account, with what Apple says of it, its tokens, its passes, and what it is set to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from adept.records.accounts import AccountDetails, account_details
from adept.records.holds import held_devices, hold_list, one_hold
from adept.records.passes import pass_list
from adept.web.ui import words
from adept.web.ui.dep_accounts import HERE
from adept.web.ui.live import live
from adept.web.ui.pass_chart import SLOTS, pass_chart
from adept.web.ui.rendering import Visit
from adept.web.ui.times import lasted
from adept.web.ui.troubles import Trouble
from adept.web.ui.visits import ViewerVisit

router = APIRouter(include_in_schema=False)

HELD = 100  # devices of a hold that are shown; the rest is a click away
PASSES = SLOTS


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that Apple says of an account: what we call it, Apple's key, and the value as text."""

    label: str
    key: str
    value: str
    is_json: bool


@router.get("/accounts/{name}")
async def look(visit: ViewerVisit, name: str) -> Response:
    """The account."""
    return await show_account(visit, name)


@router.get("/live/accounts/{name}")
async def follow(visit: ViewerVisit, name: str, hold: Annotated[int, Query(ge=0, lt=2**53)] = 0) -> Response:
    """How it is and what it does, whenever that changes; `hold` is the one that the page shows already."""

    async def render() -> str:
        return visit.part("account_live.html", shown_hold=hold, **await _live_values(visit, name))

    return live(render)


async def show_account(
    visit: Visit,
    name: str,
    *,
    trouble: Trouble | None = None,
    typed: dict[str, Any] | None = None,
    meanwhile: bool = False,
) -> Response:
    """The page; `meanwhile` tells, beside what was typed, what somebody else has set since."""
    store = visit.service.store
    values = await _live_values(visit, name)
    account: AccountDetails = values["account"]
    hold = await one_hold(store, account.name, account.hold.id) if account.hold else None
    return visit.show(
        "account.html",
        here=HERE,
        said=list(said_by_apple(account.identity or {})),
        hold=hold,
        shown_hold=hold.id if hold else 0,
        held=await held_devices(store, account.name, hold.serial_numbers[:HELD]) if hold else [],
        past_holds=[past for past in await hold_list(store, account.name) if past.state != "open"],
        intervals=intervals(account.interval_s),
        meanwhile=meanwhile,
        trouble=trouble,
        typed=typed or {},
        **values,
    )


def path_of(name: str) -> str:
    """The page's address."""
    return f"/accounts/{quote(name, safe='')}"


def said_by_apple(identity: dict[str, Any]) -> Iterator[Said]:
    """Everything in Apple's answer about an account: what we know first, then what is new to us. Pure."""
    known = [key for key in words.IDENTITY if key in identity]
    for key in (*known, *sorted(identity.keys() - words.IDENTITY.keys())):
        value = identity[key]
        is_json = not isinstance(value, str)
        text = msgspec.json.format(msgspec.json.encode(value)).decode() if is_json else value
        yield Said(words.IDENTITY.get(key, key.replace("_", " ").capitalize()), key, text, is_json)


def intervals(current_s: int) -> list[tuple[str, str]]:
    """The intervals to choose from, that of the account among them whatever it is. Pure."""
    choices = dict(words.INTERVALS)
    choices.setdefault(current_s, lasted(current_s))
    return [(str(seconds), label) for seconds, label in sorted(choices.items())]


async def _live_values(visit: Visit, name: str) -> dict[str, Any]:
    service = visit.service
    account = await account_details(service.store, name)
    passes = (await pass_list(service.store, account.name, limit=PASSES)).items
    return {"account": account, "passes": passes, "chart": pass_chart(passes, now=service.now())}
