"""Users, their passwords and sessions, and API keys."""

from __future__ import annotations

from playwright.async_api import Page, expect

from adept.records.access import key_list, user_list
from adept.store.audit import audit_entries
from tests.browser.conftest import PASSWORD, VisitAs, accessible
from tests.web.conftest import RunningService


async def test_a_user_is_added_given_a_role_disabled_and_let_in_again(page: Page, service: RunningService) -> None:
    await page.goto("/people")
    await page.get_by_role("link", name="New user").click()
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.get_by_label("Name").fill("ann@example.com")
    await page.get_by_label("First password").fill("short")
    await page.get_by_role("button", name="Add user").click()
    await expect(page.get_by_label("First password")).to_have_accessible_description(
        "A password needs 12 to 1000 characters, this one has 5."
    )
    await accessible(page)
    await page.get_by_label("First password").fill(PASSWORD)
    await page.get_by_role("button", name="Add user").dblclick()
    await expect(page.get_by_role("status")).to_contain_text("The user was added.")
    await expect(page).to_have_url(f"{service.url}/people")  # a reload doesn't tell it again
    await accessible(page)

    await page.get_by_role("link", name="ann@example.com").click()
    await page.get_by_label("What ann@example.com may do").select_option("operator")
    await page.get_by_role("button", name="Change role").click()
    await expect(page.get_by_role("status")).to_contain_text("The role was changed.")
    await page.get_by_role("button", name="Disable").click()
    dialog = page.get_by_role("dialog", name="Disable ann@example.com?")
    await expect(dialog).to_be_visible()
    await accessible(page)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Disable").click()
    await dialog.get_by_role("button", name="Disable").click()
    await expect(page.get_by_role("definition").first).to_have_text("Disabled")
    await accessible(page)
    await page.get_by_role("button", name="Let log in again").click()
    await expect(page.get_by_role("definition").first).to_have_text("Active")
    async with service.store.reading() as tx:
        acts = [entry.act for entry in await audit_entries(tx, limit=10, subject="ann@example.com")]
    assert acts == ["user.enabled", "user.disabled", "user.changed", "user.added"]


async def test_a_key_is_made_taken_along_and_revoked(visit_as: VisitAs, service: RunningService) -> None:
    page = await visit_as("admin", permissions=["clipboard-read", "clipboard-write"])
    await page.goto("/people")
    await expect(page.get_by_text("No API keys")).to_be_visible()
    await page.get_by_role("link", name="New API key").first.click()
    await accessible(page)
    await page.get_by_label("Name").fill("backup")
    await page.get_by_role("button", name="Make API key").dblclick()
    await expect(page.get_by_role("heading", name="API key backup")).to_be_visible()
    await accessible(page)
    await page.get_by_role("button", name="Copy").first.click()
    key = await page.evaluate("navigator.clipboard.readText()")
    assert (await service.get("/api/v1/accounts", headers={"Authorization": f"Bearer {key}"})).status_code == 200

    await page.get_by_role("link", name="I have it").click()
    await page.get_by_role("button", name="Revoke").press("Enter")
    dialog = page.get_by_role("dialog", name="Revoke the API key backup?")
    await accessible(page)
    await dialog.get_by_role("button", name="Revoke").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("The key was revoked.")
    assert await key_list(service.store) == []
    await page.get_by_role("link", name="Show revoked keys").click()
    await expect(page.get_by_role("row", name="backup")).to_contain_text("Revoked")
    await accessible(page)


async def test_one_looks_after_ones_own_password_and_sessions(visit_as: VisitAs, service: RunningService) -> None:
    page, elsewhere = await visit_as("viewer"), await visit_as("viewer")
    await page.goto("/people/viewer")
    await accessible(page)
    await page.get_by_label("Old password").fill("not the old one")
    await page.get_by_label("New password", exact=True).fill("a quite different one")
    await page.get_by_label("New password again").fill("a quite different one")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_label("Old password")).to_have_accessible_description("The old password is wrong.")

    sessions = page.get_by_role("table", name="Sessions")
    await expect(sessions.get_by_role("row")).to_have_count(3)
    await sessions.get_by_role("button", name="End").click()
    await expect(page.get_by_role("status")).to_contain_text("The session was ended.")
    await expect(sessions.get_by_role("row")).to_have_count(2)
    await elsewhere.goto("/people/viewer")
    await expect(elsewhere.get_by_role("heading", name="Log in")).to_be_visible()

    await page.get_by_role("button", name="End all sessions").click()
    await page.get_by_role("button", name="End all", exact=True).click()
    await expect(page.get_by_role("status")).to_have_text("You are logged out.")


async def test_people_and_keys_are_looked_after_without_script(no_script_page: Page, service: RunningService) -> None:
    page = no_script_page
    await page.goto("/people")
    await page.get_by_role("link", name="New user").click()
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("First password").fill(PASSWORD)
    await page.get_by_role("button", name="Add user").click()
    await expect(page.get_by_role("status")).to_contain_text("The user was added.")
    await page.get_by_role("link", name="ann", exact=True).click()
    await page.get_by_role("button", name="Disable").click()
    await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    await expect(page.get_by_role("status")).to_contain_text("The user was disabled")
    await page.goto("/people?new=key")
    await page.get_by_label("Name").fill("backup")
    await page.get_by_role("button", name="Make API key").click()
    await expect(page.get_by_text("curl -H")).to_be_visible()
    ann = next(user for user in await user_list(service.store) if user.name == "ann")
    assert ann.disabled_at is not None
