"""The structure of an encrypted server token: CMS enveloped data, in BER as Apple writes it or in DER.

Apple's files have indefinite lengths all through, which cryptography alone does not read: the parser is pyasn1's.
Source: Apple, "Authenticating through Web Tokens" (read 2026-11); RFC 5652.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyasn1.codec.ber.decoder import decode as ber_decode
from pyasn1.type import namedtype, tag, univ
from pyasn1_modules import rfc5652

from adept.errors import TokenFileError
from adept.protocol.p7m_ciphers import BY_IDENTIFIER, REFUSED, RSA_ENCRYPTION, ContentCipher


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
class Envelope:
    """A file's parts, nothing of it decrypted yet."""

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


def read_envelope(message: bytes) -> Envelope:
    """Read the CMS message of `p7m_text.unwrap`. TokenFileError if it is damaged or not of Apple's kind."""
    try:
        return _read(message)
    except TokenFileError:
        raise
    except Exception as error:  # damaged input leaves pyasn1 by IndexError, AttributeError and others
        raise TokenFileError(
            "the server token file is damaged or cut short", way_out="download it again from Apple's portal"
        ) from error


def _read(message: bytes) -> Envelope:
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
    return Envelope(
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
