"""The parts of a page that stay up to date, where the browser is not as quick as on a developer's machine."""

from __future__ import annotations

import anyio
from playwright.async_api import Page, Route, expect

from adept.accounts.registry import pause
from adept.store.audit import ADEPT
from tests.web.conftest import RunningService
from tests.web.walking import add_account

# Tells us when htmx is there and has done what it put off.
TELL = "{ const look = () => setTimeout(window.htmx ? htmxHadItsTurn : look); look() }"


async def test_a_page_follows_also_when_the_script_for_it_comes_last(page: Page, service: RunningService) -> None:
    htmx_had_its_turn = anyio.Event()

    async def come_last(route: Route) -> None:
        with anyio.fail_after(20):
            await htmx_had_its_turn.wait()
        await route.continue_()

    await add_account(service)
    await page.expose_function("htmxHadItsTurn", lambda: htmx_had_its_turn.set())
    await page.add_init_script(TELL)
    await page.route("**/hx-sse.min.js", come_last)
    await page.goto("/")
    await expect(page.get_by_role("article", name="hq")).not_to_contain_text("Paused")
    await pause(service.store, "hq", by=ADEPT, now=service.clock)
    await expect(page.get_by_role("article", name="hq")).to_contain_text("Paused")
