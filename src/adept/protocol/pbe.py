"""Decryption under a password as PKCS#12 files do it: the old way by PKCS#12's own key derivation, the new by PBES2.

Files say how often to repeat the derivation, which is how a small file could keep us busy for hours: an `Effort` is
spent by all derivations of one file together. Source: RFC 7292, appendices B and C; RFC 8018.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pyasn1.codec.ber.decoder import decode as ber_decode
from pyasn1.type import univ
from pyasn1_modules import rfc7292, rfc8018

from adept.errors import TokenFileError
from adept.protocol import rc2
from adept.protocol.p7m_ciphers import BY_IDENTIFIER

MAXIMUM_ITERATIONS = 4_000_000  # of a file's three or four derivations; in the field each has 2,000 to 1,000,000

HASHES = {  # object identifier: name in hashlib
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_HMACS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
_PBES2 = "1.2.840.113549.1.5.13"
_PBKDF2 = "1.2.840.113549.1.5.12"
_KEY, _IV, _MAC = 1, 2, 3  # what PKCS#12's derivation makes


class Effort:
    """What is left of the iterations one file may cost."""

    def __init__(self, iterations: int = MAXIMUM_ITERATIONS) -> None:
        self._left = iterations

    def spend(self, iterations: int) -> None:
        """Raise TokenFileError before work is done that would be too much."""
        if not 1 <= iterations <= self._left:
            raise TokenFileError(
                f"the PKCS#12 file asks for more than {MAXIMUM_ITERATIONS:,} rounds of key derivation, or for none",
                way_out="export it again with ordinary settings",
            )
        self._left -= iterations


@dataclass(frozen=True, repr=False)
class Password:
    """A password in the two forms that derivations want."""

    utf8: bytes
    utf16: bytes  # big endian with two closing zero octets; empty where there is no password at all

    @classmethod
    def forms(cls, password: bytes | None) -> list[Password]:
        """Those to try, in order: tools differ in whether an empty password is one."""
        none, empty = cls(b"", b""), cls(b"", b"\0\0")
        if not password:
            return [empty, none]
        try:
            text = password.decode("utf-8")
        except UnicodeDecodeError:
            text = password.decode("latin-1")
        return [cls(password, text.encode("utf-16-be") + b"\0\0")]


@dataclass(frozen=True)
class _Scheme:
    key_bytes: int
    decrypt: Callable[[bytes, bytes, bytes], bytes]  # of key, initial vector and encrypted data


def _cbc(algorithm: BlockCipherAlgorithm, iv: bytes, encrypted: bytes) -> bytes:
    decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
    return decryptor.update(encrypted) + decryptor.finalize()


_PKCS12_SCHEMES = {
    "1.2.840.113549.1.12.1.3": _Scheme(24, lambda key, iv, data: _cbc(TripleDES(key), iv, data)),
    "1.2.840.113549.1.12.1.4": _Scheme(16, lambda key, iv, data: _cbc(TripleDES(key + key[:8]), iv, data)),
    "1.2.840.113549.1.12.1.5": _Scheme(
        16, lambda key, iv, data: rc2.decrypt_cbc(data, key=key, iv=iv, effective_bits=128)
    ),
    "1.2.840.113549.1.12.1.6": _Scheme(
        5, lambda key, iv, data: rc2.decrypt_cbc(data, key=key, iv=iv, effective_bits=40)
    ),
}


def mac_key(password: Password, *, salt: bytes, iterations: int, hash_name: str, effort: Effort) -> bytes:
    """The key of a PKCS#12 file's own MAC."""
    size = hashlib.new(hash_name).digest_size
    return _derive(password, salt, iterations, _MAC, size, hash_name, effort)


def mac(key: bytes, content: bytes, hash_name: str) -> bytes:
    """The MAC itself: HMAC with the hash that derived the key."""
    return hmac.digest(key, content, hash_name)


def decrypt(algorithm: rfc7292.AlgorithmIdentifier, encrypted: bytes, password: Password, effort: Effort) -> bytes:
    """The plain content. ValueError where the password doesn't fit, TokenFileError for a scheme we don't know."""
    identifier = str(algorithm["algorithm"])
    parameters = algorithm["parameters"]
    if identifier == _PBES2:
        return _decrypt_pbes2(ber_decode(parameters, asn1Spec=rfc8018.PBES2_params())[0], encrypted, password, effort)
    scheme = _PKCS12_SCHEMES.get(identifier)
    if scheme is None:
        raise _unknown(identifier)
    read = ber_decode(parameters, asn1Spec=rfc7292.Pkcs_12PbeParams())[0]
    salt, iterations = read["salt"].asOctets(), int(read["iterations"])
    key = _derive(password, salt, iterations, _KEY, scheme.key_bytes, "sha1", effort)
    iv = _derive(password, salt, iterations, _IV, 8, "sha1", effort)
    return _unpad(scheme.decrypt(key, iv, encrypted), block_bytes=8)


def _decrypt_pbes2(parameters: rfc8018.PBES2_params, encrypted: bytes, password: Password, effort: Effort) -> bytes:
    derivation, encryption = parameters["keyDerivationFunc"], parameters["encryptionScheme"]
    if str(derivation["algorithm"]) != _PBKDF2:
        raise _unknown(str(derivation["algorithm"]))
    cipher = BY_IDENTIFIER.get(str(encryption["algorithm"]))
    if cipher is None:
        raise _unknown(str(encryption["algorithm"]))
    pbkdf2 = ber_decode(derivation["parameters"], asn1Spec=rfc8018.PBKDF2_params())[0]
    hash_name = _HMACS.get(str(pbkdf2["prf"]["algorithm"]))
    if hash_name is None:
        raise _unknown(str(pbkdf2["prf"]["algorithm"]))
    iterations = int(pbkdf2["iterationCount"])
    effort.spend(iterations)
    salt = pbkdf2["salt"]["specified"].asOctets()
    algorithm = cipher.algorithm(hashlib.pbkdf2_hmac(hash_name, password.utf8, salt, iterations, cipher.key_bytes))
    iv = ber_decode(encryption["parameters"], asn1Spec=univ.OctetString())[0].asOctets()
    return _unpad(_cbc(algorithm, iv, encrypted), block_bytes=algorithm.block_size // 8)


def _derive(
    password: Password, salt: bytes, iterations: int, purpose: int, size: int, hash_name: str, effort: Effort
) -> bytes:
    """PKCS#12's key derivation (RFC 7292, appendix B.2)."""
    hash_of = getattr(hashlib, hash_name)
    block = hash_of().block_size
    effort.spend(iterations * -(-size // hash_of().digest_size))
    filled = _fill(salt, block) + _fill(password.utf16, block)
    made = b""
    while len(made) < size:
        digest: bytes = hash_of(bytes([purpose]) * block + filled).digest()
        for _ in range(iterations - 1):
            digest = hash_of(digest).digest()
        made += digest
        step = int.from_bytes((digest * block)[:block], "big") + 1
        filled = b"".join(_add(filled[at : at + block], step) for at in range(0, len(filled), block))
    return made[:size]


def _fill(text: bytes, block: int) -> bytes:
    """Repeated until it fills whole blocks; nothing stays nothing."""
    size = -(-len(text) // block) * block
    return (text * (size // len(text) + 1))[:size] if text else b""


def _add(block: bytes, step: int) -> bytes:
    return ((int.from_bytes(block, "big") + step) % (1 << 8 * len(block))).to_bytes(len(block), "big")


def _unpad(padded: bytes, *, block_bytes: int) -> bytes:
    unpadder = PKCS7(block_bytes * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _unknown(identifier: str) -> TokenFileError:
    return TokenFileError(
        f"the PKCS#12 file is protected with algorithm {identifier[:80]}, which is not read",
        way_out="export it again with ordinary settings (AES-256, or 3DES)",
    )
