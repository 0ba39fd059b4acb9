"""`python -m tests.pictures [NAME…]`: photograph the pages, all of them or those whose names begin so.

All pictures go to `build/pictures`, the manual's also to `docs/pictures`.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, FloatRect, Page, ViewportSize, async_playwright

from adept.access.admission import Visitor
from adept.access.sessions import open_session
from adept.settings import Settings
from adept.simulator.running import serve
from adept.simulator.simulator import Simulator
from adept.store.database import open_store
from adept.store.users import find_user
from adept.web.app import create_app
from adept.web.listening import Listening, listen
from adept.web.service import Service
from tests.pictures.scenes import EMPTY, MORNING_SCENES, NOTHING_YET, Scene
from tests.pictures.story import MORNING, SEED, Story, StoryClock, way_to_apple

ALL = Path("build/pictures")
MANUAL = Path("docs/pictures")
PORT, APPLES_PORT = 8440, 8441
VISITOR = Visitor(
    address="192.0.2.17", user_agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 15_7) Version/26.0 Safari/605.1.15"
)
WIDE = ViewportSize(width=1280, height=800)
NARROW = ViewportSize(width=360, height=740)
LONGEST = {1280: 1600, 360: 2600}  # pixels
SECRET_KEY = "cGljdHVyZXMgcGljdHVyZXMgcGljdHVyZXMgcGljdHU="  # of a database that is thrown away
IN_FRONT = ("menu", "hold-confirm")  # what stands in front of a page fills the window, not the page
OF_THE_MANUAL = (
    "first-start-light-narrow",
    "overview-light-wide",
    "overview-dark-wide",
    "overview-light-narrow",
    "overview-empty-light-wide",
    "menu-dark-narrow",
    "new-account-light-wide",
    "set-up-upload-light-wide",
    "set-up-refused-light-wide",
    "set-up-done-light-wide",
    "set-up-waiting-light-wide",
    "renew-other-server-light-wide",
    "accounts-light-wide",
    "account-hq-light-wide",
    "account-retail-dark-wide",
    "hold-confirm-light-wide",
    "account-lab-light-narrow",
    "devices-selected-light-wide",
    "devices-none-light-wide",
    "device-asked-light-wide",
    "device-moved-dark-narrow",
    "passes-light-wide",
    "audit-light-wide",
    "people-light-wide",
    "key-made-light-wide",
    "session-ended-back-light-narrow",
    "error-403-light-wide",
)


async def photograph(chosen: Sequence[str]) -> None:
    """Tell the story and walk through its scenes."""
    with tempfile.TemporaryDirectory() as folder, serve(Simulator(devices=0, seed=SEED), port=APPLES_PORT) as apple:
        url = f"sqlite:///{folder}/adept.sqlite3"
        async with open_store(url, secret_keys=[SECRET_KEY], data_dir=None, migrate=True) as store:
            clock = StoryClock(MORNING)
            settings = Settings(
                database_url=url,  # type: ignore[arg-type]  # validated into a SecretStr
                secret_keys=SECRET_KEY,  # type: ignore[arg-type]  # as above
                data_dir=Path(folder),
                url=apple.url,
                allow_private_addresses=True,
            )
            service = Service(store, settings, clock, way_to_apple, lambda: None)
            story = Story(service, apple, clock)
            app = create_app(service)
            app.add_api_route("/pictures/broken", _broken, include_in_schema=False)
            listening = Listening(app, listen("127.0.0.1", PORT))
            await listening.start()
            try:
                async with async_playwright() as playwright:
                    browser = await playwright.chromium.launch(
                        executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
                    )
                    await _shoot_all(browser, story, EMPTY, chosen)
                    await story.people()
                    await _shoot_all(browser, story, NOTHING_YET, chosen)
                    story.sessions.clear()  # the story goes three weeks back
                    await story.tell()
                    await _shoot_all(browser, story, MORNING_SCENES, chosen)
                    await browser.close()
            finally:
                await listening.stop()


async def _broken() -> None:
    """A bug of ours, for its picture."""
    raise RuntimeError("a bug, for its picture")


async def _shoot_all(browser: Browser, story: Story, scenes: Sequence[Scene], chosen: Sequence[str]) -> None:
    for scene in scenes:
        if chosen and not scene.name.startswith(tuple(chosen)):
            continue
        page = await _window(browser, story, scene.user)
        try:
            await scene.act(page, story)
            await _shoot(page, scene.name)
        finally:
            await page.context.close()


async def _window(browser: Browser, story: Story, user: str | None) -> Page:
    base = f"http://127.0.0.1:{PORT}"
    window = await browser.new_context(
        base_url=base,
        viewport=WIDE,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    window.set_default_timeout(15_000)
    await window.clock.set_fixed_time(MORNING)
    if user is not None:
        secret = await _session(story, user)
        await window.add_cookies([{"name": "adept_session", "value": secret, "url": base}])
    return await window.new_page()


async def _session(story: Story, user: str) -> str:
    """The user's one session, so that the log isn't full of logins; a new one where it ended."""
    if user not in story.sessions:
        async with story.service.store.writing() as tx:
            found = await find_user(tx, user)
            assert found is not None
            story.sessions[user] = (await open_session(tx, found, visitor=VISITOR, now=story.clock())).secret
    return story.sessions[user]


async def _shoot(page: Page, name: str) -> None:
    for width, size in (("wide", WIDE), ("narrow", NARROW)):
        if name == "menu" and width == "wide":
            continue
        await page.set_viewport_size(size)
        for colours in ("light", "dark"):
            await page.emulate_media(color_scheme=colours)
            height = await page.evaluate("document.documentElement.scrollHeight")
            tall = min(max(height, size["height"]), LONGEST[size["width"]])
            file = ALL / f"{name}-{colours}-{width}.png"
            is_whole = not name.startswith(IN_FRONT)
            clip = FloatRect(x=0, y=0, width=size["width"], height=tall if is_whole else size["height"])
            await page.screenshot(path=file, full_page=is_whole, clip=clip, animations="disabled", caret="hide")
            if file.stem in OF_THE_MANUAL:
                shutil.copy(file, MANUAL)
            too_wide = await page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if too_wide > 0:
                print(file.name, "scrolls sideways by", too_wide)


if __name__ == "__main__":
    for folder in (ALL, MANUAL):
        folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(photograph(sys.argv[1:]))
