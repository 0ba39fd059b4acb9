"""A simulator with a state file: what was done to it outlives it, however it ended."""

from __future__ import annotations

import hashlib
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from adept import generate_keypair
from adept.errors import Busy, ConfigError, Misuse
from adept.simulator.journal import GENERATION
from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller
from tests.simulator.conftest import START

PROFILE = {"profile_name": "Lab", "url": "https://mdm.example.org/enroll"}
OF_THIS_PROCESS = ("now", "sessions", "requests")  # what a state tells that begins anew


@dataclass
class Time:
    """Real time that goes on with every look."""

    time: datetime = START

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=137)
        return self.time


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "apple.state"


@contextmanager
def apple(state: Path, time: Time | None = None, **settings: Any) -> Iterator[Simulator]:
    """A simulator with that memory, of ten devices unless told otherwise."""
    given: dict[str, Any] = {"devices": 10, "now": time or Time(), "state": state}
    made = Simulator(**given | settings)
    try:
        yield made
    finally:
        made.close()


def everything(simulator: Simulator) -> dict[str, Any]:
    """The truth, as far as it can be seen."""
    told = {name: value for name, value in simulator.state().items() if name not in OF_THIS_PROCESS}
    servers = [server["name"] for server in told["servers"]]
    asked = (simulator.devices, simulator.log, simulator.profiles)
    return told | {"truth": [[ask(server) for ask in asked] for server in servers]}


def live_through_much(simulator: Simulator) -> None:
    """Every act there is, and some that are refused."""
    caller = Caller(simulator)
    pem = generate_keypair().certificate_pem
    simulator.add_organisation("School", type="edu", version="v1")
    simulator.add_server("lab", certificate=pem, may_disown=True)
    simulator.add_server("school", organisation="School")
    simulator.upload_certificate("school", pem)
    simulator.get_token("lab")
    simulator.get_token("school", form="json")
    simulator.advance(3600.5)
    first, second, third, *others = simulator.buy(6, family="iPad", fields={"asset_tag": 'said "ü"'})
    simulator.buy(serials=["MINE1", "MINE2"], server=None)
    simulator.buy(2, server="lab")
    uuid = caller.json("POST", "/profile", PROFILE | {"devices": [first]})["profile_uuid"]
    caller.json("POST", "/profile/devices", {"profile_uuid": uuid, "devices": [second, third]})
    caller.json("DELETE", "/profile/devices", {"profile_uuid": uuid, "devices": [third]})
    caller.json("POST", "/devices/disown", {"devices": [others[0]]})
    caller.call("POST", "/device/activationlock", {"device": first})
    caller.call("POST", "/account-driven-enrollment/profile", {"mdm_service_discovery_url": "https://a.example"})
    assert simulator.switch_on([first, third]) == [first]
    simulator.assign(["MINE1"], "lab", migration_deadline=START + timedelta(days=30))
    simulator.assign([second], "lab")
    simulator.assign([others[1]], None)
    simulator.release(["MINE2"])
    simulator.replace([others[2]])
    simulator.amend([first], asset_tag=None, key_of_the_future={"list": [1, None]})
    simulator.throttle([first], 60)
    simulator.sign_terms(signed=False, organisation="School")
    simulator.allow_betas(allowed=False)
    with pytest.raises(Misuse):
        simulator.amend([first, others[1]], asset_tag="half of it is done")
    with pytest.raises(Misuse):
        simulator.buy(serials=["NEW", "MINE1"])
    assert caller.refusal("POST", "/profile", {"url": "no"})[0] == 400
    simulator.revoke_token("school")


def test_what_was_done_is_there_again(state: Path):
    time = Time()
    with apple(state, time) as simulator:
        live_through_much(simulator)
        was, token = everything(simulator), simulator.token
    with apple(state, time) as again:
        assert everything(again) == was
        assert again.token == token
        assert again.now() - time.time == timedelta(hours=1, seconds=0.5)
        later = (again.buy(3), again.add_server("new"))
        was = everything(again)
    with apple(state, time) as third:
        assert everything(third) == was
        assert [*third.devices()][-3:] == later[0]


def test_what_goes_on_is_what_would_have_gone_on(state: Path, tmp_path: Path):
    """What is drawn after a restart is what would have been drawn without it."""
    with apple(tmp_path / "other.state") as simulator:
        live_through_much(simulator)
        wanted = simulator.buy(5)
    with apple(state) as simulator:
        live_through_much(simulator)
    with apple(state) as again:
        assert again.buy(5) == wanted


def test_cursors_of_before_go_on_where_they_stood(state: Path):
    with apple(state) as simulator:
        caller = Caller(simulator)
        middle = caller.fetch(limit=4)["cursor"]
        drained = caller.fetch(middle, limit=100)["cursor"]
        [one] = simulator.buy(1)
        synced = caller.sync(drained)["cursor"]
        [two] = simulator.buy(1)
    with apple(state) as again:
        caller = Caller(again)
        assert [device["serial_number"] for device in caller.sync(drained)["devices"]] == [one, two]
        assert [device["serial_number"] for device in caller.sync(synced)["devices"]] == [two]
        assert caller.fetch(limit=4)["more_to_follow"]
        assert caller.refusal("POST", "/server/devices", {"cursor": middle}) == (400, "INVALID_CURSOR")


def test_sessions_faults_and_the_log_of_requests_begin_anew(state: Path):
    with apple(state) as simulator:
        simulator.fault("*", "unauthorized", count=9)
        caller = Caller(simulator)
        caller.open()
    with apple(state) as again:
        caller.simulator = again
        assert (again.faults(), again.requests()) == ([], [])
        caller.session = "of before"
        assert caller.refusal("GET", "/account") == (401, "UNAUTHORIZED")
        assert Caller(again).json("GET", "/account")["server_name"] == "Example MDM"


def test_what_a_fault_kept_from_being_done_is_not_done_later(state: Path):
    with apple(state, hostile=True) as simulator:
        caller = Caller(simulator)
        uuid = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
        serials = [*simulator.devices()]
        for word in ("not_accessible", "missing_devices", "drop_after", "drop_before", "internal_server_error"):
            simulator.fault("post_profile_devices", word)
            caller.call("POST", "/profile/devices", {"profile_uuid": uuid, "devices": serials[:4]})
            simulator.clear_faults()
        for serial in serials[4:]:
            caller.call("POST", "/profile/devices", {"profile_uuid": uuid, "devices": [serial, serials[0]]})
        was = everything(simulator)
    with apple(state, hostile=True) as again:
        assert everything(again) == was


def test_a_reset_forgets_what_was_before_it(state: Path):
    with apple(state) as simulator:
        cursor = Caller(simulator).fetch()["cursor"]
        simulator.buy(5)
        with largest_file(state.stat().st_size), pytest.raises(ConfigError, match="can't write"):
            simulator.reset()
        assert len(simulator.devices()) == 15
        simulator.reset()
        simulator.buy(2)
        was = everything(simulator)
    with apple(state) as again:
        assert everything(again) == was
        assert Caller(again).refusal("POST", "/devices/sync", {"cursor": cursor}) == (400, "INVALID_CURSOR")


@pytest.mark.parametrize("cut", [1, 20])
def test_a_simulator_that_was_killed_as_it_began_begins(state: Path, cut: int):
    with apple(state):
        pass
    state.write_bytes(state.read_bytes()[:-cut])
    with apple(state) as again:
        again.buy(2)
        was = everything(again)
    with apple(state) as third:
        assert everything(third) == was


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_an_act_of_which_half_was_written_was_never_done(state: Path, cut: int):
    with apple(state) as simulator:
        simulator.buy(1)
        was = everything(simulator)
        simulator.buy(2)
    whole = state.read_bytes()
    state.write_bytes(whole[:-cut])
    with apple(state) as again:
        assert everything(again) == was
        simulator = again
        again.buy(2)
        was = everything(again)
    with apple(state) as third:
        assert everything(third) == was


def test_what_is_written_holds_no_secret_and_is_for_its_owner_alone(state: Path):
    with apple(state) as simulator:
        caller = Caller(simulator)
        caller.json("POST", "/profile", PROFILE)
        simulator.get_token(form="json")
        secrets = [value for value in simulator.token.to_json().decode().split('"') if len(value) > 20]
        written = state.read_text()
        assert caller.session is not None
        assert [secret for secret in [*secrets, caller.session] if secret in written] == []
        assert state.stat().st_mode & 0o777 == 0o600
    token = structs.replace(simulator.token, access_secret="AS_of_somebody")
    state.unlink()
    with apple(state, token=token):
        assert "AS_of" not in state.read_text()


def test_two_simulators_do_not_share_a_state(state: Path):
    with apple(state), pytest.raises(Busy, match=r"another simulator has .*apple\.state"):
        Simulator(10, state=state)
    with apple(state) as free_again:
        assert len(free_again.devices()) == 10


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"devices": 11}, "devices 10 there, devices 11 here"),
        ({"seed": 8, "hostile": True}, "seed 0, hostile False there, seed 8, hostile True here"),
        ({"config": {"device_insertions": {"device_types": ["IPAD"]}}}, r"families \[\] there, families \['iPad'\]"),
    ],
)
def test_a_state_of_something_else_is_refused_and_left_alone(state: Path, settings: dict[str, Any], said: str):
    with apple(state) as simulator:
        simulator.buy(1)
    before = state.read_bytes()
    with pytest.raises(ConfigError, match=said), apple(state, **settings):
        pass
    assert state.read_bytes() == before
    with apple(state, page_limit=5, config={"get_account_responses": [{"response": "unauthorized"}]}) as again:
        assert len(again.devices()) == 11  # what does not shape the truth may change
        assert len(again.faults()) == 1


def test_what_acts_come_to_is_what_they_came_to(state: Path):
    """Where this fails with good reason, raise `journal.GENERATION`: old state files would come to something else."""
    with apple(state) as simulator:
        live_through_much(simulator)
        truth = [simulator.devices(), simulator.log(), simulator.devices("lab"), simulator.log("lab")]
    assert GENERATION == 1
    assert hashlib.sha256(repr(truth).encode()).hexdigest()[:16] == "c93406d9c0893791"


def test_another_token_and_another_generation_are_something_else(state: Path):
    with apple(state) as simulator:
        token = simulator.token
    with pytest.raises(ConfigError, match="otherwise: another token"), apple(state, token=token):
        pass
    head, *entries = state.read_bytes().split(b"\n")
    state.write_bytes(b"\n".join([json.dumps(json.loads(head) | {"generation": 0}).encode(), *entries]))
    with pytest.raises(ConfigError, match="is of another version of adept") as caught, apple(state):
        pass
    assert "begin anew" in str(caught.value.way_out)


@pytest.mark.parametrize(
    "content", [b"Dear diary", b"Dear diary,\ntoday\n", b"\n", b'{"generation":1}\n', b"\x00\xff\n", b"[" * 100_000]
)
def test_a_file_that_is_no_state_is_refused_and_left_alone(state: Path, content: bytes):
    state.write_bytes(content)
    with pytest.raises(ConfigError, match="line 1 can't be read"), apple(state):
        pass
    assert state.read_bytes() == content


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path):
    with (
        pytest.raises(ConfigError, match=r"can't open the state file .*nowhere"),
        apple(tmp_path / "nowhere" / "state"),
    ):
        pass
    with pytest.raises(ConfigError, match="can't open the state file"), apple(tmp_path):
        pass


def test_what_cannot_be_remembered_is_not_done(state: Path):
    with apple(state) as simulator:
        caller = Caller(simulator)
        caller.open()
        was = everything(simulator)
        with largest_file(state.stat().st_size + 50):
            with pytest.raises(ConfigError, match=r"can't write to the state file .*apple\.state") as caught:
                simulator.amend([*simulator.devices()], note="x" * 100)
            assert "make room" in str(caught.value.way_out)
            assert caller.refusal("POST", "/profile", PROFILE) == (500, "")
        with largest_file(state.stat().st_size), pytest.raises(ConfigError, match="File too large"):
            simulator.buy(1)
        assert everything(simulator) == was
        simulator.buy(1)
        was = everything(simulator)
    with apple(state) as again:
        assert everything(again) == was


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond that size, as where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
