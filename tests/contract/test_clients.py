"""Apple's documented exchanges against the clients: they send what the samples' requests say and read every answer.

The samples are written by hand (`test_samples`); a folder recorded by a client (`record=`) can be put beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adept import Client
from adept.client import endpoints
from adept.client.call import nothing
from adept.client.recording import PAGES, Recorder
from adept.client.session import Session
from adept.errors import Refused, TokenRejected, Unreachable
from adept.protocol.profile import read_profile
from tests.tokens import NOW, TOKEN

SAMPLES = Path(__file__).parent / "samples"
CASES = sorted(path.parent for path in SAMPLES.glob("*/*/request.json"))

Sample = tuple[dict[str, Any], dict[str, Any]]


def read(case: Path) -> Sample:
    return json.loads((case / "request.json").read_text()), json.loads((case / "response.json").read_text())


def query(path: str, name: str) -> str:
    return str(httpx2.URL(f"https://apple.example{path}").params.get(name, ""))


CALLS: dict[str, Callable[[str, dict[str, Any]], endpoints.Call[Any]]] = {
    "GET /account": lambda path, body: endpoints.account(),
    "POST /server/devices": lambda path, body: endpoints.fetch_devices(body.get("cursor"), limit=body.get("limit")),
    "POST /devices/sync": lambda path, body: endpoints.sync_devices(body["cursor"], limit=body.get("limit")),
    "POST /devices": lambda path, body: endpoints.device_details(body["devices"]),
    "POST /devices/disown": lambda path, body: endpoints.disown(body["devices"]),
    "GET /device/replacementDetails": lambda path, body: endpoints.replacement_details(query(path, "device")),
    "POST /device/activationlock": lambda path, body: endpoints.activation_lock(
        body["device"], escrow_key=body.get("escrow_key"), lost_message=body.get("lost_message")
    ),
    "POST /profile": lambda path, body: endpoints.define_profile(read_profile(json.dumps(body))),
    "GET /profile": lambda path, body: endpoints.profile(query(path, "profile_uuid")),
    "POST /profile/devices": lambda path, body: endpoints.assign_profile(body["profile_uuid"], body["devices"]),
    "PUT /profile/devices": lambda path, body: endpoints.assign_profile(
        body["profile_uuid"], body["devices"], method="PUT"
    ),
    "DELETE /profile/devices": lambda path, body: endpoints.remove_profile(body["devices"]),
    "GET /account-driven-enrollment/profile": lambda path, body: endpoints.account_driven_enrollment(),
    "POST /account-driven-enrollment/profile": lambda path, body: endpoints.set_account_driven_enrollment(
        body["mdm_service_discovery_url"]
    ),
    "DELETE /account-driven-enrollment/profile": lambda path, body: endpoints.delete_account_driven_enrollment(),
    "GET /os-beta-enrollment/tokens": lambda path, body: endpoints.beta_tokens(),
}


def endpoint(request: dict[str, Any]) -> str:
    return f"{request['method']} {request['path'].partition('?')[0]}"


def succeeds(case: Path) -> bool:
    request, response = read(case)
    return bool(response["status"] == 200) and endpoint(request) != "GET /session"


class Replaying:
    """Answers each request to the sample's endpoint with the sample, and sessions for ever."""

    def __init__(self, case: Path) -> None:
        self.request, self.response = read(case)
        self.sent: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/session" and endpoint(self.request) != "GET /session":
            return httpx2.Response(200, json={"auth_session_token": "again"})
        self.sent.append(request)
        body = self.response["body"]
        content = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return httpx2.Response(
            self.response["status"], headers=self.response["headers"], content=(content or "").encode()
        )


def client(replaying: Replaying, **settings: Any) -> Client:
    session = Session()
    if endpoint(replaying.request) != "GET /session":
        session.start("given")
    return Client(TOKEN, http=httpx2.MockTransport(replaying), session=session, now=lambda: NOW, **settings)


def names(cases: list[Path]) -> list[str]:
    return [case.relative_to(SAMPLES).as_posix() for case in cases]


GOOD = [case for case in CASES if succeeds(case)]
BAD = [case for case in CASES if read(case)[1]["status"] != 200]


@pytest.mark.parametrize("case", GOOD, ids=names(GOOD))
def test_what_apple_documents_is_sent_and_its_answer_read(case: Path) -> None:
    replaying = Replaying(case)
    expected = replaying.request
    with client(replaying) as asking:
        asking.send(CALLS[endpoint(expected)](expected["path"], expected["body"] or {}))
    (sent,) = replaying.sent
    assert (sent.method, sent.url.raw_path.decode()) == (expected["method"], expected["path"])
    assert (json.loads(sent.content) if sent.content else None) == expected["body"]
    assert set(expected["headers"]) <= {name.decode() for name, _ in sent.headers.raw}
    assert sent.headers.get("Content-Type") == expected["headers"].get("Content-Type")


@pytest.mark.parametrize("case", BAD, ids=names(BAD))
def test_every_documented_error_is_raised_by_its_code(case: Path) -> None:
    replaying = Replaying(case)
    asked = endpoints.account() if endpoint(replaying.request) == "GET /session" else _harmless(replaying.request)
    with client(replaying) as asking, pytest.raises((Refused, Unreachable)) as caught:
        asking.send(asked)
    error = caught.value
    assert len(replaying.sent) <= 2
    assert isinstance(error, Refused | Unreachable)
    assert error.status == replaying.response["status"]
    if isinstance(error, Refused):
        assert error.code == (replaying.response["body"].strip('" \r\n') or f"HTTP_{error.status}")


def _harmless(request: dict[str, Any]) -> endpoints.Call[Any]:
    """The call of that endpoint; what the sample's request did wrong we would not even send."""
    found = request["body"] if isinstance(request["body"], dict) else {}
    filled = {
        "cursor": "c",
        "devices": ["A"],
        "device": "A",
        "profile_uuid": "U",
        "mdm_service_discovery_url": "https://x",
    }
    body = filled | {key: value for key, value in found.items() if key not in filled}
    call = CALLS.get(endpoint(request))
    if call is None:  # a method that the endpoint doesn't know
        return endpoints.Call(request["method"], request["path"], "trying", nothing)
    return call("/?device=A&profile_uuid=U", body)


def test_a_dead_token_is_told_from_a_refused_call() -> None:
    dead = [case for case in BAD if case.parent.name == "session" and read(case)[1]["body"] == "signature_invalid"]
    assert dead
    with client(Replaying(dead[0])) as asking, pytest.raises(TokenRejected):
        asking.account()


@pytest.mark.parametrize("case", GOOD, ids=names(GOOD))
def test_a_recording_has_the_form_of_the_samples_and_can_be_replayed(case: Path, tmp_path: Path) -> None:
    expected = read(case)[0]
    with client(Replaying(case), record=Recorder(tmp_path)) as asking:
        asking.send(CALLS[endpoint(expected)](expected["path"], expected["body"] or {}))
    (written,) = [path.parent for path in tmp_path.glob("*/*/request.json")]
    request, response = read(written)
    assert written.parent.name == case.parent.name == PAGES[endpoint(expected)]
    assert set(request) == set(expected) - {"source", "read"}
    assert set(response) == {"status", "headers", "body"}
    assert type(response["body"]) is type(read(case)[1]["body"])
    with client(Replaying(written)) as asking:
        asking.send(CALLS[endpoint(request)](request["path"], request["body"] or {}))
