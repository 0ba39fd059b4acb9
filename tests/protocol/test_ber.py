"""Rewriting BER of indefinite lengths."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.ber import definite, with_length
from tests.tokens import with_indefinite_lengths

leaves = st.builds(with_length, st.sampled_from([0x02, 0x04, 0x0C, 0x80]), st.binary(max_size=300))
elements = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda tag, parts: with_length(tag, b"".join(parts)),
        st.sampled_from([0x30, 0x31, 0xA0]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@given(elements)
def test_der_stays_as_it_is(element: bytes) -> None:
    assert definite(element) == element


@given(elements)
def test_indefinite_lengths_become_definite_ones(element: bytes) -> None:
    assert definite(with_indefinite_lengths(element, chunk_bytes=10**6)) == element


def test_what_follows_the_first_element_is_left_out() -> None:
    assert definite(b"\x04\x01A\x04\x01B") == b"\x04\x01A"
    assert definite(b"\x30\x80\x04\x01A\x00\x00\x04\x01B") == b"\x30\x03\x04\x01A"


def test_lengths_are_written_in_as_few_octets_as_possible() -> None:
    assert definite(b"\x30\x84\x00\x00\x00\x04\x04\x81\x01A") == b"\x30\x03\x04\x01A"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x04\x02A",
        b"\x30\x80\x04\x01A",
        b"\x30\x80\x04\x01A\x00",
        b"\x30\x02\x04\x05ABCDE",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x1f\x81\x01\x00",
        b"\x30\x80" * 33 + b"\x00\x00" * 33,
        b"\x30\x80" * 30_000,
    ],
)
def test_what_is_cut_short_too_deep_or_no_asn1_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"ASN\.1"):
        definite(data)


@given(st.binary(max_size=200))
def test_any_bytes_give_an_element_or_a_value_error(data: bytes) -> None:
    for start in (b"", b"\x30\x80", b"\x30\x81"):
        with contextlib.suppress(ValueError):
            definite(start + data)
