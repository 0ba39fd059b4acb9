"""Server tokens, keypairs and files made of them, for every test that needs some.

Keys are made once a process, for they cost the most.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa

from adept.protocol.keypair import Keypair, generate_keypair, load_private_key
from adept.protocol.server_token import ServerToken

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

TOKEN = ServerToken(
    consumer_key="CK_00fadb3d36c6094cf479838455321b7c",
    consumer_secret="CS_5fb17e5676db0cf875211937e5166d0f662ea1f9",
    access_token="AT_O2109279022Oe03b641fd6f07d7face7894211d521fd8bef09c3O137392",
    access_secret="AS_837c228d968ff303837086a5a54be645314ef755",
    access_token_expiry=datetime(2027, 1, 14, 21, 27, 41, tzinfo=UTC),
)
SECRETS = (TOKEN.consumer_key, TOKEN.consumer_secret, TOKEN.access_token, TOKEN.access_secret)


@cache
def keypair() -> Keypair:
    """The key that opens what these tests seal."""
    return generate_keypair("adept tests", now=NOW)


@cache
def other_keypair() -> Keypair:
    """A key that doesn't."""
    return generate_keypair("somebody else", now=NOW)


@cache
def private_key() -> rsa.RSAPrivateKey:
    """`keypair`'s, read once."""
    return load_private_key(keypair().private_key_pem)


def with_indefinite_lengths(der: bytes, *, chunk_bytes: int = 100) -> bytes:
    """The same ASN.1 in BER: no constructed element has a length, long OCTET STRINGs come in chunks (below 128)."""
    made = b""
    at = 0
    while at < len(der):
        begin, tag, size, at = at, der[at], der[at + 1], at + 2
        if size >= 0x80:
            octets = size & 0x7F
            size, at = int.from_bytes(der[at : at + octets], "big"), at + octets
        content, at = der[at : at + size], at + size
        if tag & 0x20:
            made += bytes([tag, 0x80]) + with_indefinite_lengths(content, chunk_bytes=chunk_bytes) + b"\0\0"
        elif tag == 0x04 and size > chunk_bytes:
            chunks = [content[first : first + chunk_bytes] for first in range(0, size, chunk_bytes)]
            made += b"\x24\x80" + b"".join(bytes([4, len(chunk)]) + chunk for chunk in chunks) + b"\0\0"
        else:
            made += der[begin:at]
    return made
