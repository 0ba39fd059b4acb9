"""The tutorial in the browser, followed to the letter with the real `adept demo`. How is told in `walkthrough`."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.acceptance.demonstration import demonstrating
from tests.browser.conftest import Watch
from tests.browser.walkthrough import Act, Reader, steps
from tests.project.test_examples import ROOT, matches

TUTORIAL = (ROOT / "docs" / "tutorial" / "in-the-browser.md").read_text("utf-8")


@pytest.mark.timeout(600)  # it takes a minute and a half; a busy machine needs several times that
async def test_everything_is_as_the_tutorial_says(browser: Browser, tmp_path: Path) -> None:
    (typed,) = re.findall(r"^```sh\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
    last_lines, stopped = re.findall(r"^```text\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
    assert typed == "make demo\n"
    with demonstrating(temporary=tmp_path / "tmp") as demo:
        told = demo.told()
        assert matches(last_lines, "\n".join(demo.lines[-2:]))
        window, watch = await browser.new_context(locale="en-GB", reduced_motion="reduce"), Watch()
        watch.over(window)
        reader = Reader(await window.new_page(), await window.new_page(), told, tmp_path)
        await reader.adept.goto(told["url"])
        await reader.portal.goto(told["portal"])
        for step in steps(TUTORIAL):
            await reader.follow(step)
        assert watch.complaints == []
        await window.close()
        code, _, errors = demo.stop(signal.SIGINT)
        assert code == 0
        assert matches(stopped, errors)


def test_a_tutorials_steps_are_read_as_they_are_written() -> None:
    told = """
*Not* a step.

1. In the portal, as *Name* type `hq`, and
   press *Add*: **hq**.

```text
1. *no* step either
```

2. Click *Download*; you get `a.pem`. See **this**, `that`.
"""
    first, second = steps(told)
    assert first.is_in_the_portal
    assert first.acts == (Act("Name", "hq"), Act("Add"), Act(seen="hq"))
    assert not second.is_in_the_portal
    assert second.acts == (Act("Download", "a.pem"), Act(seen="this"))
