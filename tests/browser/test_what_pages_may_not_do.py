"""The tests' own watch over pages: it sees what it is there for."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, Route

from tests.browser.conftest import Watch, accessible

_PAGE = """<!doctype html>
<html lang="en">
<title>Trouble</title>
<style>
.wide {{ display: block; width: 500px }}
@media (prefers-color-scheme: dark) {{ .pale {{ color: #777; background: #888 }} }}
</style>
<main><h1>Trouble</h1><p>{}</p></main>
</html>"""


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("<script>1</script>", "Content Security Policy"),
        ("<span style='color: red'>red</span>", "Content Security Policy"),
        ("<img src='http://192.0.2.1/a.png' alt=''>", "would leave this machine"),
        ("<script src='/missing.js'></script>", "404 for http://127.0.0.1/missing.js"),
        ("<script src='/throws.js'></script>", "script error: thrown"),
    ],
)
async def test_trouble_is_seen(browser: Browser, trouble: str, told: str) -> None:
    async def answer(route: Route) -> None:
        if route.request.url.endswith("/throws.js"):
            await route.fulfill(body="throw new Error('thrown')", content_type="text/javascript")
        elif route.request.url.endswith("/page"):
            policy = {"Content-Security-Policy": "default-src 'self' http://192.0.2.1"}
            await route.fulfill(body=_PAGE.format(trouble), content_type="text/html", headers=policy)
        else:
            await route.fulfill(status=404)

    watch = Watch()
    async with await browser.new_context() as window:
        watch.over(window)
        await window.route("**", answer)
        await (await window.new_page()).goto("http://127.0.0.1/page")
    assert any(told in complaint for complaint in watch.complaints), watch.complaints


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("<input name='nameless'>", "label"),
        ("<span class='pale'>pale in the dark</span>", "color-contrast"),
        ("<span class='wide'>wide</span>", "scrolls sideways at a width of 360"),
    ],
)  # fmt: skip
async def test_what_shuts_people_out_is_seen(page: Page, trouble: str, told: str) -> None:
    await page.set_content(_PAGE.format(trouble))
    with pytest.raises(AssertionError, match=told):
        await accessible(page)
