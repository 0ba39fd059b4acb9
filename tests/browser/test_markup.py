"""Whatever Apple or a person writes is shown as text: every field filled with markup, every page looked at.

Nothing of it becomes an element, no script runs, and the Content-Security-Policy has nothing to refuse (the watch over
the window would tell). Answers for programs say that they are no page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from adept.simulator.answers import Answer
from adept.simulator.requests import ServiceRequest
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.sync.outcome import PassKind
from adept.web.ui.device_fields import LABELS, OF_ANSWERS, TIMES
from tests.browser.conftest import VisitAs
from tests.web.conftest import RunningService
from tests.web.walking import add_account, walk

MARKUP = "\"'><img src=x onerror=pwned()><script>pwned()</script><b class=pwned>{{7*7}}&lt;</b>"
SHORT = "<b class=pwned>"  # where a length is set
SERIAL = "<B CLASS=PWNED>'&"
NO_TEXT = ("serial_number", "is_replacement_device", "released_by_replacement", "imei", "meid")


class MarkedApple(Simulator):
    """Apple, whose answers about an account are markup wherever they are text; and which refuses in markup."""

    refuses = False

    def answer(self, request: ServiceRequest) -> Answer:
        """As Apple's, marked."""
        if self.refuses and request.path.endswith("/devices/sync"):
            return Answer(403, MARKUP.encode(), "text/html")
        answer = super().answer(request)
        if request.path != "/account" or answer.status != 200:
            return answer
        told = json.loads(answer.body)
        marked = {key: MARKUP if isinstance(value, str) and "uuid" not in key else value for key, value in told.items()}
        return replace(answer, body=json.dumps(marked | {MARKUP: MARKUP, "urls": [{"uri": MARKUP}]}).encode())


@pytest.fixture
def simulator() -> Iterator[Running]:
    """The simulator of this module: three devices, one of them markup through and through."""
    apple = MarkedApple(devices=2)
    texts = [key for key in LABELS if key not in NO_TEXT and key not in OF_ANSWERS and key not in TIMES]
    fields: dict[str, Any] = dict.fromkeys(texts, MARKUP)
    fields |= {
        "imei": [MARKUP],
        "meid": [MARKUP],
        "device_family": SHORT,
        "profile_status": SHORT,
        MARKUP: {MARKUP: [MARKUP]},
        "list": [MARKUP],
    }
    with serve(apple) as running:
        apple.buy(serials=[SERIAL], fields=fields)
        yield running


async def text_alone(page: Page, *shown: str) -> None:
    """Fail if any markup became more than text, or if what is to be shown isn't."""
    assert await page.locator(".pwned, img[src=x]").count() == 0, page.url
    for text in shown:
        assert text in await page.locator("body").inner_text(), f"{page.url} doesn't show {text}"


async def send(page: Page, button: str, **fields: str) -> None:
    """Fill in the fields by their names, and press the button."""
    for name, value in fields.items():
        await page.locator(f"main [name={name}]").fill(value)
    await page.get_by_role("button", name=button, exact=True).click()
    await page.wait_for_load_state()


async def test_what_apple_says_is_text_on_every_page(page: Page, visit_as: VisitAs, service: RunningService) -> None:
    apple = service.simulator.simulator
    assert isinstance(apple, MarkedApple)
    await page.context.add_init_script("window.pwned = () => { throw new Error('a script ran') }")
    await add_account(service)
    await walk(service)
    device = f"/devices/hq/{quote(SERIAL, safe='')}"
    apple.amend([SERIAL], asset_tag=f"2{MARKUP}", color=f"2{MARKUP}")
    await page.goto(device)
    await page.get_by_role("button", name="Ask Apple now").click()
    await expect(page.get_by_text("2 fields are different")).to_be_visible()
    await text_alone(page, MARKUP, f"2{MARKUP}", SERIAL)
    await walk(service)  # a change that the history shows
    apple.refuses = True
    await walk(service)  # a pass that failed
    apple.refuses = False
    for path, shown in (
        ("/", (MARKUP, SHORT)),
        ("/devices", (SERIAL, MARKUP, SHORT)),
        (f"/devices?search={quote(MARKUP)}&family={quote(SHORT)}&status={quote(SHORT)}", (SERIAL,)),
        (device, (MARKUP, SERIAL, "Changed in hq")),
        ("/accounts/hq", (MARKUP,)),
        ("/settings/dep-accounts", (MARKUP,)),
        ("/settings/dep-accounts/new?account=hq", (MARKUP, SERIAL)),
        ("/settings/dep-accounts/new?account=hq&renew=true", (MARKUP,)),
        ("/activity", ("img src=x",)),
    ):
        await page.goto(path)
        await text_alone(page, *shown)
    apple.assign([SERIAL], None)
    await walk(service, kind=PassKind.FULL)
    await page.goto("/devices?deleted=true")
    await text_alone(page, SERIAL)
    for path in ("/devices/export?format=csv&deleted=any", "/devices/export?format=ndjson&deleted=any"):
        await inert(service, path, attached=True)
    for path in (
        "/api/v1/accounts/hq",
        "/api/v1/devices",
        "/api/v1/passes",
        f"/api/v1/accounts/{quote(MARKUP, safe='')}",
    ):
        await inert(service, path, attached=False)


async def inert(service: RunningService, path: str, *, attached: bool) -> None:
    """No browser takes the answer for a page."""
    answer = await service.get(path, role="admin")
    assert "html" not in answer.headers["content-type"], path
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("content-disposition", "").startswith("attachment") is attached, path


async def test_what_people_write_is_text_where_it_is_told(
    page: Page, visit_as: VisitAs, service: RunningService, tmp_path: Path
) -> None:
    await page.context.add_init_script("window.pwned = () => { throw new Error('a script ran') }")
    await add_account(service)
    for path, button, fields in (
        ("/settings/dep-accounts/new", "Continue", {"name": MARKUP}),
        ("/people?new=user", "Add user", {"name": MARKUP, "password": MARKUP}),
        ("/people?new=key", "Make API key", {"name": MARKUP}),
        ("/accounts/hq", "Save settings", {"page_size": MARKUP}),
        ("/accounts/hq", "Remove account", {"confirm": MARKUP}),
    ):
        await page.goto(path)
        await send(page, button, **fields)
        name, value = next(iter(fields.items()))
        await expect(page.locator(f"main [name={name}]")).to_have_value(value)
        await text_alone(page)
    file = tmp_path / f"{SHORT}.p7m"
    file.write_text(MARKUP)
    await page.goto("/settings/dep-accounts/new?account=hq&renew=true")
    await page.get_by_label("The file from Apple's portal").set_input_files(file)
    await send(page, "Upload token")
    await expect(page.locator("#error-file")).to_be_visible()
    await text_alone(page)
    asked = quote(MARKUP)
    for path in (
        f"/devices?search={asked}&account={asked}&family={asked}&status={asked}&profile={asked[:60]}&changed_from={asked}",
        f"/devices?cursor={asked}",
        f"/devices?picked={asked}",
        f"/activity?account={asked}",
        f"/activity/audit?actor={asked}&subject={asked}",
        f"/accounts/{quote(MARKUP, safe='')}",
        f"/people/{quote(MARKUP, safe='')}",
        f"/settings/dep-accounts/new?name={asked}",
        f"/?done={asked}",
        f"/{quote(MARKUP, safe='')}",
    ):
        await page.goto(path)
        await text_alone(page)
    await page.context.set_extra_http_headers({"User-Agent": MARKUP})
    stranger = await visit_as(None, user_agent=MARKUP)
    await stranger.goto(f"/login?next={asked}")
    await stranger.get_by_label("Name").fill(MARKUP)
    await stranger.get_by_label("Password").fill(MARKUP)
    await stranger.get_by_role("button", name="Log in").click()
    await expect(stranger.get_by_label("Name")).to_have_value(MARKUP)
    await text_alone(stranger)
    # what was typed when the session had ended comes back as text too
    await page.goto("/people?new=key")
    await page.get_by_label("Name").fill(MARKUP)
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Make API key").click()
    await text_alone(page, "what you typed is kept")
    await page.get_by_label("Name").fill("admin")
    await page.get_by_label("Password").fill("correct horse battery staple")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="You are logged in again")).to_be_visible()
    await text_alone(page, MARKUP)
    await page.goto("/people/admin")  # its sessions name the browser, which calls itself by markup
    await text_alone(page, MARKUP[:60])
