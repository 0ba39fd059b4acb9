"""RC2, by the vectors of RFC 2268 (section 5) and against its own kind in 128 bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.rc2 import decrypt_cbc


@pytest.mark.parametrize(
    ("key", "effective_bits", "plain", "encrypted"),
    [
        ("0000000000000000", 63, "0000000000000000", "ebb773f993278eff"),
        ("ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"),
        ("3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"),
        ("88", 64, "0000000000000000", "61a8a244adacccf0"),
        ("88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"),
        ("88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"),
        ("88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"),
        ("88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e", 129, "0" * 16, "5b78d3a43dfff1f1"),
    ],
)
def test_the_vectors_of_the_standard_are_decrypted(key: str, effective_bits: int, plain: str, encrypted: str) -> None:
    made = decrypt_cbc(bytes.fromhex(encrypted), key=bytes.fromhex(key), iv=bytes(8), effective_bits=effective_bits)
    assert made.hex() == plain


@given(st.binary(min_size=8, max_size=8))
def test_every_block_is_mixed_with_the_encrypted_one_before_it(iv: bytes) -> None:
    block = bytes.fromhex("2269552ab0f85ca6")
    key = bytes.fromhex("88bca90e90875a7f0f79c384627bafb2")
    assert decrypt_cbc(block * 3, key=key, iv=iv, effective_bits=128) == iv + block + block


@pytest.mark.parametrize(("encrypted", "iv"), [(b"1234567", bytes(8)), (bytes(8), bytes(7))])
def test_half_blocks_are_refused(encrypted: bytes, iv: bytes) -> None:
    with pytest.raises(ValueError, match="blocks of 8 bytes"):
        decrypt_cbc(encrypted, key=b"12345", iv=iv, effective_bits=40)
