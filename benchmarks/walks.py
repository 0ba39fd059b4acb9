"""Contenders of the client benchmark: everybody walks the same fleet, page by page, in a process of its own.

`python -m benchmarks.walks NAME URL TOKEN_FILE LIMIT` walks once and prints a Run.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measuring import Watch, report

JSON_UTF8 = "application/json;charset=UTF8"


def throw_away(url: str, token_file: Path, limit: int) -> int:
    """The floor: the same pages by the standard library, thrown away unread but for the cursor."""
    import oauthlib.oauth1

    secrets = json.loads(token_file.read_text())
    signer = oauthlib.oauth1.Client(
        secrets["consumer_key"],
        secrets["consumer_secret"],
        secrets["access_token"],
        secrets["access_secret"],
        realm="ADM",
    )
    signed = signer.sign(f"{url}/session")[1]
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    headers = {"User-Agent": "floor/1", "X-Server-Protocol-Version": "10", "Content-Type": JSON_UTF8}
    line.request("GET", "/session", headers=headers | signed)
    headers["X-ADM-Auth-Session"] = json.loads(line.getresponse().read())["auth_session_token"]
    body, pages = {"limit": limit}, 0
    while True:
        line.request("POST", "/server/devices", json.dumps(body), headers)
        answer = line.getresponse()
        headers["X-ADM-Auth-Session"] = answer.getheader("X-ADM-Auth-Session") or headers["X-ADM-Auth-Session"]
        page = answer.read()
        pages += 1
        ends = page[:300] + page[-300:]  # the envelope's own keys
        if not re.search(rb'"more_to_follow":\s*true', ends):
            return pages * limit
        (cursor,) = re.findall(rb'"cursor":\s*"([^"]+)"', ends)
        body = {"limit": limit, "cursor": cursor.decode()}


def requests_and_json(url: str, token_file: Path, limit: int) -> int:
    """As the field's Python does it: requests, requests_oauthlib, json, dictionaries."""
    import requests
    from requests_oauthlib import OAuth1

    secrets = json.loads(token_file.read_text())
    keys = ("consumer_key", "consumer_secret", "access_token", "access_secret")
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"User-Agent": "field/1", "X-Server-Protocol-Version": "10", "Content-Type": JSON_UTF8})
    auth = OAuth1(*(secrets[key] for key in keys), realm="ADM")
    answer = session.get(f"{url}/session", auth=auth, timeout=60)
    answer.raise_for_status()
    session.headers["X-ADM-Auth-Session"] = answer.json()["auth_session_token"]
    body: dict[str, object] = {"limit": limit}
    devices = 0
    while True:
        answer = session.post(f"{url}/server/devices", data=json.dumps(body), timeout=60)
        answer.raise_for_status()
        rolled = answer.headers.get("X-ADM-Auth-Session")
        if rolled:
            session.headers["X-ADM-Auth-Session"] = rolled
        page = answer.json()
        for device in page["devices"]:
            devices += device["serial_number"] != ""
        if not page["more_to_follow"]:
            return devices
        body["cursor"] = page["cursor"]


def adept_sync(url: str, token_file: Path, limit: int) -> int:
    """adept.Client."""
    from adept import Client

    with Client.from_token_file(token_file, base_url=url) as client:
        return sum(device.serial_number != "" for device in client.all_devices(limit=limit))


def adept_async(url: str, token_file: Path, limit: int) -> int:
    """adept.AsyncClient."""
    from adept import AsyncClient

    async def walk() -> int:
        devices = 0
        async with AsyncClient.from_token_file(token_file, base_url=url) as client:
            async for device in client.all_devices(limit=limit):
                devices += device.serial_number != ""
        return devices

    return asyncio.run(walk())


CONTENDERS: dict[str, Callable[[str, Path, int], int]] = {
    "bytes": throw_away,
    "requests": requests_and_json,
    "sync": adept_sync,
    "async": adept_async,
}


NEEDS = {
    "bytes": ["oauthlib.oauth1"],
    "requests": ["requests", "requests_oauthlib"],
    "sync": ["adept.client.client"],
    "async": ["adept.client.async_client"],
}


def main(name: str, url: str, token_file: str, limit: str) -> None:
    """Walk once. What is needed is imported before the clock starts: a walk is measured, not an import."""
    for module in NEEDS[name]:
        import_module(module)
    with Watch() as watch:
        devices = CONTENDERS[name](url, Path(token_file), int(limit))
    report(watch.run(devices))


if __name__ == "__main__":
    main(*sys.argv[1:])
