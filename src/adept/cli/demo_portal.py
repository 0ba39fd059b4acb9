"""The person at Apple's portal in the demonstration: what one would click there, by the simulator's control API."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

_TIMEOUT_S = 30


class Portal:
    """The portal of a simulator on this machine."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open = build_opener(ProxyHandler({})).open  # past any proxy: it is this machine

    def add_server(self, name: str, certificate: str) -> None:
        """*Add MDM Server*, with the certificate (PEM) that its tokens are encrypted to."""
        self._post("/servers", {"name": name, "certificate": certificate})

    def upload_key(self, server: str, certificate: bytes) -> None:
        """*Upload Key*: another certificate (PEM) for a server that is there."""
        self._send("PUT", f"/servers/{quote(server)}/certificate", certificate)

    def get_token(self, server: str) -> bytes:
        """*Get Token*: the encrypted server token, a .p7m."""
        return self._send("POST", f"/servers/{quote(server)}/token", None)

    def buy(self, count: int, server: str) -> list[str]:
        """Order devices, assigned to a server from the start; returns their serial numbers."""
        return self._serials(self._post("/devices", {"count": count, "server": server}))

    def move(self, serials: list[str], server: str) -> None:
        """Assign devices to another server."""
        self._post("/devices/assign", {"serials": serials, "server": server})

    def release(self, serials: list[str]) -> None:
        """Release devices from the organisation."""
        self._post("/devices/release", {"serials": serials})

    def switch_on(self, serials: list[str]) -> list[str]:
        """Unpack devices and switch them on; returns those that fetched a profile."""
        return self._serials(self._post("/devices/switch-on", {"serials": serials}))

    def devices(self, server: str) -> dict[str, dict[str, Any]]:
        """The truth: what is assigned to a server now, by serial number."""
        found = json.loads(self._send("GET", f"/devices?server={quote(server)}", None))
        return {device["serial_number"]: device for device in found["devices"]}

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._send("POST", path, json.dumps(body).encode()))
        return answer

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        with self._open(Request(self._url + path, body, headers, method=method), timeout=_TIMEOUT_S) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content

    @staticmethod
    def _serials(answer: dict[str, Any]) -> list[str]:
        return list(answer["serials"])
