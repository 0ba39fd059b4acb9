"""What each act on a device leaves in the record and writes into which log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adept.errors import Misuse
from adept.simulator.simulator import Simulator
from adept.simulator.truth import Unknown
from tests.simulator.caller import Caller

NOW, LATER = "2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"
HOUR_S = 3600
PROFILE = {"profile_name": "one", "url": "https://mdm.example.org/enroll"}


class Stage:
    """Two servers of one organisation, one device on the first, and both logs watched from here on."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        simulator.add_server("other")
        simulator.get_token("other", form="json")
        self.first, self.other = Caller(simulator), Caller(simulator, server="other")
        [self.serial] = simulator.buy(1, family="iPad")
        self.cursors = {caller: caller.fetch_all()[1] for caller in (self.first, self.other)}
        simulator.advance(HOUR_S)

    def news(self, caller: Caller) -> list[dict[str, Any]]:
        """What that server's log holds since the last look; sessions are renewed as the clock was moved."""
        caller.session = None
        entries, self.cursors[caller] = caller.sync_all(self.cursors[caller])
        return entries

    def record(self, server: str = "Example MDM") -> dict[str, Any]:
        """The truth about the device."""
        found: dict[str, Any] = json.loads(self.simulator.devices(server)[self.serial])
        return found

    def define_and_assign(self) -> str:
        """Give the device a profile; gives its UUID."""
        self.first.session = None
        answer = self.first.json("POST", "/profile", PROFILE | {"devices": [self.serial]})
        assert answer["devices"] == {self.serial: "SUCCESS"}
        uuid: str = answer["profile_uuid"]
        return uuid


@pytest.fixture
def stage(simulator: Simulator) -> Stage:
    """A device bought at 10:00; it is 11:00 now."""
    return Stage(simulator)


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """What entries say: operation and profile status."""
    return [(entry["op_type"], entry.get("profile_status")) for entry in entries]


def test_a_bought_device_is_added_with_its_date_of_assignment(stage: Stage):
    [serial] = stage.simulator.buy(1)
    [entry] = stage.news(stage.first)
    assert (entry["serial_number"], entry["op_type"], entry["profile_status"]) == (serial, "added", "empty")
    assert entry["op_date"] == entry["device_assigned_date"] == LATER


def test_a_device_bought_for_nobody_is_told_to_nobody_until_it_is_assigned(stage: Stage):
    serials = stage.simulator.buy(2, server=None)
    assert stage.news(stage.first) == []
    stage.simulator.assign(serials, "other")
    assert told(stage.news(stage.other)) == [("added", "empty")] * 2


def test_an_unassigned_device_is_deleted_and_says_nothing_of_its_profile(stage: Stage):
    stage.define_and_assign()
    stage.news(stage.first)
    stage.simulator.assign([stage.serial], None)
    [entry] = stage.news(stage.first)
    assert (entry["op_type"], entry["op_date"]) == ("deleted", LATER)
    assert not [key for key in entry if key.startswith("profile_")]
    assert stage.serial not in stage.simulator.devices()
    details = stage.first.json("POST", "/devices", {"devices": [stage.serial]})
    assert details == {"devices": {stage.serial: {"response_status": "NOT_FOUND"}}}


def test_a_device_unassigned_and_assigned_again_is_added_and_empty(stage: Stage):
    stage.define_and_assign()
    stage.simulator.assign([stage.serial], None)
    stage.simulator.advance(HOUR_S)
    stage.simulator.assign([stage.serial], "Example MDM")
    assert told(stage.news(stage.first)) == [("modified", "assigned"), ("deleted", None), ("added", "empty")]
    assert "profile_uuid" not in stage.record()


def test_a_device_moved_here_from_another_server_is_modified_and_its_old_profile_lingers(stage: Stage):
    uuid = stage.define_and_assign()
    stage.news(stage.first)
    stage.simulator.assign([stage.serial], "other")
    assert told(stage.news(stage.first)) == [("deleted", None)]
    [entry] = stage.news(stage.other)
    assert (entry["op_type"], entry["profile_status"], entry["profile_uuid"]) == ("modified", "removed", uuid)
    assert entry["device_assigned_date"] == LATER


def test_a_device_reassigned_to_its_own_server_is_modified_removed_and_keeps_its_uuid(stage: Stage):
    uuid = stage.define_and_assign()
    stage.news(stage.first)
    stage.simulator.assign([stage.serial], "Example MDM")
    [entry] = stage.news(stage.first)
    assert (entry["op_type"], entry["profile_status"], entry["profile_uuid"]) == ("modified", "removed", uuid)


def test_a_migration_is_an_addition_with_a_deadline_and_a_deletion_elsewhere(stage: Stage):
    stage.define_and_assign()
    stage.news(stage.first)
    deadline = datetime(2026, 4, 1, tzinfo=UTC)
    stage.simulator.assign([stage.serial], "other", migration_deadline=deadline)
    assert told(stage.news(stage.first)) == [("deleted", None)]
    [entry] = stage.news(stage.other)
    assert (entry["op_type"], entry["profile_status"]) == ("added", "empty")
    assert entry["mdm_migration_deadline"] == "2026-04-01T00:00:00Z"


def test_a_migrated_device_that_was_set_up_has_no_deadline_any_more(stage: Stage):
    stage.simulator.assign([stage.serial], "other", migration_deadline=datetime(2026, 4, 1, tzinfo=UTC))
    stage.other.session = None
    stage.other.json("POST", "/profile", PROFILE | {"devices": [stage.serial]})
    stage.simulator.switch_on([stage.serial])
    assert "mdm_migration_deadline" not in stage.record("other")


def test_an_assigned_profile_is_a_modification_with_uuid_and_time(stage: Stage):
    uuid = stage.define_and_assign()
    [entry] = stage.news(stage.first)
    assert (entry["op_type"], entry["profile_status"], entry["profile_uuid"]) == ("modified", "assigned", uuid)
    assert entry["profile_assign_time"] == LATER


def test_a_device_switched_on_fetches_its_profile(stage: Stage):
    stage.define_and_assign()
    stage.news(stage.first)
    assert stage.simulator.switch_on([stage.serial]) == [stage.serial]
    [entry] = stage.news(stage.first)
    assert (entry["op_type"], entry["profile_status"], entry["profile_push_time"]) == ("modified", "pushed", LATER)


def test_a_device_without_a_profile_or_a_server_fetches_none(stage: Stage):
    [shelved] = stage.simulator.buy(1, server=None)
    assert stage.simulator.switch_on([stage.serial, shelved]) == []
    assert stage.news(stage.first) == []


def test_another_profile_makes_a_pushed_device_assigned_again(stage: Stage):
    first = stage.define_and_assign()
    stage.simulator.switch_on([stage.serial])
    stage.simulator.advance(HOUR_S)
    second = stage.define_and_assign()
    record = stage.record()
    assert second != first
    assert (record["profile_status"], record["profile_uuid"]) == ("assigned", second)
    assert record["profile_assign_time"] == "2026-03-02T12:00:00Z"
    assert "profile_push_time" not in record


def test_a_profile_removed_by_api_leaves_uuid_and_times(stage: Stage):
    uuid = stage.define_and_assign()
    stage.news(stage.first)
    assert stage.first.json("DELETE", "/profile/devices", {"devices": [stage.serial]}) == {
        "devices": {stage.serial: "SUCCESS"}
    }
    [entry] = stage.news(stage.first)
    assert (entry["op_type"], entry["profile_status"], entry["profile_uuid"]) == ("modified", "removed", uuid)
    assert entry["profile_assign_time"] == LATER


def test_removing_a_profile_where_there_is_none_succeeds_and_tells_nothing(stage: Stage):
    stage.first.session = None
    assert stage.first.json("DELETE", "/profile/devices", {"devices": [stage.serial]})["devices"] == {
        stage.serial: "SUCCESS"
    }
    assert stage.news(stage.first) == []
    assert stage.record()["profile_status"] == "empty"


def test_a_replaced_device_is_deleted_with_a_mark_and_its_successor_added_with_another(stage: Stage):
    replaced = stage.simulator.replace([stage.serial])
    [gone, new] = stage.news(stage.first)
    assert (gone["serial_number"], gone["op_type"], gone["released_by_replacement"]) == (stage.serial, "deleted", True)
    assert (new["serial_number"], new["op_type"]) == (replaced[stage.serial], "added")
    assert new["is_replacement_device"] is True
    assert new["device_family"] == "iPad"


def test_a_successor_can_arrive_on_another_server_or_on_the_shelf(stage: Stage):
    [shelved] = stage.simulator.buy(1, server=None)
    replaced = stage.simulator.replace([stage.serial], server="other") | stage.simulator.replace([shelved])
    assert replaced[stage.serial] in stage.simulator.devices("other")
    assert replaced[shelved] not in stage.simulator.devices()


def test_devices_of_a_family_of_the_future_can_be_replaced(stage: Stage):
    [odd] = stage.simulator.buy(1, fields={"device_family": "Hologram"})
    assert stage.simulator.replace([odd])


def test_a_released_device_can_be_assigned_again_for_a_day_and_not_later(stage: Stage):
    stage.simulator.release([stage.serial])
    assert told(stage.news(stage.first)) == [("deleted", None)]
    stage.simulator.advance(24 * HOUR_S)
    stage.simulator.assign([stage.serial], "Example MDM")
    assert told(stage.news(stage.first)) == [("added", "empty")]
    stage.simulator.release([stage.serial])
    stage.simulator.advance(24 * HOUR_S + 1)
    with pytest.raises(Misuse, match="for good"):
        stage.simulator.assign([stage.serial], "Example MDM")


def test_a_released_device_can_be_bought_again(stage: Stage):
    stage.simulator.release([stage.serial])
    stage.simulator.advance(48 * HOUR_S)
    assert stage.simulator.buy(serials=[stage.serial]) == [stage.serial]
    stage.simulator.assign([stage.serial], "other")
    assert stage.serial in stage.simulator.devices("other")


def test_a_serial_number_of_ones_choice_is_written_as_it_is(stage: Stage):
    strange = 'Q"1\\é\n'
    assert stage.simulator.buy(serials=[strange]) == [strange]
    assert json.loads(stage.simulator.devices()[strange])["serial_number"] == strange


def test_a_shelved_device_can_be_released(stage: Stage):
    [shelved] = stage.simulator.buy(1, server=None)
    stage.simulator.release([shelved])
    assert stage.simulator.state()["organizations"][0]["unassigned"] == 0
    assert stage.news(stage.first) == []


def test_any_field_can_be_amended_and_is_a_modification(stage: Stage):
    stage.simulator.amend([stage.serial], asset_tag="tag \U0001f3f7", key_of_the_future=[1])
    [entry] = stage.news(stage.first)
    assert (entry["op_type"], entry["asset_tag"], entry["key_of_the_future"]) == ("modified", "tag \U0001f3f7", [1])


def test_a_throttled_device_takes_no_profile_and_vanishes_from_the_log(stage: Stage):
    uuid = stage.define_and_assign()
    stage.news(stage.first)
    stage.simulator.throttle([stage.serial], 600)
    answer = stage.first.json("POST", "/profile/devices", {"profile_uuid": uuid, "devices": [stage.serial]})
    assert answer == {"profile_uuid": uuid, "devices": {stage.serial: "THROTTLED"}, "retry_after_seconds": 600}
    stage.simulator.assign([stage.serial], "other")
    assert stage.news(stage.first) == []
    assert stage.serial not in stage.simulator.devices()


def test_a_throttle_ends_by_the_movable_clock(stage: Stage):
    uuid = stage.define_and_assign()
    stage.simulator.throttle([stage.serial], 600)
    stage.simulator.advance(600)
    stage.first.session = None
    answer = stage.first.json("POST", "/profile/devices", {"profile_uuid": uuid, "devices": [stage.serial]})
    assert answer == {"profile_uuid": uuid, "devices": {stage.serial: "SUCCESS"}}


def test_too_many_assignments_within_a_day_throttle_a_device_where_that_is_wanted():
    simulator = Simulator(1, throttle_after=2)
    caller = Caller(simulator)
    [serial] = simulator.devices()
    uuid = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
    body = {"profile_uuid": uuid, "devices": [serial]}
    statuses = [caller.json("POST", "/profile/devices", body)["devices"][serial] for _ in range(4)]
    assert statuses == ["SUCCESS", "SUCCESS", "THROTTLED", "THROTTLED"]
    simulator.advance(timedelta(days=1).total_seconds() + 1)
    caller.session = None
    assert caller.json("POST", "/profile/devices", body)["devices"][serial] == "SUCCESS"


def test_unknown_serials_change_nothing_at_all(stage: Stage):
    with pytest.raises(Unknown, match="there is no device 'X'"):
        stage.simulator.assign([stage.serial, "X"], "other")
    with pytest.raises(Unknown):
        stage.simulator.release([stage.serial, "X"])
    with pytest.raises(Unknown):
        stage.simulator.switch_on(["X"])
    assert stage.news(stage.first) == []


def test_devices_do_not_cross_organisations(stage: Stage):
    stage.simulator.add_organisation("Elsewhere")
    stage.simulator.add_server("elsewhere", organisation="Elsewhere")
    with pytest.raises(Unknown, match="belongs to 'Example Organisation'"):
        stage.simulator.assign([stage.serial], "elsewhere")


def test_a_serial_number_is_bought_once(stage: Stage):
    with pytest.raises(Misuse, match="already"):
        stage.simulator.buy(serials=["NEW1", stage.serial])
    assert "NEW1" not in stage.simulator.devices()


def test_a_shelved_device_can_not_be_amended(stage: Stage):
    [shelved] = stage.simulator.buy(1, server=None)
    with pytest.raises(Misuse, match="no server"):
        stage.simulator.amend([shelved], color="RED")


def test_a_family_nobody_knows_can_not_be_bought(stage: Stage):
    with pytest.raises(Misuse, match="Watch"):
        stage.simulator.buy(1, family="Watch")


def test_devices_can_be_bought_for_another_organisation(stage: Stage):
    stage.simulator.add_organisation("Elsewhere")
    stage.simulator.buy(3, server=None, organisation="Elsewhere")
    assert [owner["unassigned"] for owner in stage.simulator.state()["organizations"]] == [0, 3]


def test_the_newest_devices_come_first_for_people(stage: Stage):
    serials = stage.simulator.buy(3)
    shown = stage.simulator.newest_devices(2)
    assert [device["serial_number"] for device in shown] == [serials[2], serials[1]]
