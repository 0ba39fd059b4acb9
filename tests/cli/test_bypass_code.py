"""`adept bypass-code`: one code in its three forms."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run

RAW = "1ea841db5edfafe6075b5ae0d845d254"
CODE = "3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4"
ESCROW_KEY = "6ab40d5eabe7218ec04182f461005600c7e3426bddd82cdb405bde9a1e0014b5"


@pytest.mark.parametrize("words", [("--raw", RAW), ("--code", CODE), ("--code", CODE.lower().replace("-", " "))])
def test_every_form_gives_the_others(adept: Run, words: tuple[str, str]) -> None:
    assert adept("bypass-code", *words, "--json").json == {"code": CODE, "escrow_key": ESCROW_KEY, "raw": RAW}
    assert adept("bypass-code", *words).out == f"code        {CODE}\nescrow_key  {ESCROW_KEY}\nraw         {RAW}\n"


def test_without_a_code_a_new_one_is_made(adept: Run) -> None:
    first, second = (adept("bypass-code", "--json").json for _ in range(2))
    assert first["code"] != second["code"]
    assert adept("bypass-code", "--code", first["code"], "--json").json == first


@pytest.mark.parametrize("words", [("--raw", "00"), ("--raw", "xyz"), ("--code", "A"), ("--raw", RAW, "--code", CODE)])
def test_what_is_no_code_is_our_callers_mistake(adept: Run, words: tuple[str, ...]) -> None:
    assert adept("bypass-code", *words).code == 2
