"""RC2 in CBC mode, decryption only, for keys of any effective length.

Keychain protects the certificates of a PKCS#12 file with RC2 of 40 bits, older Windows too. cryptography knows RC2 of
128 bits alone, and only where OpenSSL's legacy provider is installed. What 40 bits protect is public anyway.
Source: RFC 2268, with its test vectors.
"""

from __future__ import annotations

import struct

_BLOCK_BYTES = 8
_MIX_ROUNDS_BEFORE_MASH = (5, 6, 5)
_ROTATIONS = (1, 2, 3, 5)
_PITABLE = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)


def decrypt_cbc(encrypted: bytes, *, key: bytes, iv: bytes, effective_bits: int) -> bytes:
    """The plain blocks, padding included. ValueError unless `encrypted` is whole blocks and `iv` is one."""
    if len(encrypted) % _BLOCK_BYTES or len(iv) != _BLOCK_BYTES:
        raise ValueError("RC2 works on blocks of 8 bytes")
    words = _expand(key, effective_bits)
    blocks = [encrypted[start : start + _BLOCK_BYTES] for start in range(0, len(encrypted), _BLOCK_BYTES)]
    return b"".join(
        bytes(a ^ b for a, b in zip(_decrypt_block(block, words), previous, strict=True))
        for block, previous in zip(blocks, [iv, *blocks], strict=False)
    )


def _expand(key: bytes, effective_bits: int) -> tuple[int, ...]:
    """64 words of 16 bits from a key of 1 to 128 bytes (RFC 2268, section 2)."""
    expanded = bytearray(key)
    for i in range(len(key), 128):
        expanded.append(_PITABLE[(expanded[i - 1] + expanded[i - len(key)]) & 0xFF])
    effective_bytes = (effective_bits + 7) // 8
    first = 128 - effective_bytes
    expanded[first] = _PITABLE[expanded[first] & (0xFF >> (8 * effective_bytes - effective_bits))]
    for i in range(first - 1, -1, -1):
        expanded[i] = _PITABLE[expanded[i + 1] ^ expanded[i + effective_bytes]]
    return struct.unpack("<64H", expanded)


def _decrypt_block(block: bytes, words: tuple[int, ...]) -> bytes:
    """RFC 2268, section 4: rounds of mixing backwards, with two of mashing between them."""
    state = list(struct.unpack("<4H", block))
    number = len(words)
    for rounds in _MIX_ROUNDS_BEFORE_MASH:
        for _ in range(rounds):
            for i in (3, 2, 1, 0):
                number -= 1
                before, two_before, three_before = state[i - 1], state[i - 2], state[i - 3]
                word = state[i] >> _ROTATIONS[i] | state[i] << (16 - _ROTATIONS[i]) & 0xFFFF
                state[i] = (word - words[number] - (before & two_before) - (~before & three_before)) & 0xFFFF
        if number:
            for i in (3, 2, 1, 0):
                state[i] = (state[i] - words[state[i - 1] & 63]) & 0xFFFF
    return struct.pack("<4H", *state)
