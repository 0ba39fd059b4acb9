"""Opening an encrypted server token, the `.p7m` of Apple's portal.

Three steps: `p7m_text` finds the message in what the file is wrapped in, `p7m_envelope` reads its structure, and here
it is decrypted.

Opening proves nothing about who made the file, for it is not signed: ask Apple for the account before you trust it.
Whatever goes wrong once decryption has begun ends in one and the same message, so that nobody who can submit files
learns how far it got. Source: Apple, "Authenticating through Web Tokens" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

from adept.errors import Misuse, TokenFileError
from adept.protocol.keypair import load_private_key
from adept.protocol.p7m_envelope import Envelope, Recipient, read_envelope
from adept.protocol.p7m_text import token_json, unwrap
from adept.protocol.server_token import ServerToken

PrivateKey = rsa.RSAPrivateKey | bytes  # bytes are PEM or DER, without a password


@dataclass(frozen=True)
class P7mDescription:
    """What an encrypted server token tells without its key."""

    recipients: tuple[Recipient, ...]
    cipher: str  # "AES-128-CBC"
    encoding: Literal["BER", "DER"]


def open_server_token(data: bytes, key: PrivateKey | Sequence[PrivateKey]) -> ServerToken:
    """Decrypt a `.p7m` with a private key, or with the one of several that fits.

    TokenFileError for everything that isn't such a file or wasn't made for one of these keys.
    """
    keys = [key] if isinstance(key, bytes | rsa.RSAPrivateKey) else key
    return open_with_one_of(data, keys)[0]


def open_with_one_of(data: bytes, keys: Sequence[PrivateKey]) -> tuple[ServerToken, int]:
    """As `open_server_token`; also says which of the keys it was, by its place in the sequence."""
    if not keys:
        raise Misuse("no private key was given to open the server token with")
    loaded = [load_private_key(key) if isinstance(key, bytes) else key for key in keys]
    envelope = read_envelope(unwrap(data))
    for number, private_key in enumerate(loaded):
        for encrypted_key in envelope.encrypted_keys:
            if token := _decrypt(envelope, encrypted_key, private_key):
                return token, number
    raise TokenFileError(
        f"the server token was encrypted for {' or '.join(map(str, envelope.recipients[:3]))}; "
        "the private key given doesn't open it, or the file is damaged",
        way_out="use the key whose certificate was uploaded to Apple, or download the token again",
    )


def describe_p7m(data: bytes) -> P7mDescription:
    """What the file says of itself. TokenFileError as in `open_server_token`, keys aside."""
    message = unwrap(data)
    envelope = read_envelope(message)
    encoding: Literal["BER", "DER"] = "BER" if message[1] == 0x80 else "DER"
    return P7mDescription(envelope.recipients, envelope.cipher.title, encoding)


def recipients(data: bytes) -> tuple[Recipient, ...]:
    """For whom the file was made, by its own account. TokenFileError as in `describe_p7m`."""
    return describe_p7m(data).recipients


def is_p7m(data: bytes) -> bool:
    """Whether this is an encrypted server token, as far as can be told without a key."""
    try:
        return bool(recipients(data))
    except TokenFileError:
        return False


def _decrypt(envelope: Envelope, encrypted_key: bytes, private_key: rsa.RSAPrivateKey) -> ServerToken | None:
    """One try. A key that doesn't fit mostly decrypts to random bytes without an error, so all failures are equal."""
    try:
        key = private_key.decrypt(encrypted_key, padding.PKCS1v15())
        if len(key) != envelope.cipher.key_bytes:
            return None
        algorithm = envelope.cipher.algorithm(key)
        decryptor = Cipher(algorithm, modes.CBC(envelope.iv)).decryptor()
        unpadder = PKCS7(algorithm.block_size).unpadder()
        padded = decryptor.update(envelope.content) + decryptor.finalize()
        return ServerToken.from_json(token_json(unpadder.update(padded) + unpadder.finalize()))
    except (ValueError, TokenFileError):
        return None
