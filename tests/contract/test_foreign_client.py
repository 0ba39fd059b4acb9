"""The simulator walked by a small client on requests and requests-oauthlib, with none of our code in it.

If this client, written from Apple's documentation alone, gets through, then the simulator and our own client do not
merely agree with each other. Everything it needs to start comes over HTTP: the token by depsim's GET /token.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import requests
from requests_oauthlib import OAuth1

from adept.simulator import Simulator, serve
from adept.simulator.running import Running

CONTENT_TYPE = "application/json;charset=UTF8"


class ForeignClient:
    """Forty lines of the field's Python."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.headers.update(
            {"User-Agent": "foreign/1.0", "X-Server-Protocol-Version": "3", "Content-Type": CONTENT_TYPE}
        )
        self.open_session(self.http.get(f"{url}/token").json())

    def open_session(self, token: dict[str, str]) -> None:
        """GET /session, signed."""
        auth = OAuth1(
            client_key=token["consumer_key"],
            client_secret=token["consumer_secret"],
            resource_owner_key=token["access_token"],
            resource_owner_secret=token["access_secret"],
            realm="ADM",
        )
        answer = self.http.get(f"{self.url}/session", auth=auth)
        answer.raise_for_status()
        self.http.headers["X-ADM-Auth-Session"] = answer.json()["auth_session_token"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request, whatever it answers."""
        answer = self.http.request(method, self.url + path, json=body, headers={"Content-Type": CONTENT_TYPE})
        if "X-ADM-Auth-Session" in answer.headers:
            self.http.headers["X-ADM-Auth-Session"] = answer.headers["X-ADM-Auth-Session"]
        if answer.status_code != 200:
            return answer.status_code, answer.text
        return answer.json()

    def pages(self, path: str, cursor: str | None) -> tuple[list[dict[str, Any]], str]:
        """All pages of a listing."""
        devices: list[dict[str, Any]] = []
        while True:
            page = self.ask("POST", path, {"limit": 1000, **({"cursor": cursor} if cursor else {})})
            devices += page["devices"]
            cursor = page["cursor"]
            if not page["more_to_follow"]:
                return devices, cursor


def test_a_foreign_client_walks_everything_the_simulator_offers(dep_simulator: Running):
    control = requests.Session()

    def portal(method: str, path: str, body: Any = None) -> Any:
        answer = control.request(method, dep_simulator.control_url + path, json=body)
        answer.raise_for_status()
        return answer.json()

    serials = portal("POST", "/devices", {"count": 2500})["serials"]
    client = ForeignClient(dep_simulator.url)
    assert client.ask("GET", "/account")["server_name"] == "Example MDM"

    devices, cursor = client.pages("/server/devices", None)
    assert [device["serial_number"] for device in devices] == serials
    assert client.ask("POST", "/server/devices", {"cursor": cursor}) == (400, "EXHAUSTED_CURSOR")

    profile = {"profile_name": "foreign", "url": "https://mdm.example.org/enroll", "devices": serials[:2]}
    defined = client.ask("POST", "/profile", profile)
    assert defined["devices"] == dict.fromkeys(serials[:2], "SUCCESS")
    uuid = defined["profile_uuid"]
    assert client.ask("GET", f"/profile?profile_uuid={uuid}")["profile_name"] == "foreign"
    for method in ("PUT", "POST"):
        assigned = client.ask(method, "/profile/devices", {"profile_uuid": uuid, "devices": serials[2:4]})
        assert assigned["devices"] == dict.fromkeys(serials[2:4], "SUCCESS")

    portal("POST", "/devices/switch-on", {"serials": serials[:1]})
    removed = client.ask("DELETE", "/profile/devices", {"devices": serials[1:2]})
    assert removed["devices"] == {serials[1]: "SUCCESS"}
    details = client.ask("POST", "/devices", {"devices": [*serials[:3], "NOBODY"]})["devices"]
    assert [details[serial]["profile_status"] for serial in serials[:3]] == ["pushed", "removed", "assigned"]
    assert details["NOBODY"] == {"response_status": "NOT_FOUND"}
    assert client.ask("POST", "/devices/disown", {"devices": serials[-1:]})["devices"] == {serials[-1]: "SUCCESS"}

    entries, cursor = client.pages("/devices/sync", cursor)
    assert Counter(entry["op_type"] for entry in entries) == {"modified": 8, "deleted": 1}
    assert client.pages("/devices/sync", cursor)[0] == []

    path = "/account-driven-enrollment/profile"
    client.http.post(client.url + path, json={"mdm_service_discovery_url": "https://mdm.example.org/"})
    assert client.ask("GET", path)["mdm_service_discovery_url"] == "https://mdm.example.org/"
    assert client.ask("GET", "/os-beta-enrollment/tokens")["betaEnrollmentTokens"]
    assert client.ask("POST", "/device/activationlock", {"device": "NOBODY"})["response_status"] == "NOT_ACCESSIBLE"
    client.http.headers["X-Server-Protocol-Version"] = "10"
    assert client.ask("GET", "/device/replacementDetails?device=NOBODY") == (404, "DEVICE_NOT_FOUND")


def test_a_foreign_client_sees_a_session_end_and_renews_it(dep_simulator: Running):
    client = ForeignClient(dep_simulator.url)
    requests.post(f"{dep_simulator.control_url}/clock", json={"advance_s": 3600}, timeout=10).raise_for_status()
    assert client.ask("GET", "/account") == (401, "UNAUTHORIZED")
    client.open_session(requests.get(f"{dep_simulator.url}/token", timeout=10).json())
    assert client.ask("GET", "/account")["org_version"] == "v2"


def test_a_foreign_client_follows_rolling_session_tokens():
    with serve(Simulator(30, rotate_sessions_every=1)) as running:
        client = ForeignClient(running.url)
        tokens = set()
        for _ in range(5):
            client.ask("GET", "/account")
            tokens.add(client.http.headers["X-ADM-Auth-Session"])
        assert len(tokens) == 5


def test_openssl_opens_the_file_that_the_portal_hands_out(dep_simulator: Running, tmp_path: Path):
    key, certificate, file = (tmp_path / name for name in ("key.pem", "certificate.pem", "token.p7m"))
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=foreign", "-keyout", key, "-out", certificate
    )
    url = f"{dep_simulator.control_url}/servers"
    body = {"name": "foreign", "certificate": certificate.read_text()}
    requests.post(url, json=body, timeout=10).raise_for_status()
    file.write_bytes(requests.post(f"{url}/foreign/token", timeout=10).content)
    text = openssl("smime", "-decrypt", "-in", file, "-inkey", key)
    assert "-----BEGIN MESSAGE-----" in text
    assert '"consumer_key"' in text


def openssl(*arguments: str | Path) -> str:
    """Run openssl; gives what it prints."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_foreign_client_has_none_of_our_code():
    """What the class above needs is installed without adept."""
    code = (
        "import sys, requests, requests_oauthlib; sys.exit(any(name.split('.')[0] == 'adept' for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
