"""Chromium in front of a running service: what a person would see, and what no page may do.

A page fails its test by an error in its console (a violation of the Content-Security-Policy is one), by an error in its
script, by something it loads that is not there, and by a request that would leave this machine.

The service is the one of tests/web, on SQLite alone: what differs between the engines shows in the tests below.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    async_playwright,
    expect,
)

from adept.access.admission import Visitor
from adept.access.passwords import hash_password
from adept.access.sessions import open_session
from adept.store.users import add_user, find_user
from tests.web.conftest import RunningService, clock, service, service_settings, simulator

__all__ = ["PASSWORD", "VisitAs", "accessible", "clock", "service", "service_settings", "simulator"]

PASSWORD = "correct horse battery staple"
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}
_AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_SECONDS = 1000
_PATIENCE = 60 * _SECONDS  # what is not there by then will not come: generous, since machines may be busy

expect.set_options(timeout=_PATIENCE)

VisitAs: TypeAlias = Callable[..., Awaitable[Page]]


@dataclass
class Watch:
    """What went wrong in a browser window that no page may do."""

    complaints: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Listen to every page of the window."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"script error: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # what couldn't be loaded is told by its response, where we see what it was
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob", "about") and place.hostname not in ("127.0.0.1", "localhost"):
            self.complaints.append(f"a request would leave this machine: {request.url}")

    def _response(self, response: Response) -> None:
        is_asset = response.request.resource_type not in ("document", "fetch", "xhr", "eventsource")
        if is_asset and response.status >= 400:
            self.complaints.append(f"{response.status} for {response.url}")


@pytest.fixture
def engine_name() -> str:
    """SQLite alone."""
    return "sqlite"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD, which takes a while."""
    return asyncio.run(hash_password(PASSWORD))


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser for the tests of a module."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def visit_as(browser: Browser, service: RunningService, password_hash: str) -> AsyncIterator[VisitAs]:
    """Open a window: `await visit_as("viewer")` is logged in as a user called viewer with that role, and PASSWORD.

    `visit_as(None)` is nobody. `name` names another user with the role; `script=False` switches script off; further
    options are those of Playwright's `new_context`. When the test ends, what any window did wrong fails it.
    """
    watch = Watch()
    windows: list[BrowserContext] = []

    async def open_window(role: str | None, *, name: str | None = None, script: bool = True, **options: Any) -> Page:
        window = await browser.new_context(
            **{
                "base_url": service.url,
                "java_script_enabled": script,
                "viewport": WIDE,
                "locale": "en-GB",
                "timezone_id": "Europe/Berlin",
                "reduced_motion": "reduce",
                **options,
            }
        )
        windows.append(window)
        window.set_default_timeout(_PATIENCE)
        watch.over(window)
        if role is not None:
            secret = await _session_of(service, name or role, role, password_hash)
            await window.add_cookies([{"name": "adept_session", "value": secret, "url": service.url}])
        return await window.new_page()

    yield open_window
    for window in windows:
        await window.close()
    assert watch.complaints == []


@pytest.fixture
async def page(visit_as: VisitAs) -> Page:
    """A page of an administrator called admin, empty so far."""
    return await visit_as("admin")


@pytest.fixture
async def no_script_page(visit_as: VisitAs) -> Page:
    """As `page`, with script switched off."""
    return await visit_as("admin", script=False)


async def accessible(page: Page) -> None:
    """Fail for what axe-core finds on the page, in both colour schemes, wide and narrow; or if it scrolls sideways.

    The window is as wide as before afterwards, and its colours follow the system again.
    """
    before = page.viewport_size
    await page.evaluate(_axe())
    for size, colours in ((NARROW, "dark"), (WIDE, "light")):
        await page.set_viewport_size(size)  # type: ignore[arg-type]  # a literal would do
        await page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]  # as above
        found = await page.evaluate("axe.run().then(({violations}) => violations)")
        assert _told(found) == [], f"{page.url}, {colours}, {size['width']} wide"
        too_wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{page.url} scrolls sideways at a width of {size['width']}: {too_wide} too wide"
    await page.emulate_media(color_scheme=None)
    if before is not None:
        await page.set_viewport_size(before)


def _told(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{violation['id']} ({violation['help']}): {node['html'][:200]}: {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
    ]


@cache
def _axe() -> str:
    return _AXE.read_text("utf-8")


async def _session_of(service: RunningService, name: str, role: str, password_hash: str) -> str:
    """The secret of a new session of the user, who is added where missing."""
    async with service.store.writing() as tx:
        user = await find_user(tx, name)
        if user is None:
            user = await add_user(tx, name, role=role, password_hash=password_hash, now=service.clock())
        return (await open_session(tx, user, visitor=Visitor(), now=service.clock())).secret
