"""Opening an encrypted server token, the `.p7m` of Apple's portal.

Apple's files are CMS enveloped data in BER with indefinite lengths, which cryptography alone does not read: the parser
is pyasn1's, the decryption cryptography's. What a file is wrapped in is the business of `p7m_text`.

Opening proves nothing about who made the file, for it is not signed: ask Apple for the account before you trust it.
Whatever goes wrong once decryption has begun ends in one and the same message, so that nobody who can submit files
learns how far it got. Source: Apple, "Authenticating through Web Tokens" (read 2026-11); RFC 5652.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pyasn1.codec.ber.decoder import decode as ber_decode
from pyasn1.type import namedtype, tag, univ
from pyasn1_modules import rfc5652

from adept.errors import Misuse, TokenFileError
from adept.protocol.keypair import load_private_key
from adept.protocol.p7m_ciphers import BY_IDENTIFIER, REFUSED, RSA_ENCRYPTION, ContentCipher
from adept.protocol.p7m_text import token_json, unwrap
from adept.protocol.server_token import ServerToken

PrivateKey = rsa.RSAPrivateKey | bytes  # bytes are PEM or DER, without a password


@dataclass(frozen=True)
class Recipient:
    """Whose key opens a file, as the file says: by issuer and serial number of the certificate, or by a key id."""

    issuer: str | None = None  # "CN=adept, O=Example"
    serial_number: int | None = None
    key_identifier: bytes | None = None

    def __str__(self) -> str:
        if self.key_identifier is not None:
            return f"the key with identifier {self.key_identifier.hex()[:80]}"
        return f"the certificate with serial number {self.serial_number or 0:X} issued by {self.issuer!r}"


@dataclass(frozen=True)
class P7mDescription:
    """What an encrypted server token tells without its key."""

    recipients: tuple[Recipient, ...]
    cipher: str  # "AES-128-CBC"
    encoding: Literal["BER", "DER"]


@dataclass(frozen=True)
class _Envelope:
    recipients: tuple[Recipient, ...]
    encrypted_keys: tuple[bytes, ...]  # one a recipient
    cipher: ContentCipher
    iv: bytes
    content: bytes


class _Message(univ.Sequence):
    """ContentInfo with the type of its content spelled out: pyasn1 can't open an ANY of indefinite length."""

    componentType = namedtype.NamedTypes(  # noqa: N815  pyasn1's name
        namedtype.NamedType("contentType", univ.ObjectIdentifier()),
        namedtype.NamedType(
            "content",
            rfc5652.EnvelopedData().subtype(explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, 0)),
        ),
    )


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
    envelope = _parse(unwrap(data))
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
    envelope = _parse(message)
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


def _decrypt(envelope: _Envelope, encrypted_key: bytes, private_key: rsa.RSAPrivateKey) -> ServerToken | None:
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


def _parse(message: bytes) -> _Envelope:
    try:
        return _read(message)
    except TokenFileError:
        raise
    except Exception as error:  # damaged input leaves pyasn1 by IndexError, AttributeError and others
        raise TokenFileError(
            "the server token file is damaged or cut short", way_out="download it again from Apple's portal"
        ) from error


def _read(message: bytes) -> _Envelope:
    decoded, rest = ber_decode(message, asn1Spec=_Message())
    if rest.strip(b"\0\r\n\t "):
        raise ValueError("something follows the message")
    enveloped = decoded["content"]
    content = enveloped["encryptedContentInfo"]
    cipher = BY_IDENTIFIER.get(identifier := str(content["contentEncryptionAlgorithm"]["algorithm"]))
    if cipher is None:
        raise _unsupported(identifier)
    iv = ber_decode(content["contentEncryptionAlgorithm"]["parameters"], asn1Spec=univ.OctetString())[0]
    transports = [info["ktri"] for info in enveloped["recipientInfos"] if info.getName() == "ktri"]
    if not transports:
        raise TokenFileError("the server token file is not encrypted for an RSA key")
    usable = [info for info in transports if str(info["keyEncryptionAlgorithm"]["algorithm"]) == RSA_ENCRYPTION]
    if not usable:
        raise _unsupported(str(transports[0]["keyEncryptionAlgorithm"]["algorithm"]))
    return _Envelope(
        recipients=tuple(_recipient(info["rid"]) for info in usable),
        encrypted_keys=tuple(info["encryptedKey"].asOctets() for info in usable),
        cipher=cipher,
        iv=iv.asOctets(),
        content=content["encryptedContent"].asOctets(),
    )


def _unsupported(identifier: str) -> TokenFileError:
    name = REFUSED.get(identifier, f"algorithm {identifier[:80]}")
    return TokenFileError(
        f"the server token file is encrypted with {name}, which Apple doesn't use; AES-CBC and 3DES under RSA are read",
        way_out="download the token from Apple's portal again",
    )


def _recipient(rid: Any) -> Recipient:
    if rid.getName() == "subjectKeyIdentifier":
        return Recipient(key_identifier=rid["subjectKeyIdentifier"].asOctets())
    name = rid["issuerAndSerialNumber"]
    return Recipient(issuer=_distinguished_name(name["issuer"]), serial_number=int(name["serialNumber"]))


_SHORT = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU"}


def _distinguished_name(name: Any) -> str:
    attributes = [attribute for relative in name["rdnSequence"] for attribute in relative]
    parts = ((str(each["type"]), str(ber_decode(each["value"])[0])) for each in attributes)
    return ", ".join(f"{_SHORT.get(kind, kind)}={value}" for kind, value in parts)[:200]
