"""Does in a browser what a tutorial says, and sees that the page shows what the tutorial shows.

A step is an item of a numbered list; everything else is for readers alone. In a step, in the order of reading,

- *italics* are the label of a button, a link or a field: it is clicked, or filled in if `code` follows;
- `code` is what goes into the field before it: a text, the label of a choice, or the name of a file that was downloaded
  before. After a button or a link it is the name of the file that the click downloads. "…" in a file's name stands for
  anything. The names of what the reader was told (`password`) stand for what was told;
- **bold** is text that is to be seen by now, or in a while. If it is the name of a row, what is clicked next in the
  step is looked for in that row first.

A step that begins with "In the portal" happens in the tab of the portal, every other one in that of adept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Locator, Page, expect

PATIENCE_MS = 90_000  # what comes by itself comes within a minute, and the machine may be busy

_STEP = re.compile(r"^\d+\. (.+(?:\n {3}.+)*)", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"\*\*(?P<seen>.+?)\*\*|\*(?P<label>.+?)\*|`(?P<value>.+?)`")


@dataclass(frozen=True)
class Act:
    """Something clicked or, with a value, filled in or downloaded; or a text that is seen."""

    label: str = ""
    value: str | None = None
    seen: str | None = None


@dataclass(frozen=True)
class Step:
    """One item of a numbered list."""

    text: str
    acts: tuple[Act, ...]

    @property
    def is_in_the_portal(self) -> bool:
        """Where it happens."""
        return self.text.startswith("In the portal")


def steps(tutorial: str) -> list[Step]:
    """The steps of a tutorial, as it is written. Pure."""
    found = _STEP.findall(_FENCE.sub("", tutorial))
    return [Step(text, tuple(_acts(text))) for text in (" ".join(step.split()) for step in found)]


def _acts(text: str) -> Iterator[Act]:
    marks = [mark.groupdict() for mark in _MARK.finditer(text)]
    for mark, following in zip(marks, [*marks[1:], {}], strict=True):
        if mark["seen"]:
            yield Act(seen=mark["seen"])
        elif mark["label"]:
            yield Act(mark["label"], following.get("value"))


def named(place: Page | Locator, label: str) -> Locator:
    """The buttons and links of that name."""
    return place.get_by_role("button", name=label, exact=True).or_(place.get_by_role("link", name=label, exact=True))


@dataclass
class Reader:
    """Somebody at a browser who follows a tutorial to the letter."""

    adept: Page
    portal: Page
    told: Mapping[str, str]
    downloads: Path
    _row: Locator | None = field(default=None, init=False)

    async def follow(self, step: Step) -> None:
        """Do the step. AssertionError or a time-out of Playwright's where the pages are not as the tutorial says."""
        page = self.portal if step.is_in_the_portal else self.adept
        await page.bring_to_front()
        self._row = None
        for act in step.acts:
            if act.seen is not None:
                await self._see(page, act.seen)
            elif act.value is None:
                await (await self._found(page, act.label)).click()
            else:
                await self._give(page, act.label, act.value)

    async def _see(self, page: Page, text: str) -> None:
        await expect(page.locator("body")).to_contain_text(text, use_inner_text=True, timeout=PATIENCE_MS)
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=text, exact=True))
        self._row = row if await row.count() == 1 else None

    async def _found(self, page: Page, label: str) -> Locator:
        """The button or link of that name: in the row that was named, or in the page, its content before its frame.

        Waits for it: the page may still be on its way.
        """
        places = [*([self._row] if self._row else []), page.get_by_role("main"), page.locator("body")]
        found = [named(place, label) for place in places]
        await expect(found[-1].first, f"something called {label!r} to click").to_be_visible(timeout=PATIENCE_MS)
        for those in found:
            if await those.count():
                return those.first
        raise AssertionError(f"{label!r} went from {page.url} while it was looked at")

    async def _give(self, page: Page, label: str, value: str) -> None:
        # a choice in its label is part of the label's text, but not of its name
        labelled = page.get_by_label(label, exact=True).or_(page.get_by_role("combobox", name=label, exact=True))
        box = labelled.and_(page.locator("input, select, textarea"))
        await expect(box.or_(named(page.locator("body"), label)).first).to_be_visible(timeout=PATIENCE_MS)
        if not await box.count():
            await self._download(page, label, value)
            return
        kind = await box.evaluate("box => box.tagName == 'SELECT' ? 'choice' : box.type")
        if kind == "choice":
            await box.select_option(label=value)
        elif kind == "file":
            [file] = self.downloads.glob(value.replace("…", "*"))
            await box.set_input_files(file)
        else:
            await box.fill(self.told.get(value, value))

    async def _download(self, page: Page, label: str, name: str) -> None:
        async with page.expect_download() as started:
            await (await self._found(page, label)).click()
        download = await started.value
        file = self.downloads / download.suggested_filename
        assert file.match(name.replace("…", "*")), f"{label!r} gave {file.name}, not {name}"
        await download.save_as(file)
