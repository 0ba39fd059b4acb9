"""Writing an encrypted server token: what Apple's portal does, for the simulator and for tests.

The structure is that of Apple's published example: CMS enveloped data in BER, indefinite lengths all the way down to
the content in OCTET STRING chunks (as Bouncy Castle streams it), definite ones inside the recipients. Nothing in it is
signed, neither here nor by Apple: whoever has the certificate can make such a file.
Source: Apple, "Authenticating through Web Tokens" (read 2026-11); RFC 5652.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pyasn1.codec.der.decoder import decode as der_decode
from pyasn1.codec.der.encoder import encode as der_encode
from pyasn1.type import univ
from pyasn1_modules import rfc5280, rfc5652

from adept.errors import Misuse
from adept.protocol.ber import with_length
from adept.protocol.keypair import load_certificate, rsa_public_key
from adept.protocol.p7m_ciphers import CIPHERS, RSA_ENCRYPTION, CipherName
from adept.protocol.server_token import ServerToken

Form = Literal["ber", "der"]
RecipientBy = Literal["issuer", "key-id"]
RandomBytes = Callable[[int], bytes]

_HEADERS = (
    b'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data\r\n'
    b"Content-Transfer-Encoding: base64\r\n"
    b'Content-Disposition: attachment; filename="smime.p7m"\r\n'
    b"Content-Description: S/MIME Encrypted Message\r\n\r\n"
)
_DATA = "1.2.840.113549.1.7.1"
_ENVELOPED_DATA = "1.2.840.113549.1.7.3"
_SEQUENCE, _SET, _OCTET_STRING, _IMPLICIT_0, _EXPLICIT_0 = 0x30, 0x31, 0x04, 0x80, 0xA0
_END_OF_CONTENTS = b"\x00\x00"


def seal_server_token(
    token: ServerToken,
    certificate: bytes | x509.Certificate,
    *,
    form: Form = "ber",
    cipher: CipherName = "aes128",
    recipient_by: RecipientBy = "issuer",
    random_bytes: RandomBytes = secrets.token_bytes,
) -> bytes:
    """The file a portal would hand out for this token and certificate (PEM or DER): S/MIME, base64, CRLF.

    The defaults are Apple's. TokenFileError if the certificate can't be read or isn't RSA.
    """
    message = seal(
        inner_text(token), [certificate], form=form, cipher=cipher, recipient_by=recipient_by, random_bytes=random_bytes
    )
    text = base64.b64encode(message)
    lines = [text[start : start + 76] for start in range(0, len(text), 76)]
    return _HEADERS + b"\r\n".join(lines) + b"\r\n"


def inner_text(token: ServerToken) -> bytes:
    """What Apple encrypts: a little mail with the JSON between two marker lines."""
    return (
        b"Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        b"-----BEGIN MESSAGE-----\r\n" + token.to_json() + b"\r\n-----END MESSAGE-----\r\n"
    )


def seal(
    text: bytes,
    certificates: Sequence[bytes | x509.Certificate],
    *,
    form: Form = "ber",
    cipher: CipherName = "aes128",
    recipient_by: RecipientBy = "issuer",
    chunk_bytes: int = 1000,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> bytes:
    """CMS enveloped data with any text for any number of recipients, as binary BER or DER.

    `random_bytes` gives the content key, then the IV; the encrypted keys differ each time all the same. Misuse for a
    form, cipher or way to name the recipient that doesn't exist.
    """
    for chosen_word, known in ((form, get_args(Form)), (cipher, CIPHERS), (recipient_by, get_args(RecipientBy))):
        if chosen_word not in known:
            raise Misuse(f"a server token can't be sealed as {chosen_word!r}: one of {', '.join(known)}")
    chosen = CIPHERS[cipher]
    key = random_bytes(chosen.key_bytes)
    algorithm = chosen.algorithm(key)
    iv = random_bytes(algorithm.block_size // 8)
    encryptor = Cipher(algorithm, modes.CBC(iv)).encryptor()
    padder = PKCS7(algorithm.block_size).padder()
    encrypted = encryptor.update(padder.update(text) + padder.finalize()) + encryptor.finalize()
    recipients = sorted(_recipient(certificate, key, recipient_by) for certificate in certificates)
    content_info = (
        der_encode(univ.ObjectIdentifier(_DATA)),
        der_encode(_algorithm(chosen.identifier, univ.OctetString(iv))),
        _content(encrypted, form, chunk_bytes),
    )
    wrap = _indefinite if form == "ber" else _definite
    version = der_encode(univ.Integer(2 if recipient_by == "key-id" else 0))
    enveloped = wrap(_SEQUENCE, version, _definite(_SET, *recipients), wrap(_SEQUENCE, *content_info))
    return wrap(_SEQUENCE, der_encode(univ.ObjectIdentifier(_ENVELOPED_DATA)), wrap(_EXPLICIT_0, enveloped))


def _content(encrypted: bytes, form: Form, chunk_bytes: int) -> bytes:
    """The encrypted content, implicitly tagged [0]: Apple's is constructed of OCTET STRINGs, DER's can't be."""
    if form == "der":
        return _definite(_IMPLICIT_0, encrypted)
    chunks = (encrypted[start : start + chunk_bytes] for start in range(0, len(encrypted), chunk_bytes))
    return _indefinite(_EXPLICIT_0, *(_definite(_OCTET_STRING, chunk) for chunk in chunks))


def _recipient(certificate: bytes | x509.Certificate, key: bytes, by: RecipientBy) -> bytes:
    if isinstance(certificate, bytes):
        certificate = load_certificate(certificate)
    public_key = rsa_public_key(certificate)
    recipient = rfc5652.KeyTransRecipientInfo()
    recipient["version"] = 2 if by == "key-id" else 0
    if by == "key-id":
        recipient["rid"]["subjectKeyIdentifier"] = _key_identifier(certificate, public_key)
    else:
        issuer = der_decode(certificate.issuer.public_bytes(), asn1Spec=rfc5280.Name())[0]
        recipient["rid"]["issuerAndSerialNumber"]["issuer"] = issuer
        recipient["rid"]["issuerAndSerialNumber"]["serialNumber"] = certificate.serial_number
    recipient["keyEncryptionAlgorithm"] = _algorithm(RSA_ENCRYPTION, univ.Null(""))
    recipient["encryptedKey"] = public_key.encrypt(key, padding.PKCS1v15())
    return bytes(der_encode(recipient))


def _algorithm(identifier: str, parameters: univ.OctetString | univ.Null) -> rfc5280.AlgorithmIdentifier:
    algorithm = rfc5280.AlgorithmIdentifier()
    algorithm["algorithm"] = univ.ObjectIdentifier(identifier)
    algorithm["parameters"] = univ.Any(der_encode(parameters))
    return algorithm


def _key_identifier(certificate: x509.Certificate, public_key: rsa.RSAPublicKey) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return x509.SubjectKeyIdentifier.from_public_key(public_key).digest


def _definite(tag: int, *parts: bytes) -> bytes:
    return with_length(tag, b"".join(parts))


def _indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes([tag, 0x80]) + b"".join(parts) + _END_OF_CONTENTS
