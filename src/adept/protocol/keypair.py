"""The RSA key and certificate that Apple encrypts a server token to.

The portal wants a certificate but uses no more than the public key in it; self-signed is what everybody uploads. The
key is wanted for as long as its token lives: it opens the `.p7m`, later it signs the tokens of `maid_jwt`.
Source: Apple, "Authenticating through Web Tokens" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adept.errors import Misuse, TokenFileError
from adept.protocol.file_kinds import FileKind, kind_of

KEY_SIZES = (2048, 3072, 4096)
MAXIMUM_SIZE_BYTES = 64 * 1024  # of a key or certificate file; a chain with its key has some 10 KB
DEFAULT_DAYS = 365  # Apple looks at the certificate when it is uploaded, which may be long after it was made
_CLOCK_SKEW = timedelta(minutes=10)


@dataclass(frozen=True, repr=False)
class Keypair:
    """A private key and the certificate of its public half, both PEM; the key is PKCS#8 without a password."""

    private_key_pem: bytes
    certificate_pem: bytes

    def __repr__(self) -> str:
        return "Keypair(private_key_pem=<hidden>, certificate_pem=…)"

    def __rich_repr__(self) -> Iterator[tuple[str, str]]:
        """As `__repr__`; without it rich would print the fields."""
        yield "private_key_pem", "<hidden>"


def generate_keypair(
    common_name: str = "adept", *, days: int = DEFAULT_DAYS, now: datetime | None = None, key_size: int = 2048
) -> Keypair:
    """Make a new RSA key and a self-signed certificate, valid from ten minutes before `now` for `days`.

    `now` is aware and defaults to the computer's time. Misuse for a name X.509 can't hold (1 to 64 characters), for
    a size not in `KEY_SIZES` and for days that don't fit a calendar.
    """
    if key_size not in KEY_SIZES:
        raise Misuse(f"an RSA key for Apple has {', '.join(map(str, KEY_SIZES))} bits, not {key_size}")
    if not 1 <= days <= 36500:
        raise Misuse(f"a certificate is valid for 1 to 36500 days, not {days}")
    try:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    except ValueError as error:
        raise Misuse(f"{common_name[:80]!r} can't be a certificate's name: 1 to 64 characters are allowed") from error
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    certificate = _self_signed(name, key, now or datetime.now(UTC), timedelta(days=days))
    return Keypair(private_key_pem(key), certificate.public_bytes(serialization.Encoding.PEM))


def _self_signed(name: x509.Name, key: rsa.RSAPrivateKey, now: datetime, life: timedelta) -> x509.Certificate:
    usage = dict.fromkeys(
        ("content_commitment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    )
    usage |= {"encipher_only": False, "decipher_only": False, "digital_signature": True, "key_encipherment": True}
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + life)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def encrypt_key(private_key: bytes, password: bytes) -> bytes:
    """The same key as PKCS#8 PEM that needs `password` (not empty) to be read."""
    if not password:
        raise Misuse("an empty password protects nothing")
    return private_key_pem(load_private_key(private_key), password)


def private_key_pem(key: rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    """The key as PKCS#8 PEM, under a password if there is one."""
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def load_private_key(data: bytes, password: bytes | None = None) -> rsa.RSAPrivateKey:
    """Read an RSA private key: PEM (also after other text, as openssl pkcs12 prints it) or DER, PKCS#1 or PKCS#8.

    A password is ignored by keys that need none. TokenFileError for everything that isn't such a key.
    """
    _refuse_large(data)
    key = _load(data, password)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TokenFileError("the private key is not an RSA key; Apple encrypts server tokens to RSA keys only")
    return key


def load_certificate(data: bytes) -> x509.Certificate:
    """Read a certificate, PEM or DER. TokenFileError for everything else."""
    _refuse_large(data)
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise TokenFileError(f"can't read the certificate: {_found(data, FileKind.CERTIFICATE)}") from error


def rsa_public_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    """The certificate's key. TokenFileError if it is of another kind or can't be read."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise TokenFileError("the certificate's key is not an RSA key; Apple encrypts server tokens to RSA keys only")
    return key


def certificate_matches(certificate: bytes | x509.Certificate, private_key: bytes | rsa.RSAPrivateKey) -> bool:
    """Whether the certificate holds the public half of this key. TokenFileError if either can't be read."""
    if isinstance(certificate, bytes):
        certificate = load_certificate(certificate)
    if isinstance(private_key, bytes):
        private_key = load_private_key(private_key)
    return rsa_public_key(certificate) == private_key.public_key()


def _load(data: bytes, password: bytes | None) -> object:
    load = serialization.load_pem_private_key if b"-----BEGIN" in data else serialization.load_der_private_key
    try:
        try:
            return load(data, password or None)
        except TypeError:  # a password for a key without one, or none for a key with one
            if not password:
                raise TokenFileError("the private key is protected: its password is needed") from None
            return load(data, None)
    except (ValueError, UnsupportedAlgorithm) as error:
        if password and kind_of(data) in (None, FileKind.PRIVATE_KEY):
            raise TokenFileError("can't read the private key: wrong password, or the file is damaged") from error
        raise TokenFileError(f"can't read the private key: {_found(data, FileKind.PRIVATE_KEY)}") from error


def _refuse_large(data: bytes) -> None:
    if len(data) > MAXIMUM_SIZE_BYTES:
        raise TokenFileError(f"the key or certificate file is larger than {MAXIMUM_SIZE_BYTES // 1024} KB")


def _found(data: bytes, wanted: FileKind) -> str:
    if not data.strip():
        return "the file is empty"
    kind = kind_of(data)
    return f"this is {kind.value}" if kind not in (None, wanted) else "the file is damaged or of a kind we don't know"
