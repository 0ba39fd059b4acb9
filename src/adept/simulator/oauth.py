"""Who is asking for a session: OAuth 1.0a, verified by oauthlib's server half.

    400, empty            no Authorization header, or parameters missing, doubled or of the wrong kind
    401 UNAUTHORIZED      unknown consumer key, a timestamp too far from real time, a nonce used before
    401 signature_invalid a wrong signature, a wrong or superseded access token
    401 token_rejected    a revoked or expired server token

`realm` is optional and is not signed. Timestamps are held against real time, not against the simulator's clock.
Source: Apple, "Authenticating with a Device Management Server Token" (read 2026-11); the words, where Apple names none:
Observed in reports of vendors and go-between services.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from oauthlib.oauth1 import RequestValidator, ResourceEndpoint

from adept.simulator.answers import ServiceError
from adept.simulator.clock import Clock
from adept.simulator.credentials import Credentials
from adept.simulator.organisation import MdmServer
from adept.simulator.portal_acts import REVOKED, SUPERSEDED

TIMESTAMP_TOLERANCE_S = 300
_MANDATORY = ("consumer_key", "token", "signature_method", "signature", "timestamp", "nonce")


class Doorkeeper:
    """Verifies the Authorization header of GET /session against the servers of the truth."""

    def __init__(self, servers: Mapping[str, MdmServer], clock: Clock) -> None:
        self._servers = servers
        self._clock = clock
        self._validator = _Validator(servers)
        self._endpoint = ResourceEndpoint(self._validator)

    def server_of(self, url: str, authorization: str | None) -> MdmServer:
        """The MDM server whose token signed this header. Raises ServiceError as listed above."""
        if not authorization:
            raise ServiceError(400)
        try:
            is_valid, request = self._endpoint.validate_protected_resource_request(
                url, "GET", headers={"Authorization": authorization}
            )
        except (ValueError, KeyError):  # what oauthlib lets through of headers that are not even shaped like one
            raise ServiceError(400) from None
        if request is None or not _is_complete(request):
            raise ServiceError(400)
        server = self._validator.owner(request.client_key)
        if "signature" not in request.validator_log:  # it stopped at the timestamp or the nonce
            raise ServiceError(401, "UNAUTHORIZED")
        return self._judged(server, request, is_valid=is_valid)

    def _judged(self, server: MdmServer | None, request: Any, *, is_valid: bool) -> MdmServer:
        if server is None:
            raise ServiceError(401, "UNAUTHORIZED")
        presented = request.oauth_params["oauth_token"]
        if presented in server.former:
            raise ServiceError(401, server.former[presented])
        if not is_valid or server.credentials is None:
            raise ServiceError(401, SUPERSEDED)
        if self._clock.now() >= server.credentials.expires_at:
            raise ServiceError(401, REVOKED)
        return server


def _is_complete(request: Any) -> bool:
    given = request.oauth_params
    return (
        all(given.get(f"oauth_{name}") for name in _MANDATORY)
        and given["oauth_signature_method"] == "HMAC-SHA1"
        and given.get("oauth_version", "1.0") == "1.0"
        and given["oauth_timestamp"].isdigit()
    )


class _Validator(RequestValidator):  # type: ignore[misc,unused-ignore]  # oauthlib's stubs leave it partly untyped
    """What oauthlib asks about keys, tokens and nonces."""

    nonces_remembered = 100_000
    enforce_ssl = False
    allowed_signature_methods = ("HMAC-SHA1",)
    timestamp_lifetime = TIMESTAMP_TOLERANCE_S
    dummy_client = "no such client"
    dummy_access_token = "no such token"  # noqa: S105 - not a password

    def __init__(self, servers: Mapping[str, MdmServer]) -> None:
        super().__init__()
        self._servers = servers
        self._nonces: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def owner(self, consumer_key: str) -> MdmServer | None:
        """The server whose tokens carry this consumer key."""
        return next((server for server in self._servers.values() if server.consumer_key == consumer_key), None)

    def check_client_key(self, client_key: str) -> bool:
        return bool(client_key)

    def check_access_token(self, request_token: str) -> bool:
        return bool(request_token)

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce)

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: str,
        nonce: str,
        _request: Any,
        request_token: str | None = None,  # noqa: ARG002 - oauthlib's signature
        access_token: str | None = None,  # noqa: ARG002
    ) -> bool:
        """Whether this nonce is new for this key and second. Old ones are forgotten: their timestamps are too old."""
        used = (client_key, timestamp, nonce)
        is_new = used not in self._nonces
        self._nonces[used] = None
        while len(self._nonces) > self.nonces_remembered:
            self._nonces.popitem(last=False)
        return is_new

    def validate_client_key(self, client_key: str, _request: Any) -> bool:
        return self.owner(client_key) is not None

    def validate_access_token(self, client_key: str, token: str, _request: Any) -> bool:
        return self._credentials(client_key, token) is not None

    def validate_realms(
        self,
        _client_key: str,
        _token: str,
        _request: Any,
        uri: str | None = None,  # noqa: ARG002 - oauthlib's signature
        realms: list[str] | None = None,  # noqa: ARG002
    ) -> bool:
        return True

    def get_client_secret(self, client_key: str, _request: Any) -> str:
        server = self.owner(client_key)
        return server.credentials.consumer_secret if server and server.credentials else "no such secret"

    def get_access_token_secret(self, client_key: str, token: str, _request: Any) -> str:
        found = self._credentials(client_key, token)
        return found.access_secret if found else "no such secret"

    def _credentials(self, client_key: str, token: str) -> Credentials | None:
        server = self.owner(client_key)
        current = server.credentials if server else None
        return current if current is not None and current.access_token == token else None
