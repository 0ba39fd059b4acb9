"""The API's documentation in a browser: drawn by our own files, under the same strict policy as every page."""

from __future__ import annotations

from playwright.async_api import Page, expect


async def test_the_documentation_shows_the_api_and_tries_it(page: Page) -> None:
    await page.goto("/api/v1/docs")
    probe = page.locator("#operations-service-healthz_healthz_get")
    await expect(probe).to_be_visible()
    await probe.get_by_role("button").first.click()
    await probe.get_by_role("button", name="Try it out").click()
    await probe.get_by_role("button", name="Execute").click()
    await expect(probe.locator(".live-responses-table")).to_contain_text("alive")
