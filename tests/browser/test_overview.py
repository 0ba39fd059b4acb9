"""The overview in a browser: what it says when all is well, when something is not, and when there is nothing yet."""

from __future__ import annotations

from playwright.async_api import Page, expect

from adept.accounts.registry import pause
from adept.store.accounts import account_named, update_account
from adept.store.audit import ADEPT
from tests.browser.conftest import VisitAs, accessible
from tests.web.conftest import RunningService
from tests.web.walking import add_account, walk


async def test_an_empty_overview_says_what_to_do_next(page: Page, visit_as: VisitAs):
    await page.goto("/")
    await expect(page.get_by_text("No DEP accounts yet")).to_be_visible()
    link = page.get_by_role("main").get_by_role("link", name="New DEP Account").first
    assert await link.get_attribute("href") == "/settings/dep-accounts/new"
    await accessible(page)
    viewer = await visit_as("viewer")
    await viewer.goto("/")
    await expect(viewer.get_by_role("link", name="New DEP Account")).to_have_count(0)


async def test_all_is_well_until_it_is_not_and_the_page_follows_by_itself(page: Page, service: RunningService):
    await add_account(service)
    await walk(service)
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Everything is all right")).to_be_visible()
    card = page.get_by_role("article", name="hq")
    await expect(card).to_contain_text("Example MDM")
    await expect(card).to_contain_text("OK")
    await expect(page.get_by_role("table", name="Devices by family")).to_contain_text("iPad")
    await expect(page.get_by_role("region", name="Changes per day").locator(".day-added")).to_have_count(14)
    await accessible(page)
    async with service.store.writing() as tx:
        account = await account_named(tx, "hq")
        await update_account(tx, account.id, health="terms_not_signed", health_since=service.clock())
    await expect(page.get_by_role("heading", name="Your account needs attention")).to_be_visible()
    await expect(card).to_contain_text("accept Apple's new terms")
    await accessible(page)


async def test_who_needs_somebody_stands_first(no_script_page: Page, service: RunningService):
    page = no_script_page
    for name in ("alpha", "beta", "gamma"):
        assert (await service.post("/api/v1/accounts", role="admin", json={"name": name})).status_code == 201
    await pause(service.store, "alpha", by=ADEPT, now=service.clock)
    await page.goto("/")
    await expect(page.get_by_role("heading", name="2 of 3 accounts need attention")).to_be_visible()
    assert await page.get_by_role("article").get_by_role("heading").all_inner_texts() == ["beta", "gamma", "alpha"]
