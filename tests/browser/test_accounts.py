"""The list of accounts, and one account: what it shows and what is done there."""

from __future__ import annotations

from playwright.async_api import Page, expect

from adept.accounts.registry import change
from adept.records.accounts import account_details, account_list
from adept.simulator.world import FIRST_SERVER
from adept.store.audit import ADEPT
from tests.browser.conftest import VisitAs, accessible
from tests.web.conftest import RunningService
from tests.web.walking import add_account, walk


async def test_no_accounts_yet(page: Page, visit_as: VisitAs) -> None:
    await page.goto("/settings/dep-accounts")
    await expect(page.get_by_text("No DEP accounts yet")).to_be_visible()
    await accessible(page)
    viewer = await visit_as("viewer")
    await viewer.goto("/settings/dep-accounts")
    await expect(viewer.get_by_role("link", name="New DEP Account")).to_have_count(0)


async def test_an_account_is_synced_paused_resumed_and_set(page: Page, service: RunningService) -> None:
    await add_account(service)
    await walk(service)
    await page.goto("/settings/dep-accounts")
    await accessible(page)
    await page.get_by_role("link", name="hq", exact=True).click()
    await expect(page.get_by_role("table", name="What Apple says of the account")).to_contain_text("server_uuid")
    await accessible(page)
    passes = page.get_by_role("table", name="The newest passes").get_by_role("row")
    await expect(passes).to_have_count(2)

    await page.get_by_role("button", name="Full sync").dblclick()
    await expect(page.get_by_role("status").first).to_contain_text("The full sync was asked for.")
    await expect(page.get_by_text("begins in a moment")).to_be_visible()
    await accessible(page)
    await walk(service)
    await expect(page.get_by_text("begins in a moment")).to_have_count(0)  # without reloading
    await expect(passes).to_have_count(3)
    await page.get_by_role("button", name="Sync now").click()
    await expect(page.get_by_role("status").first).to_contain_text("The sync was asked for.")
    await walk(service)

    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    await expect(page.get_by_role("button", name="Sync now")).to_have_count(0)
    await accessible(page)
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("heading", name="OK", exact=True)).to_be_visible()

    await page.get_by_label("Sync every").select_option("hour")
    await page.get_by_label("Devices at a time").fill("5000")
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_label("Devices at a time")).to_have_accessible_description(
        "The page size must be 1 to 1000, not 5000."
    )
    await expect(page.get_by_label("Sync every")).to_have_value("3600")
    await accessible(page)
    await page.get_by_label("Devices at a time").fill("50")
    version = (await account_details(service.store, "hq")).version
    await change(service.store, "hq", version=version, interval_s=7200, by=ADEPT, now=service.clock)
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_role("alert")).to_contain_text("was changed by")
    await expect(page.get_by_label("Sync every")).to_have_accessible_description("It is now every 2 hours.")
    await expect(page.get_by_label("Sync every")).to_have_value("3600")
    await accessible(page)
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_role("status").first).to_contain_text("The settings were changed.")
    account = await account_details(service.store, "hq")
    assert (account.interval_s, account.page_size) == (3600, 50)


async def test_an_account_is_removed_once_its_name_is_typed(no_script_page: Page, service: RunningService) -> None:
    page = no_script_page
    await add_account(service)
    await page.goto("/accounts/hq")
    await page.get_by_label("Type hq to remove it").fill("lab")
    await page.get_by_role("button", name="Remove account").click()
    await expect(page.get_by_label("Type hq to remove it")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Type hq to remove it").fill("HQ")
    await page.get_by_role("button", name="Remove account").click()
    await expect(page.get_by_role("status")).to_contain_text("The account was removed")
    assert await account_list(service.store) == []


async def test_a_hold_shows_its_devices_and_is_decided(page: Page, visit_as: VisitAs, service: RunningService) -> None:
    simulator = service.simulator.simulator
    simulator.buy(20, server=FIRST_SERVER)
    await add_account(service)
    await walk(service)
    gone = [device["serial_number"] for device in simulator.newest_devices(12, FIRST_SERVER)]
    await page.goto("/accounts/hq")
    simulator.assign(gone, None)
    simulator.fault("post_devices_sync", "bad_request_expired_cursor", count=1)
    await walk(service)
    await page.get_by_role("link", name="Look at the hold").click()  # it came without reloading
    hold = page.get_by_role("region", name="A hold waits for you")
    await expect(hold).to_contain_text("left out 12 of 30 devices")
    await expect(hold.get_by_role("table", name="Devices in the hold").get_by_role("row")).to_have_count(13)
    await accessible(page)
    viewer = await visit_as("viewer")
    await viewer.goto("/accounts/hq")
    await expect(viewer.get_by_role("region", name="A hold waits for you")).to_contain_text(
        "An operator can decide it."
    )
    await expect(viewer.get_by_role("main").get_by_role("button")).to_have_count(0)
    await accessible(viewer)

    await page.get_by_role("button", name="Confirm: mark as gone").click()
    dialog = page.get_by_role("dialog", name="Mark 12 devices as gone?")
    await accessible(page)
    await dialog.get_by_role("button", name="Mark as gone").click()
    await expect(page.get_by_role("status").first).to_contain_text("The hold was confirmed")
    await expect(page.get_by_role("table", name="Holds that ended, the newest first")).to_contain_text("Confirmed")
    assert (await account_details(service.store, "hq")).devices == 18
