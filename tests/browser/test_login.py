"""First start, login, logout, and a session that ends too early."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from adept.access.setup import make_link
from adept.records.access import user_list
from tests.browser.conftest import PASSWORD, VisitAs, accessible
from tests.web.conftest import RunningService


async def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_the_link_of_the_first_start_makes_an_administrator(
    visit_as: VisitAs, service: RunningService, script: bool
) -> None:
    secret = await make_link(service.store, now=service.clock)
    page = await visit_as(None, script=script)
    await page.goto(f"/setup#{secret}")
    if script:
        await expect(page.get_by_label("Set-up link")).to_be_hidden()
        await expect(page).to_have_url(f"{service.url}/setup")  # the secret is out of the address and the history
        await accessible(page)
    else:
        await page.get_by_label("Set-up link").fill(f"{service.url}/setup#{secret}")
    await page.get_by_label("Name").fill("Not a name!")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_label("Password again").fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()
    await expect(page.get_by_label("Name")).to_have_accessible_description(
        "'Not a name!' can't be the name of a user. "
        "Use up to 64 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit."
    )
    if script:
        await accessible(page)
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_label("Password again").fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()
    await expect(page.get_by_role("link", name="ann admin")).to_be_visible()
    assert [user.role for user in await user_list(service.store)] == ["admin"]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_a_person_logs_in_to_where_they_wanted_and_out(
    visit_as: VisitAs, service: RunningService, script: bool
) -> None:
    await visit_as("admin")
    page = await visit_as(None, script=script)
    await page.goto("/people?new=user")
    await log_in(page, "admin", "not the password")
    await expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    await expect(page.get_by_label("Name")).to_have_value("admin")
    await expect(page.get_by_label("Password")).to_be_focused()
    if script:
        await accessible(page)
    await log_in(page, "admin")
    await expect(page).to_have_url(f"{service.url}/people?new=user")
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("status")).to_have_text("You are logged out.")
    await page.goto("/people")
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_what_was_typed_when_the_session_ended_is_sent_after_the_login(
    page: Page, service: RunningService
) -> None:
    await page.goto("/people?new=key")
    await page.get_by_label("Name").fill("backup")
    await page.get_by_label("Role").select_option("operator")
    service.clock.advance(hours=13)
    await page.get_by_role("button", name="Make API key").click()
    await expect(page.get_by_text("what you typed is kept")).to_be_visible()
    await accessible(page)
    await log_in(page, "admin")
    await expect(page.get_by_role("heading", name="You are logged in again")).to_be_visible()
    await expect(page.get_by_text("backup")).to_be_visible()
    await accessible(page)
    await page.get_by_role("button", name="Send it now").click()
    await expect(page.get_by_role("heading", name="API key backup")).to_be_visible()


async def test_colours_are_chosen_and_stay(page: Page) -> None:
    await page.goto("/people")
    await page.get_by_role("button", name="Dark colours").click()
    await expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    await page.goto("/people/admin")
    await expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    await expect(page.get_by_role("button", name="Dark colours")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Auto colours").click()
    await expect(page.locator("html")).not_to_have_attribute("data-bs-theme", "dark")


async def test_the_keyboard_reaches_the_content_and_the_menu_on_a_small_screen(page: Page) -> None:
    await page.goto("/people")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await page.set_viewport_size({"width": 360, "height": 740})
    people = page.get_by_role("navigation", name="Main").get_by_role("link", name="DEP Accounts")
    await expect(people).to_be_hidden()
    await page.get_by_role("button", name="Menu").press("Enter")
    await expect(people).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(people).to_be_hidden()


@pytest.mark.parametrize(("path", "told"), [("/nowhere", "There is nothing here"), ("/people", "You may not do this")])
async def test_errors_are_pages_like_others(visit_as: VisitAs, path: str, told: str) -> None:
    page = await visit_as("viewer")
    await page.goto(path)
    await expect(page.get_by_role("heading", name=told)).to_be_visible()
    await accessible(page)
