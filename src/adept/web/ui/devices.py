"""/devices: finding devices among however many, picking some of them, and taking them along as a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from adept.errors import Misuse, NotFound
from adept.protocol.device import DeviceFamily, ProfileStatus
from adept.records.accounts import account_names
from adept.records.device_export import ExportForm
from adept.records.device_lists import DevicePage, device_page
from adept.web.device_files import device_file
from adept.web.ui.device_rows import device_row
from adept.web.ui.device_search import PATH, DeviceForm, DeviceSearch, changes
from adept.web.ui.rendering import Visit
from adept.web.ui.troubles import Trouble, trouble_of
from adept.web.ui.visits import ViewerVisit
from adept.web.ui.words import DELETED_REASONS, PROFILE_STATES, word_of

router = APIRouter(include_in_schema=False)

HERE = PATH
PAGE = 50
_NONE = DevicePage([], None, 0)


@router.get(PATH)
async def look(visit: ViewerVisit, asked: Annotated[DeviceForm, Query()]) -> Response:
    """The list; sent as a form, the way to the address that its button means."""
    if asked.sent is None:
        return await _show(visit, asked)
    try:
        return visit.go(asked.after().address())
    except Misuse as error:
        return await _show(visit, _before(asked), trouble=trouble_of(error))


@router.get(f"{PATH}/export")
async def export(visit: ViewerVisit, asked: Annotated[DeviceForm, Query()], format: ExportForm = "csv") -> Response:  # noqa: A002  # its name in the address
    """A file of exactly those that the filters find; or, sent as a form, of those that were picked."""
    if asked.sent is None:
        return await device_file(visit.service.store, asked.query(), form=format)
    try:
        picked = asked.after()
        if not picked.picked:
            raise Misuse("no device is selected", way_out="tick the devices that the file should hold")
        query = picked.query_of_picked()
    except Misuse as error:
        return await _show(visit, _before(asked), trouble=trouble_of(error))
    return await device_file(visit.service.store, query, form=asked.export_picked or format)


def _before(asked: DeviceForm) -> DeviceSearch:
    try:
        return asked.before()
    except Misuse:
        return DeviceSearch()


async def _show(visit: Visit, search: DeviceSearch, *, trouble: Trouble | None = None) -> Response:
    page, wrong = await _find(visit, search)
    picked, unreadable = _picked(search)
    return visit.show(
        "devices.html",
        here=HERE,
        trouble=trouble or wrong or unreadable,
        search=search,
        typed=search.model_dump(mode="json"),
        page=page,
        rows=[device_row(device) for device in page.items],
        picked=picked,
        elsewhere=len(set(picked) - {device.id for device in page.items}),
        changes=changes,
        accounts=_options(await account_names(visit.service.store), search.account),
        families=_options(DeviceFamily, search.family),
        states=[
            (status, word_of(PROFILE_STATES, status).label) for status, _ in _options(ProfileStatus, search.status)
        ],
        deleted_reasons=DELETED_REASONS,
    )


async def _find(visit: Visit, search: DeviceSearch) -> tuple[DevicePage, Trouble | None]:
    """The page that is asked for; where its cursor is none of this list's, the first one."""
    try:
        return await _page(visit, search), None
    except NotFound as error:
        return _NONE, trouble_of(error, at="account")
    except Misuse as error:
        wrong = trouble_of(error)
        if not search.cursor or error.field is not None:
            return _NONE, wrong
    page, again = await _find(visit, search.model_copy(update={"cursor": ""}))
    return page, again or wrong


async def _page(visit: Visit, search: DeviceSearch) -> DevicePage:
    return await device_page(
        visit.service.store,
        search.query(),
        sort=search.sort,
        descending=search.order == "desc",
        cursor=search.cursor or None,
        limit=PAGE,
        with_total=True,
    )


def _picked(search: DeviceSearch) -> tuple[tuple[int, ...], Trouble | None]:
    try:
        return search.picked_ids, None
    except Misuse as error:
        return (), trouble_of(error)


def _options(known: Iterable[str], own: str) -> list[tuple[str, str]]:
    """What can be chosen, and what was chosen though nobody knows it."""
    words = [str(word) for word in known]
    return [(word, word) for word in (words if not own or own in words else [*words, own])]
