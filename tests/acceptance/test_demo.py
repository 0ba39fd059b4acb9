"""The demonstration as its users have it: it goes on as a service on the story's devices, and ends without a trace."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx2
import pytest

from adept.cli.demo_story import BOUGHT, FEWEST_DEVICES, MOVED, RELEASED
from tests.acceptance.demonstration import demonstrating

LEFT = FEWEST_DEVICES + BOUGHT - MOVED - RELEASED
DEADLINE_S = 60


def test_after_the_story_the_service_runs_on_its_devices_until_it_is_stopped(tmp_path: Path) -> None:
    with demonstrating("--devices", FEWEST_DEVICES, temporary=tmp_path / "tmp") as demo:
        told = demo.told()
        assert "demo: ok" in demo.lines
        assert f"  All {LEFT} devices are stored exactly as Apple has them now." in demo.lines
        with httpx2.Client(base_url=told["url"], headers={"Origin": told["url"]}, trust_env=False) as adept:
            login = {"name": told["user"], "password": told["password"]}
            assert adept.post("/api/v1/session", json=login).status_code == 201
            assert devices_of(adept) == LEFT
            assert adept.get("/api/v1/accounts/demo").json()["interval_s"] == 60
            bought = httpx2.post(f"{told['portal']}/devices", json={"count": 2}, trust_env=False)
            assert adept.post("/api/v1/accounts/demo/passes", json={"kind": "sync"}).status_code == 202
            deadline = time.monotonic() + DEADLINE_S
            while devices_of(adept) < LEFT + len(bought.json()["serials"]):
                assert time.monotonic() < deadline
        assert demo.stop(signal.SIGTERM) == (0, "", "\nstopped; nothing of the demonstration is left\n")
        assert list(demo.temporary.iterdir()) == []
        for address in (told["url"], told["portal"]):
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(address, trust_env=False)


def test_a_story_that_is_stopped_in_the_middle_leaves_nothing_either(tmp_path: Path) -> None:
    with demonstrating(temporary=tmp_path / "tmp") as demo:
        demo.read_to("2. The first fetch")
        code, out, _ = demo.stop(signal.SIGHUP)
        assert code == 130
        assert "demo: ok" not in out
        assert list(demo.temporary.iterdir()) == []


def devices_of(adept: httpx2.Client) -> int:
    """How many devices the API lists."""
    return len(adept.get("/api/v1/devices", params={"limit": 100}).json()["items"])
