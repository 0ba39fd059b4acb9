"""A caller for the simulator's tests: signs with oauthlib's client half, and needs no sockets."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from oauthlib.oauth1 import Client as OAuthClient

from adept.simulator.answers import Answer
from adept.simulator.requests import ServiceRequest
from adept.simulator.simulator import Simulator

URL = "http://localhost"
JSON_TYPE = "application/json;charset=UTF8"
_nonces = itertools.count(1)


def signed(token: dict[str, str], url: str = f"{URL}/session", **options: Any) -> str:
    """An Authorization header for GET /session, as oauthlib's client writes it."""
    options = {"timestamp": str(int(time.time())), "nonce": f"nonce{next(_nonces):08d}", "realm": "ADM"} | options
    client = OAuthClient(
        token["consumer_key"], token["consumer_secret"], token["access_token"], token["access_secret"], **options
    )
    _, headers, _ = client.sign(url)
    authorization: str = headers["Authorization"]
    return authorization


class Caller:
    """One client of one server: opens its session at the first call."""

    def __init__(self, simulator: Simulator, *, server: str | None = None, version: int | str | None = 10) -> None:
        self.simulator = simulator
        self.server = server
        self.version = version
        self.session: str | None = None

    @property
    def token(self) -> dict[str, str]:
        """The server's token as a dictionary."""
        found: dict[str, str] = json.loads(self.simulator.token_of(self.server).to_json())
        return found

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str | None) -> Answer:
        """Send exactly this; a header of None is left out, underscores are dashes."""
        path, _, query = path.partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        url = f"{URL}{path}" + (f"?{query}" if query else "")
        return self.simulator.answer(ServiceRequest(method, path, url, query, named, body))

    def open(self, authorization: str | None = None, **headers: str | None) -> Answer:
        """Ask for a session; a good answer's token is used from then on."""
        standard: dict[str, str | None] = {"user_agent": "tests/1", "content_type": JSON_TYPE}
        standard["authorization"] = signed(self.token) if authorization is None else authorization
        answer = self.raw("GET", "/session", b"", **(standard | headers))
        if answer.status == 200:
            self.session = json.loads(answer.body)["auth_session_token"]
        return answer

    def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Send a request as Apple documents it, with JSON unless `body` is bytes."""
        if self.session is None:
            assert self.open().status == 200
        standard: dict[str, str | None] = {"user_agent": "tests/1", "x_adm_auth_session": self.session}
        if self.version is not None:
            standard["x_server_protocol_version"] = str(self.version)
        content = b""
        if body is not None:
            standard["content_type"] = JSON_TYPE
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.raw(method, path, content, **(standard | headers))
        self.session = answer.headers.get("X-ADM-Auth-Session", self.session)
        return answer

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """The document of a good answer."""
        answer = self.call(method, path, body)
        assert answer.status == 200, (answer.status, answer.body)
        return json.loads(answer.body)

    def refusal(self, method: str, path: str, body: Any = None, **headers: str | None) -> tuple[int, str]:
        """Status and body of a refusal."""
        answer = self.call(method, path, body, **headers)
        assert answer.status >= 400, answer.body[:200]
        return answer.status, answer.body.decode()

    def fetch(self, cursor: str | None = None, limit: int | None = None) -> Any:
        """One page of POST /server/devices."""
        return self.json("POST", "/server/devices", _without_none(cursor=cursor, limit=limit))

    def sync(self, cursor: str | None = None, limit: int | None = None) -> Any:
        """One page of POST /devices/sync."""
        return self.json("POST", "/devices/sync", _without_none(cursor=cursor, limit=limit))

    def fetch_all(self, limit: int | None = 1000) -> tuple[list[dict[str, Any]], str]:
        """Every device, and the cursor to sync with."""
        devices, cursor = [], None
        while True:
            page = self.fetch(cursor, limit)
            devices += page["devices"]
            cursor = page["cursor"]
            if not page["more_to_follow"]:
                return devices, cursor

    def sync_all(self, cursor: str, limit: int | None = 1000) -> tuple[list[dict[str, Any]], str]:
        """Every entry since the cursor, and the cursor after them."""
        entries = []
        while True:
            page = self.sync(cursor, limit)
            entries += page["devices"]
            cursor = page["cursor"]
            if not page["more_to_follow"]:
                return entries, cursor


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
