"""What a server may ask about itself and its organisation: account, beta tokens, account-driven enrollment.

Source: Apple, "Get Account Detail", "Get Beta Enrollment Tokens", "Account-Driven Enrollment Profile" (read 2026-11).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from adept.simulator.answers import JSON_TYPE, Answer, ServiceError, success
from adept.simulator.calls import Call
from adept.simulator.clock import as_apple_time
from adept.simulator.listings import DEFAULT_LIMIT, MAXIMUM_LIMIT

_PATHS = (
    ("/account", ["GET"]),
    ("/session", ["GET"]),
    ("/devices", ["POST"]),
    ("/devices/disown", ["POST"]),
    ("/profile", ["GET", "POST"]),
    ("/profile/devices", ["POST", "PUT", "DELETE"]),
    ("/device/activationlock", ["POST"]),
    ("/device/replacementDetails", ["GET"]),
    ("/account-driven-enrollment/profile", ["GET", "POST", "DELETE"]),
    ("/os-beta-enrollment/tokens", ["GET"]),
)
_BETAS = (("iOS", "iOS 27 AppleSeed Beta"), ("OSX", "macOS 27 AppleSeed Beta"), ("tvOS", "tvOS 27 AppleSeed Beta"))


def account(call: Call, *, page_limit: int | None = None) -> Answer:
    """GET /account. Below version 3 there are no `urls` and no `org_type` and its kin."""
    server, organisation = call.server, call.organisation
    document: dict[str, Any] = {
        "server_name": server.name,
        "server_uuid": server.uuid,
        "admin_id": server.admin_id,
        "facilitator_id": server.admin_id,
        "org_name": organisation.name,
        "org_email": "mail@example.org",
        "org_phone": "+1 555 0100",
        "org_address": "1 Simulation Way\nExampletown",
    }
    if call.version >= 3:
        document |= {
            "org_type": organisation.type,
            "org_version": organisation.version,
            "org_id": organisation.id,
            "org_id_hash": organisation.id_hash,
            "urls": _urls(page_limit),
        }
    return success(document)


def _urls(page_limit: int | None) -> list[dict[str, Any]]:
    limit = {"default": min(DEFAULT_LIMIT, page_limit or DEFAULT_LIMIT), "maximum": page_limit or MAXIMUM_LIMIT}
    listings = [{"uri": uri, "http_method": ["POST"], "limit": limit} for uri in ("/server/devices", "/devices/sync")]
    return [*listings, *({"uri": uri, "http_method": methods} for uri, methods in _PATHS)]


def beta_tokens(call: Call) -> Answer:
    """GET /os-beta-enrollment/tokens."""
    if not call.organisation.betas_allowed:
        raise ServiceError(403, "APPLE_SEED_FOR_IT_TURNED_OFF")
    tokens = [
        {"token": f"{call.organisation.id_hash[place * 8 : place * 8 + 24]}", "title": title, "os": os}
        for place, (os, title) in enumerate(_BETAS)
    ]
    return success({"betaEnrollmentTokens": tokens})


def set_discovery(call: Call) -> Answer:
    """POST /account-driven-enrollment/profile."""
    _need_new_programme(call)
    url = call.text("mdm_service_discovery_url", "MDM_SERVICE_DISCOVERY_URL_REQUIRED")
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme == "https" and bool(parts.hostname) and " " not in url
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ServiceError(400, "MDM_SERVICE_DISCOVERY_URL_NOT_VALID")
    call.server.discovery = (url, as_apple_time(call.truth.clock.now()))
    return Answer(200, content_type=JSON_TYPE)


def discovery(call: Call) -> Answer:
    """GET /account-driven-enrollment/profile."""
    _need_new_programme(call)
    if call.server.discovery is None:
        raise ServiceError(404, "NOT_FOUND")
    url, updated = call.server.discovery
    return success({"mdm_service_discovery_url": url, "last_updated_timestamp": updated})


def delete_discovery(call: Call) -> Answer:
    """DELETE /account-driven-enrollment/profile. Assumed: deleting what isn't there is fine."""
    _need_new_programme(call)
    call.server.discovery = None
    return Answer(200, content_type=JSON_TYPE)


def _need_new_programme(call: Call) -> None:
    if call.organisation.version != "v2":
        raise ServiceError(400, "ORG_NOT_SUPPORTED")
