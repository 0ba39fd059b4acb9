"""The main way by the keyboard alone: what is reached shows that it is, and nothing needs a mouse."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Locator, Page, expect

from adept.simulator.world import FIRST_SERVER
from tests.browser.conftest import PASSWORD, VisitAs
from tests.web.conftest import RunningService
from tests.web.walking import walk

FURTHEST = 60  # stops of the tabulator key on the way to anything


async def tab_to(page: Page, wanted: Locator) -> None:
    """Press the tabulator key until that has the focus, which must be seen."""
    await expect(wanted).to_be_visible()
    for _ in range(FURTHEST):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("(one) => one === document.activeElement"):
            seen = await wanted.evaluate(
                "(one) => { const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);"
                " return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none' }"
            )
            assert seen, f"the focus on {wanted} can't be seen"
            return
    raise AssertionError(f"the tabulator key doesn't reach {wanted} on {page.url}")


async def press(page: Page, role: str, name: str) -> None:
    """Go there and press it."""
    await tab_to(page, page.get_by_role(role, name=name, exact=True).first)  # type: ignore[arg-type]  # a role's name
    await page.keyboard.press("Enter")


async def test_from_the_login_to_the_devices_and_a_pause(
    visit_as: VisitAs, service: RunningService, tmp_path: Path
) -> None:
    await visit_as("admin")
    page = await visit_as(None)
    await page.goto("/login")
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("admin")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await press(page, "link", "New DEP Account")
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("hq")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Set up hq")).to_be_visible()
    async with page.expect_download() as begun:
        await press(page, "link", "Download")
    apple = service.simulator.simulator
    apple.upload_certificate(FIRST_SERVER, Path(await (await begun.value).path()).read_bytes())  # noqa: ASYNC240  # a test's own
    file = tmp_path / "token.p7m"
    file.write_bytes(apple.get_token(FIRST_SERVER).content)
    async with page.expect_file_chooser() as chooser:
        await tab_to(page, page.get_by_label("The file from Apple's portal"))
        await page.keyboard.press("Enter")
    await (await chooser.value).set_files(file)
    await press(page, "button", "Upload token")
    await expect(page.get_by_role("status").first).to_contain_text("Apple accepted the token.")
    await press(page, "button", "Start syncing")
    await expect(page.get_by_label("Sync in progress")).to_be_visible()
    await walk(service)
    await press(page, "link", "All devices of hq")
    serial = await page.locator(".serial").first.inner_text()
    await tab_to(page, page.get_by_label(f"Select {serial} of hq"))
    await page.keyboard.press("Space")
    await expect(page.get_by_role("status").first).to_contain_text("1 selected")
    await press(page, "link", serial)
    await press(page, "button", "Ask Apple now")
    await expect(page.get_by_text("The same as is stored.")).to_be_visible()
    await page.goto("/people")
    await page.set_viewport_size({"width": 360, "height": 740})
    await press(page, "button", "Menu")
    await press(page, "link", "DEP Accounts")
    await page.set_viewport_size({"width": 1280, "height": 900})
    await press(page, "link", "hq")
    await press(page, "button", "Pause")
    await expect(page.get_by_role("heading", name="Paused")).to_be_visible()
