"""`adept token`: keypairs, opening server tokens, looking into files. No Apple, no store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.key_files import PasswordFile, password_of, read_private_key
from adept.cli.output import FOR_PEOPLE, ErrorsAsJson, Output, print_body, print_document, print_fields, warn
from adept.errors import Misuse, TokenFileError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from adept.protocol.keypair import Keypair

app = App(
    name="token",
    help="Make keypairs, open server tokens, look into token and key files.",
    help_epilogue="Example: adept token inspect token.json",
)

Force = Annotated[bool, Parameter(help="Overwrite files that are there already.")]


@app.command(help_epilogue="Example: adept token keypair --cert adept.pem --key adept.key --cn 'MDM of Example Ltd'")
def keypair(
    *,
    cert: Annotated[Path, Parameter(help="Where to write the certificate (PEM): upload this one to Apple's portal.")],
    key: Annotated[Path, Parameter(help="Where to write the private key (PEM): keep this one secret.")],
    cn: Annotated[str, Parameter(help="The certificate's common name; default: adept.")] = "adept",
    days: Annotated[int, Parameter(help="How long the certificate is valid; default: 365.")] = 365,
    password_file: PasswordFile = None,
    force: Force = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Make the keypair that Apple encrypts a server token to.

    With --password-file the key is written encrypted. The key file can be read by its owner only.
    """
    from adept.protocol.keypair import encrypt_key, generate_keypair

    _refuse_same(cert, key)
    files.refuse_existing(cert, key, force=force)
    password = files.read_password(password_file)
    made = generate_keypair(cn, days=days)
    private_key = encrypt_key(made.private_key_pem, password) if password else made.private_key_pem
    files.write_secret(key, private_key, force=force)
    files.write_public(cert, made.certificate_pem, force=force)
    if output.json:
        print_document({"certificate": str(cert), "key": str(key)})
    else:
        warn(f"wrote {cert} (upload it to Apple's portal) and {key} (keep it: only it opens the token)")


@app.command(help_epilogue="Example: adept token decrypt adept_Token_2026-11-21T10-00-00Z_smime.p7m --key adept.key")
def decrypt(
    file: Annotated[
        Path,
        Parameter(
            help="The server token as downloaded from Apple's portal (.p7m); - is standard input.",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    key: Annotated[Path | None, Parameter(help="The private key (PEM or DER).")] = None,
    p12: Annotated[Path | None, Parameter(help="The private key in a PKCS#12 file, as Keychain exports it.")] = None,
    password_file: PasswordFile = None,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the token is JSON anyway
) -> None:
    """Decrypt a server token and print its JSON: what ADEPT_TOKEN and --token want.

    A token that is decrypted already is printed as it is. The output is secret: send it to a file that others can't
    read (umask 077).
    """
    from adept.protocol.p7m_open import open_server_token
    from adept.protocol.server_token import ServerToken

    data = files.read_file(file, "server token")
    if _is_plain(data):
        ServerToken.from_json(data)
        warn(f"{file} is decrypted already; printed as it is")
        print_body(data)
        return
    print_body(open_server_token(data, _private_key(key, p12, password_file)).to_json())


@app.command(
    name="from-p12",
    help_epilogue="Example: adept token from-p12 Certificates.p12 --cert-out adept.pem --key-out adept.key",
)
def from_p12(
    file: Annotated[Path, Parameter(help="The PKCS#12 file; - is standard input.", allow_leading_hyphen=True)],
    /,
    *,
    cert_out: Annotated[Path, Parameter(help="Where to write the certificate (PEM).")],
    key_out: Annotated[Path, Parameter(help="Where to write the private key (PEM).")],
    encrypt: Annotated[bool, Parameter(help="Encrypt the key file with the password of the PKCS#12 file.")] = False,
    password_file: PasswordFile = None,
    force: Force = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Take a certificate and its private key out of a PKCS#12 file.

    Writes what `openssl pkcs12 -clcerts -nokeys` and `openssl pkcs12 -nocerts -nodes` write, also for files that
    newer openssl refuses (RC2-40). Without --password-file the password is asked for on a terminal, else it is empty.
    """
    from adept.protocol.keypair import encrypt_key

    _refuse_same(cert_out, key_out)
    files.refuse_existing(cert_out, key_out, force=force)
    password = password_of(file, password_file)
    if encrypt and not password:
        raise Misuse("--encrypt needs a password", way_out="give one with --password-file")
    found = _open_p12(file, password)
    private_key = encrypt_key(found.private_key_pem, password) if encrypt and password else found.private_key_pem
    files.write_secret(key_out, private_key, force=force)
    files.write_public(cert_out, found.certificate_pem, force=force)
    if output.json:
        print_document({"certificate": str(cert_out), "key": str(key_out)})
    else:
        warn(f"wrote {cert_out} and {key_out}")


@app.command(help_epilogue="Example: adept token inspect adept_Token_2026-11-21T10-00-00Z_smime.p7m")
def inspect(
    file: Annotated[
        Path,
        Parameter(
            help="A token (.p7m or JSON), certificate, key or PKCS#12 file; - is standard input.",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    password_file: PasswordFile = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Say what a file is and what it is for, without showing a secret."""
    from datetime import UTC, datetime

    from adept.cli.inspection import describe

    data = files.read_file(file, "file")
    described = describe(data, password=files.read_password(password_file), now=datetime.now(UTC))
    if output.json:
        print_document({"file": str(file), **described})
    else:
        print_fields({"file": file, **described})


def _private_key(key: Path | None, p12: Path | None, password_file: Path | None) -> RSAPrivateKey:
    from adept.protocol.keypair import load_private_key

    if (key is None) == (p12 is None):
        raise Misuse("the private key is needed, once", way_out="name it with --key FILE or with --p12 FILE")
    if p12 is not None:
        return load_private_key(_open_p12(p12, password_of(p12, password_file)).private_key_pem)
    assert key is not None
    return read_private_key(key, password_file)


def _open_p12(path: Path, password: bytes | None) -> Keypair:
    from adept.protocol.pkcs12 import open_pkcs12

    return open_pkcs12(files.read_file(path, "PKCS#12 file"), password)


def _is_plain(data: bytes) -> bool:
    from adept.protocol.file_kinds import FileKind, kind_of

    if not data.strip():
        raise TokenFileError("the server token is empty", way_out="download it again from Apple's portal")
    return kind_of(data) in (FileKind.DECRYPTED, FileKind.JSON)


def _refuse_same(cert: Path, key: Path) -> None:
    if cert.absolute() == key.absolute():
        raise Misuse(f"certificate and key can't both be written to {cert}", way_out="name two files")
