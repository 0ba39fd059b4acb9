"""The page of one device: Apple's fields, its history, what Apple says now, and a device that is gone."""

from __future__ import annotations

import html
import json
import re

import pytest

from adept.accounts.registry import remove
from adept.protocol.keypair import generate_keypair
from adept.simulator.running import Running
from adept.store.audit import ADEPT
from tests.web.conftest import RunningService
from tests.web.ui.conftest import CookieOf, text_of
from tests.web.walking import add_account, walk

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
async def serial(service: RunningService, simulator: Running) -> str:
    """A device with a key that nobody knows, in an account called hq."""
    (serial,) = simulator.simulator.buy(1, family="Mac", fields={"colour_of_the_box": {"is": HOSTILE}})
    await add_account(service)
    await walk(service)
    return serial


async def add_schools(service: RunningService, simulator: Running) -> None:
    """A second account, of another server of the same organisation."""
    pair = generate_keypair("schools", now=service.clock())
    simulator.simulator.add_server("Schools", certificate=pair.certificate_pem)
    simulator.simulator.get_token("Schools")
    token = json.loads(simulator.simulator.token_of("Schools").to_json())
    answer = await service.post("/api/v1/accounts", role="admin", json={"name": "schools", "token": token})
    assert answer.status_code == 201, answer.text


def row_of(page: str, key: str) -> str:
    """The table's row of a key of Apple's, as text."""
    rows = [row for row in re.findall(r"<tr[^>]*>.*?</tr>", page, re.DOTALL) if f"<code>{key}</code>" in row]
    assert len(rows) == 1, f"{len(rows)} rows for {key}"
    return text_of(rows[0])


async def test_all_that_apple_says_is_shown_in_plain_words_and_as_it_came(
    service: RunningService, cookie_of: CookieOf, serial: str
) -> None:
    page = await service.get(f"/devices/hq/{serial.lower()}", headers=await cookie_of("viewer"))
    assert page.status_code == 200
    said = json.loads((await service.get(f"/api/v1/devices/hq/{serial}", role="viewer")).text)
    said = {key: value for key, value in said.items() if key not in ("account", "first_seen_at", "changed_at")}
    for key, value in said.items():
        if not key.startswith("deleted_"):
            assert json.dumps(value, separators=(",", ":"), ensure_ascii=False) in row_of(page.text, key)
    assert row_of(page.text, "os").startswith("Operating system macOS os")
    assert row_of(page.text, "colour_of_the_box").startswith("not known to adept")
    assert HOSTILE not in page.text
    assert "Ask Apple now" not in text_of(page.text), "viewers may not ask"


async def test_a_move_between_two_accounts_is_one_entry_on_both_pages(
    service: RunningService, simulator: Running, cookie_of: CookieOf, serial: str
) -> None:
    await add_schools(service, simulator)
    simulator.simulator.assign([serial], "Schools")
    await walk(service, "schools")
    await walk(service)
    viewer = await cookie_of("viewer")
    for account in ("hq", "schools"):
        page = text_of((await service.get(f"/devices/{account}/{serial}", headers=viewer)).text)
        history = page[page.index("History") :]
        assert history.count("Moved from hq to schools") == 1
        assert history.count("Came to") == 1, "that is how it came to hq at first"
        assert "Gone from" not in history
    gone = text_of((await service.get(f"/devices/hq/{serial}", headers=viewer)).text)
    assert "Gone from hq" in gone
    assert "It is in schools now." in gone
    await remove(service.store, "hq", by=ADEPT, now=service.clock)
    after = await service.get(f"/devices/schools/{serial}", headers=viewer)
    assert "Moved from hq (removed) to schools" in text_of(after.text)
    assert f'href="/devices/hq/{serial}"' not in after.text


async def test_what_apple_says_now_is_marked_where_it_differs(
    service: RunningService, simulator: Running, cookie_of: CookieOf, serial: str
) -> None:
    operator = await cookie_of("operator")
    same = await service.post(f"/devices/hq/{serial}", headers=operator)
    assert "The same as is stored." in text_of(same.text)
    simulator.simulator.amend([serial], asset_tag="A-77", color=None)
    page = await service.post(f"/devices/hq/{serial}", headers=operator)
    assert "2 fields are different" in text_of(page.text)
    assert "A-77 different" in row_of(page.text, "asset_tag")
    assert "not said different" in row_of(page.text, "color")
    assert page.text.count('class="differs"') == 2
    again = await service.get(f"/devices/hq/{serial}", headers=operator)
    assert "A-77" not in again.text, "nothing was stored"
    await walk(service)
    changed = await service.get(f"/devices/hq/{serial}", headers=operator)
    assert "Asset tag not said A-77" in text_of(changed.text)


async def test_a_device_that_is_gone_can_be_looked_at_and_asked_about(
    service: RunningService, simulator: Running, cookie_of: CookieOf, serial: str
) -> None:
    simulator.simulator.release([serial])
    operator = await cookie_of("operator")
    early = text_of((await service.post(f"/devices/hq/{serial}", headers=operator)).text)
    assert "Apple doesn't have the device for this MDM server. The next full sync settles it." in early
    await walk(service)
    gone = text_of((await service.get(f"/devices/hq/{serial}", headers=operator)).text)
    assert "unassigned, moved or released at Apple" in gone
    assert "Came to hq" in gone
    asked = text_of((await service.post(f"/devices/hq/{serial}", headers=operator)).text)
    assert "Apple doesn't have the device for this MDM server. Asked" in asked


async def test_asking_needs_a_role_and_tells_what_went_wrong(
    service: RunningService, simulator: Running, cookie_of: CookieOf, serial: str
) -> None:
    refused = await service.post(f"/devices/hq/{serial}", headers=await cookie_of("viewer"))
    assert refused.status_code == 403
    simulator.simulator.fault("post_devices", "forbidden_t_c_not_signed")
    page = await service.post(f"/devices/hq/{serial}", headers=await cookie_of("operator"))
    assert page.status_code >= 400
    assert "terms" in html.unescape(page.text)
    assert "Serial number" in text_of(page.text), "what is stored is shown all the same"


async def test_a_device_that_never_was_is_an_error_page(
    service: RunningService, cookie_of: CookieOf, serial: str
) -> None:
    viewer = await cookie_of("viewer")
    for path in ("/devices/hq/NEVERWAS", f"/devices/nowhere/{serial}"):
        answer = await service.get(path, headers=viewer)
        assert answer.status_code == 404
        assert "There is nothing here" in text_of(answer.text)


async def test_a_serial_number_may_be_anything_that_can_be_printed(
    service: RunningService, simulator: Running, cookie_of: CookieOf, serial: str
) -> None:
    simulator.simulator.buy(serials=["</A><B>?#%"])
    await walk(service)
    viewer = await cookie_of("viewer")
    found = await service.get("/devices?search=%3C/a%3E", headers=viewer)
    path = re.search(r'class="serial" href="([^"]*)"', found.text)
    assert path is not None
    page = await service.get(path[1], headers=viewer)
    assert page.status_code == 200
    assert "<title>&lt;/A&gt;&lt;B&gt;?#% · adept</title>" in page.text
