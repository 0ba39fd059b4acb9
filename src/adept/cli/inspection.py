"""What a token, certificate, key or PKCS#12 file is, said without a secret. Decides only: bytes in, words out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adept.errors import TokenFileError
from adept.protocol.file_kinds import FileKind, kind_of
from adept.protocol.keypair import load_certificate, load_private_key
from adept.protocol.p7m_open import describe_p7m
from adept.protocol.pkcs12 import open_pkcs12
from adept.protocol.server_token import ServerToken

Description = dict[str, Any]


def describe(data: bytes, *, password: bytes | None, now: datetime) -> Description:
    """Say what the file is. Raises TokenFileError where it is none of the kinds adept has to do with, or damaged."""
    readers: dict[FileKind | None, Callable[[], Description]] = {
        FileKind.DECRYPTED: lambda: _token(data, now),
        FileKind.SEALED: lambda: _p7m(data),
        FileKind.CERTIFICATE: lambda: _certificate(load_certificate(data), now),
        FileKind.PRIVATE_KEY: lambda: _key(data, password),
        FileKind.PKCS12: lambda: _pkcs12(data, password, now),
    }
    kind = _kind(data)
    if kind not in readers:
        found = f"it is {kind.value}" if kind else "it is of a kind we don't know"
        raise TokenFileError(f"this is no token, certificate, key or PKCS#12 file: {found}")
    return readers[kind]()


def _kind(data: bytes) -> FileKind | None:
    if not data.strip():
        raise TokenFileError("the file is empty")
    kind = kind_of(data)
    if kind is None and b"PRIVATE KEY-----" in data:  # after other text, as openssl pkcs12 prints it
        return FileKind.PRIVATE_KEY
    if kind is None and b"-----BEGIN CERTIFICATE-----" in data:
        return FileKind.CERTIFICATE
    return kind


def _token(data: bytes, now: datetime) -> Description:
    token = ServerToken.from_json(data)
    return {
        "kind": "server token, decrypted",
        "expires_at": token.access_token_expiry,
        "expired": token.is_expired(now),
        "consumer_key_sha256": token.fingerprint,
        "use": "with --token or ADEPT_TOKEN; keep it secret",
    }


def _p7m(data: bytes) -> Description:
    found = describe_p7m(data)
    return {
        "kind": "server token, encrypted (.p7m)",
        "form": found.encoding,
        "cipher": found.cipher,
        "recipients": [str(recipient) for recipient in found.recipients],
        "use": "adept token decrypt, with the private key of that certificate",
    }


def _certificate(certificate: x509.Certificate, now: datetime) -> Description:
    return {
        "kind": "certificate",
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial_number": f"{certificate.serial_number:X}",
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
        "expired": now >= certificate.not_valid_after_utc,
        "certificate_sha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "public_key": _size(certificate.public_key()),
        "public_key_sha256": _public_key_hash(certificate.public_key()),
    }


def _key(data: bytes, password: bytes | None) -> Description:
    if b"ENCRYPTED" in data and password is None:
        return {"kind": "private key", "encrypted": True, "use": "its password is needed to say more"}
    key = load_private_key(data, password)
    return {
        "kind": "private key",
        "encrypted": b"ENCRYPTED" in data,
        "public_key": _size(key.public_key()),
        "public_key_sha256": _public_key_hash(key.public_key()),
        "use": "opens the tokens made for the certificate with the same public_key_sha256; keep it secret",
    }


def _pkcs12(data: bytes, password: bytes | None, now: datetime) -> Description:
    about = {"kind": "PKCS#12: certificate and private key"}
    try:
        pair = open_pkcs12(data, password)
    except TokenFileError:
        if password is not None:
            raise
        return about | {"encrypted": True, "use": "its password is needed to say more"}
    certificate = _certificate(load_certificate(pair.certificate_pem), now)
    return certificate | about | {"use": "adept token from-p12 takes both out"}


def _size(key: object) -> str:
    return f"RSA {key.key_size} bits" if isinstance(key, rsa.RSAPublicKey) else "not RSA: Apple does not take it"


def _public_key_hash(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, form))
    return digest.finalize().hex()
