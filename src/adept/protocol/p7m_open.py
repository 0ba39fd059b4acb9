"""Opening an encrypted server token, the `.p7m` of Apple's portal.

Apple's files are S/MIME around CMS enveloped data in BER with indefinite lengths, which cryptography alone does not
read; people's are what became of them in mail programs and editors (`p7m_text`). The parser is pyasn1's, the
decryption cryptography's.

Opening proves nothing about who made the file, for it is not signed: ask Apple for the account before you trust it.
Whatever goes wrong once decryption has begun ends in one and the same message, so that nobody who can submit files
learns how far it got. Source: Apple, "Authenticating through Web Tokens" (read 2026-11); RFC 5652.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.padding import PKCS7
from pyasn1.codec.ber.decoder import decode as ber_decode
from pyasn1.type import namedtype, tag, univ
from pyasn1_modules import rfc5652

from adept.errors import Misuse, TokenFileError
from adept.protocol.keypair import load_private_key
from adept.protocol.p7m_text import token_json, unwrap
from adept.protocol.server_token import ServerToken

PrivateKey = rsa.RSAPrivateKey | bytes

_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
_CIPHERS = {  # object identifier: algorithm, key bytes
    "2.16.840.1.101.3.4.1.2": (AES, 16),
    "2.16.840.1.101.3.4.1.22": (AES, 24),
    "2.16.840.1.101.3.4.1.42": (AES, 32),
    "1.2.840.113549.3.7": (TripleDES, 24),
}
_NAMES = {
    "1.3.14.3.2.7": "DES",
    "1.2.840.113549.3.2": "RC2",
    "1.2.840.113549.3.4": "RC4",
    "2.16.840.1.101.3.4.1.6": "AES-GCM",
    "2.16.840.1.101.3.4.1.26": "AES-GCM",
    "2.16.840.1.101.3.4.1.46": "AES-GCM",
    "1.2.840.113549.1.1.7": "RSA-OAEP",
}


@dataclass(frozen=True)
class Recipient:
    """Whose key opens a file, as the file says: by issuer and serial number of the certificate, or by a key id."""

    issuer: str | None = None
    serial_number: int | None = None
    key_identifier: bytes | None = None

    def __str__(self) -> str:
        if self.key_identifier is not None:
            return f"the key with id {self.key_identifier.hex()[:80]}"
        return f"the certificate with serial number {self.serial_number or 0:X} issued by {self.issuer!r}"


@dataclass(frozen=True)
class _Envelope:
    recipients: tuple[Recipient, ...]
    encrypted_keys: tuple[bytes, ...]  # one a recipient
    algorithm: type[AES] | type[TripleDES]
    key_bytes: int
    iv: bytes
    content: bytes


class _Message(univ.Sequence):
    """ContentInfo with the type of its content spelled out: pyasn1 can't open an ANY of indefinite length."""

    componentType = namedtype.NamedTypes(
        namedtype.NamedType("contentType", univ.ObjectIdentifier()),
        namedtype.NamedType(
            "content",
            rfc5652.EnvelopedData().subtype(explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, 0)),
        ),
    )


def open_server_token(data: bytes, key: PrivateKey | Sequence[PrivateKey]) -> ServerToken:
    """Decrypt a `.p7m` with a private key (PEM or an RSA key object), or with the one of several that fits.

    TokenFileError for everything that isn't such a file or wasn't made for one of these keys.
    """
    keys = [key] if isinstance(key, bytes | rsa.RSAPrivateKey) else key
    return open_with_one_of(data, keys)[0]


def open_with_one_of(data: bytes, keys: Sequence[PrivateKey]) -> tuple[ServerToken, int]:
    """As `open_server_token`; also says which of the keys it was, by its place in the sequence."""
    if not keys:
        raise Misuse("no private key to open the server token with")
    loaded = [load_private_key(key) if isinstance(key, bytes) else key for key in keys]
    envelope = _parse(unwrap(data))
    for number, private_key in enumerate(loaded):
        for encrypted_key in envelope.encrypted_keys:
            if token := _try(envelope, encrypted_key, private_key):
                return token, number
    who = " or ".join(map(str, envelope.recipients[:3]))
    raise TokenFileError(
        f"the server token was encrypted for {who} and can't be opened with the private key given: "
        "another key is needed, or the file is damaged",
        way_out="use the key of the certificate that was uploaded to Apple, or download the token again",
    )


def recipients(data: bytes) -> tuple[Recipient, ...]:
    """For whom the file was made, by its own account. TokenFileError as in `open_server_token`, key aside."""
    return _parse(unwrap(data)).recipients


def is_p7m(data: bytes) -> bool:
    """Whether this is an encrypted server token as far as can be told without a key."""
    try:
        return bool(recipients(data))
    except TokenFileError:
        return False


def _try(envelope: _Envelope, encrypted_key: bytes, private_key: rsa.RSAPrivateKey) -> ServerToken | None:
    try:
        key = private_key.decrypt(encrypted_key, padding.PKCS1v15())
        if len(key) != envelope.key_bytes:
            return None
        algorithm = envelope.algorithm(key)
        decryptor = Cipher(algorithm, modes.CBC(envelope.iv)).decryptor()
        unpadder = PKCS7(algorithm.block_size).unpadder()
        padded = decryptor.update(envelope.content) + decryptor.finalize()
        return ServerToken.from_json(token_json(unpadder.update(padded) + unpadder.finalize()))
    except (ValueError, TokenFileError):
        return None


def _parse(message: bytes) -> _Envelope:
    try:
        return _read(message)
    except TokenFileError:
        raise
    except Exception as error:  # noqa: BLE001  pyasn1 leaves damaged input by IndexError, AttributeError and others
        raise TokenFileError(
            "the server token file is damaged or cut short", way_out="download it again from Apple's portal"
        ) from error


def _read(message: bytes) -> _Envelope:
    decoded, _rest = ber_decode(message, asn1Spec=_Message())
    enveloped = decoded["content"]
    content = enveloped["encryptedContentInfo"]
    identifier = str(content["contentEncryptionAlgorithm"]["algorithm"])
    if identifier not in _CIPHERS:
        raise _unsupported(identifier)
    algorithm, key_bytes = _CIPHERS[identifier]
    iv = ber_decode(content["contentEncryptionAlgorithm"]["parameters"], asn1Spec=univ.OctetString())[0]
    transports = [info["ktri"] for info in enveloped["recipientInfos"] if info.getName() == "ktri"]
    if not transports:
        raise TokenFileError("the server token file is not encrypted to an RSA key")
    usable = [info for info in transports if str(info["keyEncryptionAlgorithm"]["algorithm"]) == _RSA_ENCRYPTION]
    if not usable:
        raise _unsupported(str(transports[0]["keyEncryptionAlgorithm"]["algorithm"]))
    return _Envelope(
        recipients=tuple(_recipient(info["rid"]) for info in usable),
        encrypted_keys=tuple(info["encryptedKey"].asOctets() for info in usable),
        algorithm=algorithm,
        key_bytes=key_bytes,
        iv=iv.asOctets(),
        content=content["encryptedContent"].asOctets(),
    )


def _unsupported(identifier: str) -> TokenFileError:
    name = _NAMES.get(identifier, identifier)
    return TokenFileError(
        f"the server token file is encrypted with {name}; Apple uses RSA with AES-128-CBC, and only AES-CBC and 3DES are read"
    )


def _recipient(rid: Any) -> Recipient:
    if rid.getName() == "subjectKeyIdentifier":
        return Recipient(key_identifier=rid["subjectKeyIdentifier"].asOctets())
    name = rid["issuerAndSerialNumber"]
    return Recipient(issuer=_name(name["issuer"]), serial_number=int(name["serialNumber"]))


def _name(issuer: Any) -> str:
    """A distinguished name for people, as "CN=adept, O=Example"."""
    parts = []
    for relative in issuer["rdnSequence"]:
        for attribute in relative:
            identifier = x509.ObjectIdentifier(str(attribute["type"]))
            value = str(ber_decode(attribute["value"])[0])
            parts.append(f"{_SHORT.get(identifier.dotted_string, identifier.dotted_string)}={value}")
    return ", ".join(parts)[:100]


_SHORT = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU"}
