"""The guided set-up of an account, through Apple's portal as the simulator plays it; and the renewal of its token."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

from adept.records.accounts import account_details
from adept.simulator.world import FIRST_SERVER
from tests.browser.conftest import accessible
from tests.web.conftest import RunningService
from tests.web.walking import walk

NEW = "/settings/dep-accounts/new"


async def begin(page: Page, name: str = "hq") -> None:
    await page.goto("/settings/dep-accounts")
    await page.get_by_role("link", name="New DEP Account").first.click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name=f"Set up {name}")).to_be_visible()


async def download_key(page: Page, into: Path) -> Path:
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download", exact=True).click()
    file = into / (await started.value).suggested_filename
    await (await started.value).save_as(file)
    return file


async def play_portal(page: Page, service: RunningService, key: Path, server: str, *, is_new: bool = True) -> Path:
    """Apple's side: *Add MDM Server* or *Upload Key*, then *Get Token*."""
    portal = await page.context.new_page()
    await portal.goto(service.simulator.control_url)
    if is_new:
        await portal.get_by_label("Name of the new server").fill(server)
        await portal.get_by_label("Public key certificate", exact=True).set_input_files(key)
        await portal.get_by_role("button", name="Add MDM Server").click()
    else:
        await portal.get_by_label(f"Public key certificate of {server}").set_input_files(key)
        await portal.get_by_role("row", name=server).get_by_role("button", name="Upload Key").click()
    async with portal.expect_download() as started:
        await portal.get_by_role("row", name=server).get_by_role("button", name="Get Token").click()
    file = key.parent / f"{server}.p7m"
    await (await started.value).save_as(file)
    await portal.close()
    return file


async def test_an_account_is_set_up_from_its_name_to_its_devices(
    page: Page, service: RunningService, tmp_path: Path
) -> None:
    await page.goto(NEW)
    await accessible(page)
    await page.get_by_label("Name").fill("Head Office")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_label("Name")).to_have_accessible_description(
        "'Head Office' can't be an account's name. "
        "Use up to 64 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit."
    )
    await expect(page.get_by_label("Name")).to_have_value("Head Office")
    await page.get_by_label("Name").fill("hq")
    await page.get_by_role("button", name="Continue").dblclick()
    await expect(page.get_by_role("heading", name="Set up hq")).to_be_visible()
    await accessible(page)
    key = await download_key(page, tmp_path)
    assert key.name == "adept-hq.pem"

    await page.goto(NEW)  # somebody comes back another day
    await page.get_by_role("link", name="hq").click()
    file = await play_portal(page, service, key, "Berlin")
    service.simulator.simulator.buy(3, server="Berlin")
    await page.get_by_label("The file from Apple's portal").set_input_files(key)
    await page.get_by_role("button", name="Upload token").click()
    await expect(page.get_by_label("The file from Apple's portal")).to_have_attribute("aria-invalid", "true")
    await accessible(page)
    await page.get_by_label("The file from Apple's portal").set_input_files(file)
    await page.get_by_role("button", name="Upload token").click()
    await expect(page.get_by_role("status").first).to_contain_text("Apple accepted the token.")
    await expect(page.get_by_role("main")).to_contain_text("Berlin")
    await accessible(page)

    await page.get_by_role("button", name="Start syncing").dblclick()
    await expect(page.get_by_label("Sync in progress")).to_be_visible()
    await accessible(page)
    await walk(service)
    devices = page.get_by_role("table", name="3 devices")
    await expect(devices.get_by_role("row")).to_have_count(4)  # without reloading
    await expect(page.get_by_role("main")).to_contain_text("3 added")
    await accessible(page)
    await page.get_by_role("link", name="About the account").click()
    await expect(page.get_by_role("heading", name="hq", exact=True)).to_be_visible()


async def test_the_essential_way_needs_no_script(no_script_page: Page, service: RunningService, tmp_path: Path) -> None:
    page = no_script_page
    await begin(page)
    file = await play_portal(page, service, await download_key(page, tmp_path), FIRST_SERVER, is_new=False)
    await page.get_by_label("The file from Apple's portal").set_input_files(file)
    await page.get_by_role("button", name="Upload token").click()
    await page.get_by_role("button", name="Start syncing").click()
    await expect(page.get_by_text("begins in a moment")).to_be_visible()
    await walk(service)
    await page.reload()
    await expect(page.get_by_role("table", name="10 devices").get_by_role("row")).to_have_count(11)
    await page.goto("/settings/dep-accounts")
    await expect(page.get_by_role("row", name="hq")).to_contain_text("OK")


async def test_a_renewal_keeps_everything_and_refuses_another_servers_token(
    page: Page, service: RunningService, tmp_path: Path
) -> None:
    await begin(page)
    file = await play_portal(page, service, await download_key(page, tmp_path), FIRST_SERVER, is_new=False)
    await page.get_by_label("The file from Apple's portal").set_input_files(file)
    await page.get_by_role("button", name="Upload token").click()
    await expect(page.get_by_role("button", name="Start syncing")).to_be_visible()
    await walk(service)
    await page.goto("/accounts/hq")
    await page.get_by_role("link", name="Renew token").click()
    await expect(page.get_by_role("heading", name="Renew the token of hq")).to_be_visible()
    await accessible(page)
    key = await download_key(page, tmp_path)
    other = await play_portal(page, service, key, "Lab")
    await page.get_by_label("The file from Apple's portal").set_input_files(other)
    await page.get_by_role("button", name="Upload token").click()
    told = page.locator("#error-file")
    await expect(told).to_contain_text("Lab")
    await expect(told).to_contain_text(FIRST_SERVER)
    await expect(told).to_contain_text("the old token still works")
    await accessible(page)
    renewed = await play_portal(page, service, key, FIRST_SERVER, is_new=False)
    await page.get_by_label("The file from Apple's portal").set_input_files(renewed)
    await page.get_by_role("button", name="Upload token").click()
    await expect(page.get_by_role("status").first).to_contain_text("Apple accepted the new token.")
    await expect(page.get_by_role("heading", name="Renew the token of hq")).to_be_visible()
    await expect(page.get_by_role("button", name="Start syncing")).to_have_count(0)
    account = await account_details(service.store, "hq")
    assert [token.state for token in account.tokens] == ["active", "retired"]
    assert account.devices == 10


async def test_a_token_that_apple_cant_be_asked_about_waits_and_says_for_what(
    page: Page, service: RunningService, tmp_path: Path
) -> None:
    await begin(page)
    file = await play_portal(page, service, await download_key(page, tmp_path), FIRST_SERVER, is_new=False)
    service.simulator.simulator.sign_terms(signed=False)
    await page.get_by_label("The file from Apple's portal").set_input_files(file)
    await page.get_by_role("button", name="Upload token").click()
    await expect(page.get_by_text("The token waits")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("accept Apple's new terms")
    await accessible(page)
    service.simulator.simulator.sign_terms(signed=True)
    await walk(service)
    await expect(page.get_by_role("table", name="10 devices")).to_be_visible()  # without reloading
