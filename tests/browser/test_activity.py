"""Activity in a browser: passes and the audit log, narrowed, paged and exported; without script too."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.conftest import VisitAs, accessible
from tests.web.conftest import RunningService
from tests.web.walking import add_account, walk


async def test_passes_are_listed_and_narrowed_to_an_account(no_script_page: Page, service: RunningService):
    page = no_script_page
    await page.goto("/activity")
    await expect(page.get_by_text("No passes yet")).to_be_visible()
    await add_account(service)
    await walk(service)
    assert (await service.post("/api/v1/accounts", role="admin", json={"name": "lab"})).status_code == 201
    await page.goto("/activity")
    row = page.get_by_role("row", name="hq")
    await expect(row).to_contain_text("Done")
    await expect(row).to_contain_text("Full sync")
    await page.get_by_label("Account", exact=True).select_option("lab")
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url("/activity?account=lab")
    await expect(page.get_by_text("No passes of this account yet")).to_be_visible()


async def test_the_audit_log_tells_who_did_what_and_is_exported_as_it_is_narrowed(page: Page, service: RunningService):
    await add_account(service)
    ann = {"name": "ann", "role": "viewer", "password": "correct horse battery"}
    assert (await service.post("/api/v1/users", role="admin", may_read_secrets=True, json=ann)).status_code == 201
    await page.goto("/activity/audit")
    await expect(page.get_by_role("row", name="Account: added")).to_contain_text("hq")
    await accessible(page)
    await page.get_by_label("What", exact=True).select_option("user")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("row", name="Account: added")).to_have_count(0)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Export CSV").click()
    told = (await (await downloading.value).path()).read_text()
    assert "user.added" in told
    assert "account.added" not in told


async def test_activity_is_accessible_and_its_audit_log_for_administrators(
    page: Page, visit_as: VisitAs, service: RunningService
):
    await add_account(service)
    await walk(service)
    await page.goto("/activity")
    await accessible(page)
    viewer = await visit_as("viewer")
    await viewer.goto("/activity")
    await expect(viewer.get_by_role("link", name="Audit log")).to_have_count(0)
