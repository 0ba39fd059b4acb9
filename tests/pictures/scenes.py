"""What is photographed: each scene is a way through the pages that ends at something to look at.

The scenes are in the order of the story: what one leaves behind is there in those after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from playwright.async_api import FilePayload, Page

from adept.access.setup import make_link
from tests.pictures.story import CASTS, PASSWORD, Story

Act = Callable[[Page, Story], Awaitable[None]]


@dataclass(frozen=True)
class Scene:
    """One picture: its file's name, who looks (a user's name; None is nobody), and the way there."""

    name: str
    act: Act
    user: str | None = "ann"


def opening(path: str) -> Act:
    """The way to a page is its address."""

    async def act(page: Page, story: Story) -> None:
        await page.goto(path)

    return act


# before anybody is there


async def first_start(page: Page, story: Story) -> None:
    secret = await make_link(story.service.store, now=story.clock)
    await page.goto(f"/setup#{secret}")


async def first_start_wrong(page: Page, story: Story) -> None:
    await first_start(page, story)
    await page.get_by_label("Name").fill("Ann Meier")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_label("Password again").fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()


EMPTY = (
    Scene("first-start", first_start, None),
    Scene("first-start-wrong", first_start_wrong, None),
)
NOTHING_YET = (
    Scene("overview-empty", opening("/")),
    Scene("devices-empty", opening("/devices")),
    Scene("accounts-empty", opening("/settings/dep-accounts")),
    Scene("passes-empty", opening("/activity")),
)

# the morning


async def logged_out(page: Page, story: Story) -> None:
    await page.goto("/login")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Log in").click()


async def asked_apple(page: Page, story: Story) -> None:
    apple = story.apple.simulator
    serial = sorted(apple.devices("Head Office"))[40]
    apple.amend([serial], asset_tag="NW-40417", color="MIDNIGHT", key_of_tomorrow={"is": ["unknown"]})
    await page.goto(f"/devices/hq/{serial}")
    await page.get_by_role("button", name="Ask Apple now").click()


async def moved(page: Page, story: Story) -> None:
    """The device that moved from the head office to the shops."""
    await page.goto(f"/devices?search={story.moved}&deleted=any")
    await page.get_by_role("link", name=story.moved).first.click()


async def selected(page: Page, story: Story) -> None:
    await page.goto("/devices?account=hq&family=Mac&status=empty")
    boxes = page.get_by_role("checkbox")
    for number in (0, 2, 3):
        await boxes.nth(number).check()


async def searched(page: Page, story: Story) -> None:
    await page.goto("/devices?search=MacBook&sort=changed_at&order=desc&first_seen_from=2026-11-01")


async def named_wrong(page: Page, story: Story) -> None:
    await page.goto("/settings/dep-accounts/new")
    await page.get_by_label("Name").fill("Head Office")
    await page.get_by_role("button", name="Continue").click()


async def named(page: Page, story: Story) -> None:
    await page.goto("/settings/dep-accounts/new")
    await page.get_by_label("Name").fill("paris")
    await page.get_by_role("button", name="Continue").click()


async def downloaded(page: Page, story: Story) -> None:
    await page.goto("/settings/dep-accounts/new?account=paris")
    story.files["paris.pem"] = await _download(page)
    await page.reload()


async def refused_file(page: Page, story: Story) -> None:
    await page.goto("/settings/dep-accounts/new?account=paris")
    await _upload(page, "adept-paris.pem", story.files["paris.pem"])


async def uploaded(page: Page, story: Story) -> None:
    apple = story.apple.simulator
    apple.add_server("Paris", organisation="Northwind Traders", certificate=story.files["paris.pem"])
    apple.buy(24, family="Mac", server="Paris")
    await page.goto("/settings/dep-accounts/new?account=paris")
    await _upload(page, "Paris_Token_smime.p7m", apple.get_token("Paris").content)


async def started(page: Page, story: Story) -> None:
    await page.goto("/settings/dep-accounts/new?account=paris")
    await page.get_by_role("button", name="Start syncing").click()


async def synced(page: Page, story: Story) -> None:
    await story.walk("paris")
    await page.goto("/settings/dep-accounts/new?account=paris&started=true")


async def other_server(page: Page, story: Story) -> None:
    apple = story.apple.simulator
    await page.goto("/settings/dep-accounts/new?account=schools&renew=true")
    pem = await _download(page)
    apple.add_server("Library iPads", organisation="Northwind Academy", certificate=pem)
    await _upload(page, "Library_Token_smime.p7m", apple.get_token("Library iPads").content)


async def synced_now(page: Page, story: Story) -> None:
    await page.goto("/accounts/schools")
    await page.get_by_role("button", name="Full sync").click()


async def wrong_size(page: Page, story: Story) -> None:
    await page.goto("/accounts/hq")
    await page.get_by_label("Devices at a time").fill("5000")
    await page.get_by_role("button", name="Save settings").click()


async def asked_to_confirm(page: Page, story: Story) -> None:
    await page.goto("/accounts/lab")
    await page.get_by_role("button", name="Confirm: mark as gone").click()


async def key_made(page: Page, story: Story) -> None:
    await page.goto("/people?new=key")
    await page.get_by_label("Name").fill("backup")
    await page.get_by_role("button", name="Make API key").click()


async def session_ended(page: Page, story: Story) -> None:
    await page.goto("/people?new=user")
    await page.get_by_label("Name").fill("mira")
    await page.get_by_label("Role").select_option("operator")
    await page.get_by_label("First password").fill(PASSWORD)
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Add user").click()


async def session_ended_back(page: Page, story: Story) -> None:
    await session_ended(page, story)
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()


async def menu(page: Page, story: Story) -> None:
    await page.goto("/")
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.get_by_role("button", name="Menu").click()


MORNING_SCENES = (
    Scene("login", opening("/login"), None),
    Scene("login-wrong", logged_out, None),
    Scene("overview", opening("/")),
    Scene("overview-viewer", opening("/"), "helpdesk"),
    Scene("menu", menu),
    Scene("accounts", opening("/settings/dep-accounts")),
    *(Scene(f"account-{cast.name}", opening(f"/accounts/{cast.name}")) for cast in CASTS),
    Scene("account-returns", opening("/accounts/returns")),
    Scene("account-vision-pilot", opening("/accounts/vision-pilot")),
    Scene("account-viewer", opening("/accounts/lab"), "helpdesk"),
    Scene("account-syncing", synced_now),
    Scene("account-wrong", wrong_size),
    Scene("hold-confirm", asked_to_confirm),
    Scene("devices", opening("/devices")),
    Scene("devices-selected", selected),
    Scene("devices-searched", searched),
    Scene("devices-none", opening("/devices?search=C02XL0GHJGH5&account=hq")),
    Scene("devices-gone", opening("/devices?deleted=true")),
    Scene("devices-wrong", opening("/devices?changed_from=2026-02-30")),
    Scene("device-asked", asked_apple),
    Scene("device-moved", moved),
    Scene("passes", opening("/activity")),
    Scene("audit", opening("/activity/audit")),
    Scene("audit-none", opening("/activity/audit?actor=nobody")),
    Scene("people", opening("/people?revoked=true")),
    Scene("people-new-user", opening("/people?new=user")),
    Scene("people-new-key", opening("/people?new=key")),
    Scene("person", opening("/people/jonas")),
    Scene("me", opening("/people/ann")),
    Scene("key-made", key_made),
    Scene("new-account", opening("/settings/dep-accounts/new")),
    Scene("new-account-wrong", named_wrong),
    Scene("set-up-download", named),
    Scene("set-up-upload", downloaded),
    Scene("set-up-refused", refused_file),
    Scene("set-up-accepted", uploaded),
    Scene("set-up-syncing", started),
    Scene("set-up-done", synced),
    Scene("set-up-waiting", opening("/settings/dep-accounts/new?account=returns")),
    Scene("renew", opening("/settings/dep-accounts/new?account=schools&renew=true")),
    Scene("renew-other-server", other_server),
    Scene("session-ended", session_ended),
    Scene("session-ended-back", session_ended_back),
    Scene("error-403", opening("/people"), "helpdesk"),
    Scene("error-404", opening("/accounts/nowhere")),
    Scene("error-500", opening("/pictures/broken")),
)


async def _download(page: Page) -> bytes:
    async with page.expect_download() as begun:
        await page.get_by_role("link", name="Download", exact=True).click()
    return await anyio.Path(await (await begun.value).path()).read_bytes()


async def _upload(page: Page, name: str, content: bytes) -> None:
    file = FilePayload(name=name, mimeType="application/pkcs7-mime", buffer=content)
    await page.get_by_label("The file from Apple's portal").set_input_files(file)
    await page.get_by_role("button", name="Upload token").click()
    await page.wait_for_load_state()
