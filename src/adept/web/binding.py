"""Where the service may listen, and under which names it is asked."""

from __future__ import annotations

import ipaddress
import socket
import ssl

from cryptography import x509

from adept.errors import ConfigError
from adept.setting_values import is_loopback
from adept.settings import Settings


def check_binding(settings: Settings) -> None:
    """ConfigError where the service would be reachable from elsewhere without TLS, or where TLS is only half given."""
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        given, missing = ("ADEPT_TLS_CERTIFICATE", "ADEPT_TLS_KEY")
        if settings.tls_certificate is None:
            given, missing = missing, given
        raise ConfigError(f"{given} is set and {missing} is not", way_out="set both, or neither")
    if is_loopback(settings.host) or settings.tls_certificate is not None or settings.trusted_proxies:
        return
    raise ConfigError(
        f"the service would listen on {settings.host} without TLS: keys and passwords would cross the network in clear",
        way_out="set ADEPT_TLS_CERTIFICATE and ADEPT_TLS_KEY, or name the reverse proxy before it in "
        "ADEPT_TRUSTED_PROXIES, or listen on 127.0.0.1",
    )


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The server's side of TLS; None where it is not asked for. ConfigError for files that won't do."""
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificate(context, settings)
    return context


def load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    """Load certificate and key from their files, also anew into a context in use: new connections get the new ones."""
    assert settings.tls_certificate is not None
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"can't use the certificate {settings.tls_certificate} with the key {settings.tls_key}: {reason}",
            way_out="give PEM files: the certificate with its chain, and its key without a password",
        ) from error


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def served_hosts(settings: Settings) -> frozenset[str]:
    """The names under which the service is asked, in lower case, beside this machine's own."""
    return frozenset({*settings.allowed_hosts, settings.host.lower(), *_names_in_certificate(settings)})


def url_of(settings: Settings | None, listener: socket.socket) -> str:
    """Where a listener is to be found, as well as we know ourselves; without settings it is plain HTTP."""
    scheme = "https" if settings is not None and settings.tls_certificate is not None else "http"
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = next(iter(settings.allowed_hosts if settings else ()), "localhost")
    return f"{scheme}://[{host}]:{port}" if _is_bare_ipv6(host) else f"{scheme}://{host}:{port}"


def _is_bare_ipv6(host: str) -> bool:
    return ":" in host and not host.startswith("[")


def _names_in_certificate(settings: Settings) -> set[str]:
    if settings.tls_certificate is None:
        return set()
    try:
        certificate = x509.load_pem_x509_certificate(settings.tls_certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):  # the names are a convenience; `tls_context` complains
        return set()
    addresses = names.get_values_for_type(x509.IPAddress)
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)} | {str(address) for address in addresses}
