"""How a request says who sends it, as the API's description (OpenAPI) tells it. What decides is `access.caller_of`."""

from __future__ import annotations

from fastapi.openapi.models import APIKey, HTTPBase, HTTPBearer
from fastapi.openapi.models import SecurityBase as Scheme
from fastapi.security.base import SecurityBase


class WayIn(SecurityBase):
    """A dependency that asks nothing and refuses nobody: it only puts its scheme into the description."""

    def __init__(self, name: str, scheme: Scheme) -> None:
        self.scheme_name = name
        self.model = scheme

    async def __call__(self) -> None:
        """Nothing to ask."""


BEARER = WayIn("key", HTTPBearer(description="An API key: `Authorization: Bearer KEY`."))
BASIC = WayIn(
    "key_as_password", HTTPBase(scheme="basic", description="An API key as the password, with any user name.")
)
COOKIE = WayIn(
    "session",
    APIKey.model_validate(
        {
            "in": "cookie",
            "name": "adept_session",
            "description": "A person's session in the browser; over TLS the cookie is called `__Host-adept_session`.",
        }
    ),
)
