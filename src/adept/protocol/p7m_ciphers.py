"""The ciphers a server token may be sealed with: Apple's, and those that openssl and older tools write.

Source: Apple, "Authenticating through Web Tokens" (read 2026-11) shows AES-128-CBC; RFC 3565 and RFC 3370 for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm
from cryptography.hazmat.primitives.ciphers.algorithms import AES

CipherName = Literal["aes128", "aes192", "aes256", "3des"]

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"  # PKCS#1 v1.5, the only way keys are transported


@dataclass(frozen=True)
class ContentCipher:
    """A block cipher in CBC mode with PKCS#7 padding; its initial vector is the algorithm's only parameter."""

    title: str
    identifier: str
    key_bytes: int
    algorithm: Callable[[bytes], BlockCipherAlgorithm]


CIPHERS: dict[CipherName, ContentCipher] = {
    "aes128": ContentCipher("AES-128-CBC", "2.16.840.1.101.3.4.1.2", 16, AES),
    "aes192": ContentCipher("AES-192-CBC", "2.16.840.1.101.3.4.1.22", 24, AES),
    "aes256": ContentCipher("AES-256-CBC", "2.16.840.1.101.3.4.1.42", 32, AES),
    "3des": ContentCipher("3DES-CBC", "1.2.840.113549.3.7", 24, TripleDES),
}

BY_IDENTIFIER = {cipher.identifier: cipher for cipher in CIPHERS.values()}

REFUSED = {  # known by name, so that an error can tell it
    "1.3.14.3.2.7": "DES",
    "1.2.840.113549.3.2": "RC2",
    "1.2.840.113549.3.4": "RC4",
    "2.16.840.1.101.3.4.1.6": "AES-128-GCM",
    "2.16.840.1.101.3.4.1.26": "AES-192-GCM",
    "2.16.840.1.101.3.4.1.46": "AES-256-GCM",
    "1.2.840.113549.1.1.7": "RSA-OAEP",
}
