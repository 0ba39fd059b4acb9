"""Activation Lock bypass codes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import Misuse
from adept.protocol.bypass_code import ALPHABET, RAW_BYTES, BypassCode

# The first four are nanodep's; all were computed again by an independent program.
VECTORS = [
    (
        "00000000000000000000000000000000",
        "00000-00000-0000-0000-0000-0000",
        "deab860d28deb5b7121d6d8fcf0f78e1471756d1b2c566c03277c23ea8930b4f",
    ),
    (
        "1ea841db5edfafe6075b5ae0d845d254",
        "3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4",
        "6ab40d5eabe7218ec04182f461005600c7e3426bddd82cdb405bde9a1e0014b5",
    ),
    (
        "44ebe63375969fec2da67e87e7317946",
        "8LNYD-DVNKU-GYRC-E6GU-3YFD-CT86",
        "c1968cb4c013ea893f1922bb5c39f81e35012c0bd9ce3c01cc2a05873a2499e6",
    ),
    (
        "b7608a5fd1fa8500c6095ee152ea4caf",
        "PXH8M-QYJZA-2H1J-H9CV-HN5U-KDN7",
        "6789c28a5a596746af3e7e4d18facb19c1161e4053ccca02a3e65ce838938c0e",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        "000H4-0R40M-30F2-0918-5HR3-8F17",
        "c5ced1d0c51459c1a887866a5868dd3e9e6f4fc4a8c244f3f9eb9383c0f8aecb",
    ),
    (
        "ffffffffffffffffffffffffffffffff",
        "ZZZZZ-ZZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZ7",
        "ed6cfc1588b175d652d1dd6705ba7fec058b5c76facdd8ff41285ca0d341bd25",
    ),
]
raw_bytes = st.binary(min_size=RAW_BYTES, max_size=RAW_BYTES)


@pytest.mark.parametrize(("raw", "code", "escrow_key"), VECTORS)
def test_a_vector_gives_its_code_and_its_escrow_key(raw: str, code: str, escrow_key: str) -> None:
    made = BypassCode.from_raw(bytes.fromhex(raw))
    assert made.code == code
    assert made.escrow_key == escrow_key


@pytest.mark.parametrize(("raw", "code", "escrow_key"), VECTORS)
def test_a_vector_is_read_back_from_its_code(raw: str, code: str, escrow_key: str) -> None:
    made = BypassCode.from_code(code)
    assert made.raw.hex() == raw
    assert made.escrow_key == escrow_key


@given(raw_bytes)
def test_reading_a_code_undoes_writing_it(raw: bytes) -> None:
    assert BypassCode.from_code(BypassCode.from_raw(raw).code).raw == raw


@given(raw_bytes)
def test_a_code_has_the_shape_people_are_shown(raw: bytes) -> None:
    symbol = f"[{ALPHABET}]"
    assert re.fullmatch(rf"{symbol}{{5}}-{symbol}{{5}}(-{symbol}{{4}}){{3}}-{symbol}{{3}}[0-7]", BypassCode(raw).code)


@given(raw_bytes, st.sampled_from([" ", "", ".", "–", "\n", "o", "S", "b", "I", "é"]))
def test_case_and_what_is_no_symbol_dont_matter(raw: bytes, between: str) -> None:
    code = BypassCode(raw).code.lower().replace("-", between)
    assert BypassCode.from_code(code).raw == raw


@pytest.mark.parametrize("code", ["", "00000", "00000-00000-0000-0000-0000-00000", "no code at all"])
def test_a_code_of_another_length_is_refused_with_the_number_of_its_symbols(code: str) -> None:
    with pytest.raises(Misuse, match="26 symbols"):
        BypassCode.from_code(code)


@pytest.mark.parametrize("last", ALPHABET[8:])
def test_a_last_symbol_beyond_7_is_refused(last: str) -> None:
    with pytest.raises(Misuse, match="0 to 7"):
        BypassCode.from_code(f"00000-00000-0000-0000-0000-000{last}")


def test_a_ligature_is_not_the_letters_it_looks_like() -> None:
    with pytest.raises(Misuse, match="got 24"):
        BypassCode.from_code("00000-00000-0000-0000-0000-0\N{LATIN SMALL LIGATURE FF}0")


@pytest.mark.parametrize("length", [0, 15, 17])
def test_raw_bytes_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(Misuse, match=f"16 bytes, got {length}"):
        BypassCode.from_raw(bytes(length))


def test_a_new_code_is_made_of_the_randomness_given() -> None:
    assert BypassCode.generate(lambda size: b"\xff" * size).code == "ZZZZZ-ZZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZ7"


def test_a_code_is_a_secret_and_does_not_show_itself() -> None:
    made = BypassCode(bytes.fromhex(VECTORS[1][0]))
    shown = f"{made!r} {made}"
    assert made.code not in shown
    assert made.raw.hex() not in shown
    assert "\\x" not in shown


def test_codes_of_the_same_bytes_are_the_same() -> None:
    assert BypassCode(bytes(16)) == BypassCode.from_code("00000-00000-0000-0000-0000-0000")
    assert len({BypassCode(bytes(16)), BypassCode(bytes(16)), BypassCode(b"\1" * 16)}) == 2
