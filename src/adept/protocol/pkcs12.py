"""Reading a PKCS#12 file (.p12, .pfx): a private key and its certificate under one password, as Keychain exports them.

Read here and not by cryptography because Keychain protects certificates with RC2 of 40 bits: where OpenSSL has no
legacy provider that fails there, as a wrong password. And a file from a stranger may not keep us busy without limit.
Source: RFC 7292.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from pyasn1.codec.ber.decoder import decode as ber_decode
from pyasn1.type import namedtype, tag, univ
from pyasn1_modules import rfc5652, rfc5958, rfc7292

from adept.errors import TokenFileError
from adept.protocol import pbe
from adept.protocol.ber import definite
from adept.protocol.file_kinds import FileKind, is_binary_sequence, kind_of
from adept.protocol.keypair import Keypair, private_key_pem

MAXIMUM_SIZE_BYTES = 256 * 1024  # with a chain of certificates a file has some 10 KB

_DATA = "1.2.840.113549.1.7.1"
_ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
_KEY_BAG = "1.2.840.113549.1.12.10.1.1"
_SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2"
_CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.3"
_X509_CERTIFICATE = "1.2.840.113549.1.9.22.1"
_TAG_0 = tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, 0)
_ANY_AS_0 = univ.Any().subtype(explicitTag=_TAG_0)  # type: ignore[no-untyped-call]  # the stub is without types here


class _ContentInfo(univ.Sequence):
    componentType = namedtype.NamedTypes(  # noqa: N815  pyasn1's name
        namedtype.NamedType("contentType", univ.ObjectIdentifier()),
        namedtype.OptionalNamedType("content", _ANY_AS_0),
    )


class _Pfx(univ.Sequence):
    componentType = namedtype.NamedTypes(  # noqa: N815  pyasn1's name
        namedtype.NamedType("version", univ.Integer()),
        namedtype.NamedType("authSafe", _ContentInfo()),
        namedtype.OptionalNamedType("macData", rfc7292.MacData()),
    )


@dataclass
class _Contents:
    keys: list[rsa.RSAPrivateKey] = field(default_factory=list)
    certificates: list[x509.Certificate] = field(default_factory=list)


def open_pkcs12(data: bytes, password: bytes | None = None) -> Keypair:
    """The private key of the file and the certificate that belongs to it; a chain's other certificates are left out.

    The file may be in base64. `password` is UTF-8. TokenFileError for a wrong one, for a file that isn't PKCS#12, has
    no RSA key or no certificate for it, and for one that would take too long.
    """
    _refuse_foreign(data)
    try:
        contents = _read(data if is_binary_sequence(data) else base64.b64decode(data), password)
    except TokenFileError:
        raise
    except Exception:  # noqa: BLE001  damaged input leaves pyasn1 by IndexError, AttributeError and others
        # Not chained: the cause may show what was decrypted.
        raise TokenFileError("the PKCS#12 file is damaged or cut short", way_out="export it again") from None
    return _pair(contents)


def _refuse_foreign(data: bytes) -> None:
    if not data.strip():
        raise TokenFileError("the PKCS#12 file is empty")
    if len(data) > MAXIMUM_SIZE_BYTES:
        raise TokenFileError(
            f"the file has {len(data):,} bytes; a PKCS#12 file with one key has {MAXIMUM_SIZE_BYTES:,} at most"
        )
    kind = kind_of(data)
    if kind is not FileKind.PKCS12:
        found = f": this is {kind.value}" if kind else ""
        raise TokenFileError(
            f"this is not a PKCS#12 file (.p12){found}", way_out="export certificate and private key together"
        )


def _read(data: bytes, password: bytes | None) -> _Contents:
    pfx = _decode(data, _Pfx())
    if str(pfx["authSafe"]["contentType"]) != _DATA:
        raise TokenFileError("the PKCS#12 file is signed instead of protected by a password, which is not read")
    safes = _octets(pfx["authSafe"]["content"])
    effort = pbe.Effort()
    for form in pbe.Password.forms(password):
        if not pfx["macData"].hasValue():
            return _collect_unproved(safes, form, effort)
        if _mac_fits(pfx["macData"], safes, form, effort):
            return _collect(safes, form, effort)
    raise _wrong_password()


def _collect_unproved(safes: bytes, password: pbe.Password, effort: pbe.Effort) -> _Contents:
    """As `_collect`, for files without a MAC, where a wrong password shows only in what comes out of decryption."""
    try:
        return _collect(safes, password, effort)
    except TokenFileError:
        raise
    except Exception:  # noqa: BLE001  as in open_pkcs12
        raise _wrong_password() from None


def _wrong_password() -> TokenFileError:
    return TokenFileError("the PKCS#12 file can't be opened: wrong password, or the file is damaged")


def _mac_fits(mac_data: Any, content: bytes, password: pbe.Password, effort: pbe.Effort) -> bool:
    identifier = str(mac_data["mac"]["digestAlgorithm"]["algorithm"])
    if identifier not in pbe.HASHES:
        raise TokenFileError(f"the PKCS#12 file is sealed with algorithm {identifier[:80]}, which is not read")
    hash_name = pbe.HASHES[identifier]
    salt, iterations = mac_data["macSalt"].asOctets(), int(mac_data["iterations"])
    key = pbe.mac_key(password, salt=salt, iterations=iterations, hash_name=hash_name, effort=effort)
    return hmac.compare_digest(pbe.mac(key, content, hash_name), mac_data["mac"]["digest"].asOctets())


def _collect(safes: bytes, password: pbe.Password, effort: pbe.Effort) -> _Contents:
    contents = _Contents()
    for info in _decode(safes, univ.SequenceOf(componentType=_ContentInfo())):
        for bag in _decode(_safe_contents(info, password, effort), rfc7292.SafeContents()):
            _take(bag, contents, password, effort)
    return contents


def _safe_contents(info: Any, password: pbe.Password, effort: pbe.Effort) -> bytes:
    kind = str(info["contentType"])
    if kind == _DATA:
        return _octets(info["content"])
    if kind != _ENCRYPTED_DATA:
        raise TokenFileError("the PKCS#12 file is encrypted for a certificate instead of a password, which is not read")
    encrypted = _decode(info["content"], rfc5652.EncryptedData())["encryptedContentInfo"]
    algorithm = encrypted["contentEncryptionAlgorithm"]
    return pbe.decrypt(algorithm, encrypted["encryptedContent"].asOctets(), password, effort)


def _take(bag: Any, contents: _Contents, password: pbe.Password, effort: pbe.Effort) -> None:
    """Add what is in a bag; those with other things than keys and certificates are passed over."""
    kind, value = str(bag["bagId"]), bag["bagValue"]
    if kind == _CERTIFICATE_BAG:
        certificate = _decode(value, rfc7292.CertBag())
        if str(certificate["certId"]) == _X509_CERTIFICATE:
            contents.certificates.append(x509.load_der_x509_certificate(_octets(certificate["certValue"])))
    elif kind == _KEY_BAG:
        contents.keys.extend(_rsa(definite(value.asOctets())))
    elif kind == _SHROUDED_KEY_BAG:
        shrouded = _decode(value, rfc5958.EncryptedPrivateKeyInfo())
        algorithm, encrypted = shrouded["encryptionAlgorithm"], shrouded["encryptedData"].asOctets()
        contents.keys.extend(_rsa(pbe.decrypt(algorithm, encrypted, password, effort)))


def _rsa(der: bytes) -> Iterator[rsa.RSAPrivateKey]:
    """The key if it is RSA; nothing for other kinds."""
    try:
        key = load_der_private_key(der, None)
    except UnsupportedAlgorithm:
        return
    if isinstance(key, rsa.RSAPrivateKey):
        yield key


def _pair(contents: _Contents) -> Keypair:
    if not contents.keys:
        raise TokenFileError("the PKCS#12 file holds no RSA private key", way_out="export the key with the certificate")
    for key in contents.keys:
        for certificate in contents.certificates:
            if _holds(certificate, key):
                return Keypair(private_key_pem(key), certificate.public_bytes(Encoding.PEM))
    raise TokenFileError(
        "the PKCS#12 file holds no certificate for its private key", way_out="export the certificate with the key"
    )


def _holds(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bool:
    """Whether it is the key's certificate; one with a key nobody can read is not."""
    try:
        return certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def _octets(value: Any) -> bytes:
    """What an element that holds an OCTET STRING holds."""
    return bytes(_decode(value, univ.OctetString()).asOctets())


def _decode(data: Any, spec: Any) -> Any:
    return ber_decode(definite(bytes(data)), asn1Spec=spec)[0]
