"""What an administrator does in Apple's portal besides moving devices: organisations, servers, keys, tokens, terms."""

from __future__ import annotations

import hashlib

from adept.errors import Misuse
from adept.simulator.credentials import Credentials, issue
from adept.simulator.organisation import MdmServer, Organisation
from adept.simulator.truth import Truth

_RESERVED_NAMES = ("Unassigned", "Reassigned")  # Source: Apple Support, "Link to a third-party MDM server"
SUPERSEDED = "signature_invalid"  # Observed: what /session says to a token that a newer one replaced
REVOKED = "token_rejected"  # Observed, rarely: what /session says to a revoked token


def add_organisation(truth: Truth, name: str, *, type: str = "org", version: str = "v2") -> Organisation:  # noqa: A002
    """A new customer. `type` is org or edu; `version` v1 (the old Deployment Programs) or v2."""
    if not name or name in truth.organisations:
        raise Misuse(f"an organisation needs a name of its own; {name!r} is taken or empty")
    if type not in ("org", "edu") or version not in ("v1", "v2"):
        raise Misuse(f"an organisation is of type org or edu and version v1 or v2, not {type!r} and {version!r}")
    digest = hashlib.sha256(f"organisation {truth.seed} {name}".encode()).hexdigest()
    organisation = Organisation(name, type, version, id=str(int(digest[:12], 16))[:10], id_hash=digest)
    truth.organisations[name] = organisation
    return organisation


def add_server(
    truth: Truth,
    name: str,
    *,
    organisation: Organisation | None = None,
    certificate: bytes | None = None,
    may_disown: bool = True,
) -> MdmServer:
    """*Add MDM Server*: a new server without devices and without a token. `certificate` is PEM or DER."""
    if not name or name in truth.servers or name in _RESERVED_NAMES:
        raise Misuse(f"an MDM server needs a name of its own; {name!r} is taken, reserved or empty")
    if "/" in name:
        raise Misuse(f"an MDM server's name stands in addresses of the control API; {name!r} has a slash in it")
    truth.servers_made += 1
    server = MdmServer(
        number=truth.servers_made,
        name=name,
        uuid=truth.new_uuid(),
        organisation=organisation or truth.organisation(),
        admin_id="admin@example.org",
        may_disown=may_disown,
    )
    if certificate is not None:
        upload_certificate(server, certificate)
    truth.servers[name] = server
    return server


def upload_certificate(server: MdmServer, certificate: bytes) -> None:
    """*Upload Key*: the certificate that the next token is encrypted to; PEM or DER. Raises Misuse if it is none."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        read = x509.load_pem_x509_certificate if b"-----BEGIN" in certificate else x509.load_der_x509_certificate
        server.certificate = read(certificate).public_bytes(Encoding.PEM)
    except ValueError as error:
        raise Misuse(f"this is no X.509 certificate in PEM or DER: {error}") from error


def new_token(truth: Truth, server: MdmServer) -> Credentials:
    """*Get Token*: a new token for the server; the one before stops working at this moment.

    Observed: downloading a token resets the previous one at once.
    """
    retire_token(server, SUPERSEDED)
    server.tokens_made += 1
    return use_token(server, issue(f"{truth.seed} {server.uuid}", server.tokens_made, truth.clock.now()))


def use_token(server: MdmServer, credentials: Credentials) -> Credentials:
    """Accept exactly these credentials for the server from now on."""
    server.credentials = credentials
    server.consumer_key = credentials.consumer_key
    return credentials


def retire_token(server: MdmServer, reason: str) -> None:
    """Make the server's token dead; `reason` is the word /session will answer to it."""
    if server.credentials is not None:
        server.former[server.credentials.access_token] = reason
        server.credentials = None
