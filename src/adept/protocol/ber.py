"""ASN.1 in BER with indefinite lengths, rewritten with definite ones.

Firefox and Java write PKCS#12 files like that, and pyasn1 loses its way where an element of a type not known
beforehand (ANY) has no stated length.
"""

from __future__ import annotations

_MAXIMUM_DEPTH = 32
_INDEFINITE = 0x80
_CONSTRUCTED = 0x20
_END_OF_CONTENTS = b"\x00\x00"


def definite(data: bytes) -> bytes:
    """The first element of `data`, every length in it stated. ValueError if it is cut short or nested too deeply."""
    return _element(data, 0, _MAXIMUM_DEPTH)[0]


def with_length(tag: int, content: bytes) -> bytes:
    """One element: tag, length in as few octets as possible, content."""
    size = len(content)
    if size < _INDEFINITE:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _INDEFINITE | len(octets)]) + octets + content


def _element(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    """The element that begins at `at`, rewritten, and where the next one begins."""
    if depth == 0 or len(data) < at + 2 or data[at] & 0x1F == 0x1F:  # no standard here has tags of several octets
        raise ValueError("not the ASN.1 that was expected")
    tag, start, size = data[at], at + 2, data[at + 1]
    if size == _INDEFINITE:
        content, end = _elements(data, start, None, depth - 1)
        return with_length(tag, content), end
    if size > _INDEFINITE:
        start += size & 0x7F
        size = int.from_bytes(data[at + 2 : start], "big")
    end = start + size
    if end > len(data):
        raise ValueError("the ASN.1 is cut short")
    content = _elements(data, start, end, depth - 1)[0] if tag & _CONSTRUCTED else data[start:end]
    return with_length(tag, content), end


def _elements(data: bytes, at: int, end: int | None, depth: int) -> tuple[bytes, int]:
    """Elements up to `end`, or up to the mark that ends an indefinite length; and where the next one begins."""
    parts = []
    while at != end:
        if end is None and data[at : at + 2] == _END_OF_CONTENTS:
            at += 2
            break
        part, at = _element(data, at, depth)
        parts.append(part)
        if end is not None and at > end:
            raise ValueError("an element of the ASN.1 is longer than what it is in")
    return b"".join(parts), at
