"""Parts of pages that stay up to date: where the first try fails, in the background, past the session's end."""

from __future__ import annotations

from playwright.async_api import Page, Route, expect

from adept.accounts.registry import pause
from adept.store.audit import ADEPT
from tests.browser.conftest import VisitAs, accessible
from tests.web.conftest import RunningService
from tests.web.walking import add_account, walk


async def test_a_part_that_could_not_connect_tries_again_and_shows_no_error_in_its_place(
    page: Page, service: RunningService
) -> None:
    await add_account(service)
    await walk(service)

    async def away(route: Route) -> None:
        await route.fulfill(status=503, content_type="text/html", body="<p>The database is locked</p>")

    await page.route("**/live/**", away)
    await page.goto("/accounts/hq")
    notice = page.get_by_text("This page is not up to date: adept does not answer.")
    await expect(notice).to_be_visible()
    await expect(page.get_by_role("heading", name="OK", exact=True)).to_be_visible()
    await expect(page.get_by_text("The database is locked")).to_have_count(0)
    await accessible(page)
    await page.unroute("**/live/**")
    await expect(notice).to_be_hidden()
    await pause(service.store, "hq", by=ADEPT, now=service.clock)
    await expect(page.get_by_role("heading", name="Paused")).to_be_visible()


async def test_a_window_in_the_background_holds_no_connection(visit_as: VisitAs, service: RunningService) -> None:
    await add_account(service)
    page = await visit_as("admin")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.add_init_script(
        "window.isHidden = true; Object.defineProperty(Document.prototype, 'hidden', { get: () => window.isHidden })"
    )
    await page.goto("/accounts/hq")
    await page.wait_for_load_state()
    await page.evaluate("new Promise(done => setTimeout(done))")  # after what the page does once it is there
    assert not [url for url in asked if "/live/" in url]
    async with page.expect_request("**/live/accounts/hq"):
        await page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    await pause(service.store, "hq", by=ADEPT, now=service.clock)
    await expect(page.get_by_role("heading", name="Paused")).to_be_visible()


async def test_a_page_whose_session_ended_says_so_and_loses_nothing_typed(page: Page, service: RunningService) -> None:
    await add_account(service)
    await page.context.route("**/live/**", lambda route: route.fulfill(status=401))
    await page.goto("/accounts/hq")
    await page.get_by_label("Devices at a time").fill("50")
    await expect(page.get_by_text("your session has ended")).to_be_visible()
    await expect(page.get_by_label("Devices at a time")).to_have_value("50")
    assert await page.get_by_role("main").get_by_role("link", name="Log in").get_attribute("href") == (
        "/login?next=/accounts/hq"
    )
