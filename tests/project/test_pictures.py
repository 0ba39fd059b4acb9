"""The manual's pictures: those that its page shows, those that `make pictures` takes, and those that are there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pictures.__main__ import MANUAL, OF_THE_MANUAL

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
MOST_BYTES = 4_000_000  # of all of them, in the repository


def test_every_picture_that_is_shown_is_taken_and_there_and_none_besides() -> None:
    shown = {name for page in PAGES for name in re.findall(r"pictures/([a-z0-9-]+)\.png", page.read_text("utf-8"))}
    files = {file.stem: file.stat().st_size for file in (ROOT / MANUAL).glob("*.png")}
    assert shown == set(OF_THE_MANUAL) == set(files)
    assert sum(files.values()) < MOST_BYTES
