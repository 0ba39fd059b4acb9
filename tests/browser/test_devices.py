"""Devices in a browser: found, sorted, paged, selected across pages, taken along; and one device with its story."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from playwright.async_api import Download, Page, expect

from adept.protocol.keypair import generate_keypair
from adept.simulator.running import Running
from tests.browser.conftest import VisitAs, accessible
from tests.web.conftest import RunningService
from tests.web.walking import add_account, walk

MANY = 60  # more than a page


@pytest.fixture
async def fleet(service: RunningService, simulator: Running) -> list[str]:
    """The serial numbers of a fleet of two pages, in order; three of them are Macs."""
    simulator.simulator.buy(MANY, family="iPad")
    simulator.simulator.buy(3, family="Mac", fields={"key_of_tomorrow": {"is": ["<b>bold</b>"]}})
    await add_account(service)
    await walk(service)
    return sorted(simulator.simulator.devices())


async def serials_in(download: Download) -> list[str]:
    """The serial numbers of a file that was downloaded."""
    return _serials_in(await download.path(), download.suggested_filename)


def _serials_in(path: Path, name: str) -> list[str]:
    lines = Path(path).read_text("utf-8").splitlines()
    if name == "devices.csv":
        return [row["serial_number"] for row in csv.DictReader(lines)]
    return [json.loads(line)["serial_number"] for line in lines]


async def test_an_empty_list_says_what_to_do_next(page: Page, visit_as: VisitAs):
    await page.goto("/devices")
    await expect(page.get_by_text("No devices yet")).to_be_visible()
    await expect(page.get_by_role("link", name="New DEP Account")).to_be_visible()
    await accessible(page)
    viewer = await visit_as("viewer")
    await viewer.goto("/devices")
    await expect(viewer.get_by_role("link", name="New DEP Account")).to_have_count(0)


async def test_devices_are_found_sorted_and_paged_and_the_address_can_be_shared(
    page: Page, visit_as: VisitAs, fleet: list[str]
):
    await page.goto("/devices")
    await expect(page.locator(".serial")).to_have_text(fleet[:50])
    await accessible(page)
    await page.get_by_role("button", name="Serial number").click()
    await expect(page.get_by_role("columnheader", name="Serial number")).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("button", name="Next page").click()
    await expect(page.locator(".serial")).to_have_text(fleet[::-1][50:])
    await accessible(page)
    other = await visit_as("viewer")
    await other.goto(page.url)
    await expect(other.locator(".serial")).to_have_text(fleet[::-1][50:])
    await page.go_back()
    await expect(page.locator(".serial")).to_have_text(fleet[::-1][:50])
    await page.get_by_label("Family").select_option("Mac")
    await page.get_by_label("Search", exact=True).press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("3 devices")
    assert page.url.endswith("/devices?family=Mac&order=desc")
    await page.get_by_label("Search", exact=True).fill("nothing has this")
    await page.get_by_label("Search", exact=True).press("Enter")
    await expect(page.get_by_text("No device fits")).to_be_visible()
    await accessible(page)
    await page.get_by_role("link", name="Clear filters").click()
    await expect(page.locator(".serial")).to_have_count(50)


async def test_a_wrong_day_is_told_at_its_field(page: Page, fleet: list[str]):
    await page.goto("/devices?changed_from=2026-02-30&family=Mac")
    await expect(page.get_by_text("'2026-02-30' is no day.")).to_be_visible()
    await expect(page.get_by_label("Family")).to_have_value("Mac")
    await accessible(page)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_a_selection_grows_across_pages_and_is_taken_along(visit_as: VisitAs, fleet: list[str], script: bool):
    page = await visit_as("viewer", script=script)
    await page.goto("/devices")
    await page.get_by_label(f"Select {fleet[1]} of hq").check()
    await page.get_by_label(f"Select {fleet[3]} of hq").check()
    if script:
        await expect(page.get_by_role("status")).to_contain_text("2 selected")
    await page.get_by_role("button", name="Next page").click()
    await expect(page.get_by_role("status")).to_contain_text("2 selected")
    await page.get_by_label(f"Select {fleet[-1]} of hq").check()
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="Selected as CSV").click()
    assert await serials_in(await begun.value) == [fleet[1], fleet[3], fleet[-1]]
    await page.get_by_role("button", name="First page").click()
    await expect(page.get_by_label(f"Select {fleet[3]} of hq")).to_be_checked()
    await page.get_by_label(f"Select {fleet[3]} of hq").uncheck()
    await page.get_by_role("button", name="Show selected").click()
    await expect(page.locator(".serial")).to_have_text([fleet[1], fleet[-1]])
    if script:
        await accessible(page)
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="Selected as NDJSON").click()
    assert await serials_in(await begun.value) == [fleet[1], fleet[-1]]
    await page.get_by_role("button", name="Select none").click()
    await expect(page.get_by_text("No device fits")).to_be_visible()


async def test_the_file_holds_exactly_what_the_filters_find(page: Page, fleet: list[str]):
    await page.goto("/devices?family=Mac&sort=changed_at")
    shown = await page.locator(".serial").all_inner_texts()
    for form in ("CSV", "NDJSON"):
        async with page.expect_download() as begun:
            await page.get_by_role("link", name=f"Export {form}").click()
        assert await serials_in(await begun.value) == sorted(shown)


async def test_one_device_its_fields_its_history_and_what_apple_says_now(
    page: Page, service: RunningService, simulator: Running, fleet: list[str]
):
    mac = simulator.simulator.newest_devices(1)[0]["serial_number"]
    await page.goto("/devices?family=Mac")
    await page.get_by_role("link", name=mac).click()
    fields = page.get_by_role("table", name="What Apple says of it")
    await expect(fields.get_by_role("row", name="Serial number")).to_contain_text(f'"{mac}"')
    await expect(fields.get_by_role("row", name="key_of_tomorrow")).to_contain_text("not known to adept")
    await expect(fields.get_by_role("row", name="key_of_tomorrow")).to_contain_text("<b>bold</b>")
    await accessible(page)
    simulator.simulator.amend([mac], asset_tag="A-77", color=None)
    await page.get_by_role("button", name="Ask Apple now").click()
    await expect(page.get_by_text("2 fields are different")).to_be_visible()
    await expect(fields.get_by_role("row", name="asset_tag")).to_contain_text("different")
    await accessible(page)
    await walk(service)
    await page.goto(f"/devices/hq/{mac}")
    await expect(page.get_by_role("listitem").filter(has_text="Changed in hq")).to_contain_text("A-77")
    await accessible(page)


async def test_a_device_that_moved_between_two_accounts_and_went(
    page: Page, service: RunningService, simulator: Running, fleet: list[str]
):
    pair = generate_keypair("schools", now=service.clock())
    simulator.simulator.add_server("Schools", certificate=pair.certificate_pem)
    simulator.simulator.get_token("Schools")
    token = json.loads(simulator.simulator.token_of("Schools").to_json())
    await service.post("/api/v1/accounts", role="admin", json={"name": "schools", "token": token})
    simulator.simulator.assign([fleet[0]], "Schools")
    for name in ("schools", "hq"):
        await walk(service, name)
    await page.goto(f"/devices/hq/{fleet[0]}")
    await expect(page.get_by_text("Moved from hq to schools")).to_have_count(1)
    await accessible(page)
    await page.get_by_text("It is in").get_by_role("link", name="schools").click()
    await expect(page.get_by_text("Moved from hq to schools")).to_have_count(1)
    simulator.simulator.release([fleet[0]])
    await walk(service, "schools")
    await page.goto(f"/devices/schools/{fleet[0]}")
    await expect(page.get_by_text("Gone from schools").first).to_be_visible()
    await page.get_by_role("button", name="Ask Apple now").click()
    await expect(page.get_by_text("Apple doesn't have the device")).to_be_visible()
    await accessible(page)
    await page.goto("/devices?deleted=true")
    await expect(page.locator(".serial")).to_have_text([fleet[0], fleet[0]])
    await accessible(page)
