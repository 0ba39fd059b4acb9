"""The list of devices: addresses, what buttons make of them, and files of exactly what is found or selected."""

from __future__ import annotations

import csv
import io
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from adept.simulator.running import Running
from adept.store.device_filters import DeviceFilter
from adept.store.inventory import device_rows
from tests.web.conftest import RunningService
from tests.web.ui.conftest import CookieOf, error_of, field_of, text_of
from tests.web.walking import add_account, walk


@pytest.fixture
async def serials(service: RunningService, simulator: Running) -> list[str]:
    """The serial numbers of an account, in order."""
    simulator.simulator.buy(3, family="Mac")
    await add_account(service)
    await walk(service)
    return sorted(simulator.simulator.devices())


async def ids_of(service: RunningService) -> dict[str, int]:
    """The ids of all devices, by serial number."""
    async with service.store.reading() as tx:
        return {row.serial_number: row.id for row in await device_rows(tx, DeviceFilter(deleted=None), limit=1000)}


def shown(page: str) -> list[str]:
    """The serial numbers of the table, in its order."""
    return re.findall(r'class="serial"[^>]*>([^<]*)<', page)


async def test_filters_narrow_the_list_and_stay_in_its_address(
    service: RunningService, cookie_of: CookieOf, serials: list[str]
) -> None:
    viewer = await cookie_of("viewer")
    everything = await service.get("/devices", headers=viewer)
    assert shown(everything.text) == serials
    typed = {"was": "sort=changed_at&order=desc", "search": "", "family": "Mac", "deleted": "false", "mode": "contains"}
    answer = await service.get("/devices", params=typed, headers=viewer)
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    assert parse_qs(address.query) == {"family": ["Mac"], "sort": ["changed_at"], "order": ["desc"]}
    macs = await service.get(answer.headers["location"], headers=viewer)
    assert len(shown(macs.text)) == 3
    assert '<option value="Mac" selected>' in macs.text
    assert "3 devices , 0 selected" in text_of(macs.text)


async def test_a_search_takes_part_of_a_value_its_beginning_or_all_of_it(
    service: RunningService, cookie_of: CookieOf, serials: list[str]
) -> None:
    viewer = await cookie_of("viewer")
    serial = serials[4]
    for mode, words, is_found in (
        ("contains", serial[2:9].lower(), True),
        ("prefix", serial[:8], True),
        ("prefix", serial[1:], False),
        ("exact", serial, True),
        ("exact", serial[:8], False),
    ):
        answer = await service.get("/devices", params={"search": words, "mode": mode}, headers=viewer)
        assert shown(answer.text) == ([serial] if is_found else []), (mode, words)
        assert field_of(answer.text, "search") == words


async def test_pages_go_on_where_the_last_one_ended_in_either_direction(
    service: RunningService, simulator: Running, cookie_of: CookieOf
) -> None:
    simulator.simulator.buy(50)
    await add_account(service)
    await walk(service)
    viewer = await cookie_of("viewer")
    first = await service.get("/devices?order=desc", headers=viewer)
    go = re.search(r'value="(cursor=[^"]+)"', first.text)
    assert go is not None
    answer = await service.get("/devices", params={"was": field_of(first.text, "was"), "go": go[1]}, headers=viewer)
    second = await service.get(answer.headers["location"], headers=viewer)
    assert shown(first.text) + shown(second.text) == sorted(simulator.simulator.devices(), reverse=True)
    assert "The end of the list" in text_of(second.text)


async def test_a_cursor_of_another_list_begins_this_one_anew_and_says_so(
    service: RunningService, cookie_of: CookieOf, serials: list[str]
) -> None:
    answer = await service.get("/devices?cursor=bogus", headers=await cookie_of("viewer"))
    assert answer.status_code == 422
    assert "is none of this list's" in text_of(answer.text)
    assert shown(answer.text) == serials


@pytest.mark.parametrize(
    ("query", "field", "told"),
    [
        ("account=nowhere", "account", "nowhere"),
        ("changed_from=yesterday", "changed_from", "'yesterday' is no day. Write it as 2026-03-31."),
        ("search=" + "x" * 201, "search", "more than 200 characters"),
    ],
)
async def test_what_can_not_be_looked_for_is_told_at_its_field(
    service: RunningService, cookie_of: CookieOf, serials: list[str], query: str, field: str, told: str
) -> None:
    answer = await service.get(f"/devices?{query}", headers=await cookie_of("viewer"))
    assert answer.status_code in (404, 422)
    assert told in error_of(answer.text, field)
    assert shown(answer.text) == []


async def test_days_are_whole_and_both_ends_count(
    service: RunningService, cookie_of: CookieOf, serials: list[str]
) -> None:
    viewer = await cookie_of("viewer")
    today = service.clock().date().isoformat()
    for query, count in (
        (f"first_seen_from={today}&first_seen_to={today}", len(serials)),
        ("first_seen_to=2001-01-01", 0),
        ("changed_to=9999-12-31", len(serials)),
    ):
        assert len(shown((await service.get(f"/devices?{query}", headers=viewer)).text)) == count, query


async def test_what_is_selected_stays_selected_on_other_pages(
    service: RunningService, cookie_of: CookieOf, serials: list[str]
) -> None:
    viewer = await cookie_of("viewer")
    ids = await ids_of(service)
    one, two, three, four = (ids[serial] for serial in serials[:4])
    form = {"was": f"picked={one},{two}", "shown": f"{two},{three},{four}", "tick": [str(four)]}
    answer = await service.get("/devices", params={**form, "go": "sort=model&order=asc"}, headers=viewer)
    assert answer.headers["location"] == f"/devices?sort=model&picked={one},{four}"
    answer = await service.get("/devices", params={**form, "go": "pick=page"}, headers=viewer)
    assert answer.headers["location"] == f"/devices?picked={one},{two},{three},{four}"
    answer = await service.get("/devices", params={**form, "go": "pick=none"}, headers=viewer)
    assert answer.headers["location"] == "/devices"
    answer = await service.get("/devices", params={**form, "go": "only=picked"}, headers=viewer)
    page = await service.get(answer.headers["location"], headers=viewer)
    assert shown(page.text) == [serials[0], serials[3]]
    assert len(re.findall(r'name="tick"[^>]* checked', page.text)) == 2


async def test_more_than_an_address_holds_is_not_selected(
    service: RunningService, cookie_of: CookieOf, serials: list[str]
) -> None:
    before = ",".join(map(str, range(1000, 1500)))
    form = {"was": f"picked={before}", "shown": "1", "tick": "1", "go": "sort=model"}
    answer = await service.get("/devices", params=form, headers=await cookie_of("viewer"))
    assert answer.status_code == 422
    assert "At most 500 devices can be selected one by one." in text_of(answer.text)
    assert field_of(answer.text, "was") == f"picked={before}"


@pytest.mark.parametrize(
    "query", ["picked=1,x", "picked=-1", "picked=99999999999999999999", "was=picked%3Dx&go=pick%3Dpage"]
)
async def test_an_address_that_was_tampered_with_is_refused(
    service: RunningService, cookie_of: CookieOf, serials: list[str], query: str
) -> None:
    answer = await service.get(f"/devices?{query}", headers=await cookie_of("viewer"))
    assert answer.status_code == 422
    assert "can't be read" in text_of(answer.text)


async def test_the_files_hold_exactly_what_is_found_or_selected(
    service: RunningService, cookie_of: CookieOf, serials: list[str]
) -> None:
    viewer = await cookie_of("viewer")
    page = await service.get("/devices?family=Mac", headers=viewer)
    address = re.search(r'href="(/devices/export[^"]*format=csv)"', page.text)
    assert address is not None
    answer = await service.get(address[1].replace("&amp;", "&"), headers=viewer)
    assert answer.headers["content-disposition"] == 'attachment; filename="devices.csv"'
    assert [row["serial_number"] for row in csv.DictReader(io.StringIO(answer.text))] == shown(page.text)
    ids = await ids_of(service)
    picked = [serials[0], serials[5]]
    form = {"was": f"picked={ids[picked[0]]}", "shown": str(ids[picked[1]]), "tick": str(ids[picked[1]])}
    answer = await service.get("/devices/export", params={**form, "export_picked": "ndjson"}, headers=viewer)
    assert [json.loads(line)["serial_number"] for line in answer.text.splitlines()] == picked
    answer = await service.get("/devices/export", params={"was": "family=Mac", "export_picked": "csv"}, headers=viewer)
    assert answer.status_code == 422
    assert "No device is selected." in text_of(answer.text)
    assert len(shown(answer.text)) == 3


async def test_who_finds_nothing_may_look_among_the_gone(
    service: RunningService, simulator: Running, cookie_of: CookieOf, serials: list[str]
) -> None:
    simulator.simulator.release(serials[:1])
    await walk(service)
    viewer = await cookie_of("viewer")
    answer = await service.get("/devices", params={"search": serials[0]}, headers=viewer)
    assert "No device fits" in text_of(answer.text)
    form = {"was": field_of(answer.text, "was"), "go": "deleted=any"}
    answer = await service.get("/devices", params=form, headers=viewer)
    page = await service.get(answer.headers["location"], headers=viewer)
    assert shown(page.text) == serials[:1]
    assert "Gone" in text_of(page.text)
