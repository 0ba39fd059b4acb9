"""Apple's documented exchanges, restated by hand as files, against our decoders.

`samples/<page>/<case>/request.json` and `response.json` have the form in which the clients record exchanges; beside it
the request names its source and when that was read. Nothing here was written by our own encoders.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adept.errors import AdeptError
from adept.protocol.account import Account, decode_account
from adept.protocol.account_driven import AccountDrivenEnrollment, decode_account_driven_enrollment
from adept.protocol.activation_lock import ActivationLockStatus, decode_activation_lock
from adept.protocol.beta_tokens import decode_beta_tokens
from adept.protocol.details import decode_details
from adept.protocol.error_codes import EMPTY_BODY_STATUSES, RULES, ErrorCode, normalise_code
from adept.protocol.pages import DevicePage, decode_page
from adept.protocol.profile import Profile, decode_profile, encode_profile, read_profile
from adept.protocol.replacement import decode_replacement_details
from adept.protocol.results import decode_assign_result, decode_define_result, decode_device_results
from adept.protocol.session_token import decode_session_token
from adept.protocol.versions import KEYS_SINCE, PROFILE_KEYS_SINCE

SAMPLES = Path(__file__).parent / "samples"
CASES = sorted(path.parent for path in SAMPLES.glob("*/*/request.json"))

DECODERS: dict[str, Callable[..., Any]] = {
    "GET /session": decode_session_token,
    "GET /account": decode_account,
    "POST /server/devices": decode_page,
    "POST /devices/sync": decode_page,
    "POST /devices": decode_details,
    "POST /devices/disown": decode_device_results,
    "GET /device/replacementDetails": decode_replacement_details,
    "POST /device/activationlock": decode_activation_lock,
    "POST /profile": decode_define_result,
    "GET /profile": decode_profile,
    "POST /profile/devices": decode_assign_result,
    "PUT /profile/devices": decode_assign_result,
    "DELETE /profile/devices": decode_device_results,
    "GET /account-driven-enrollment/profile": decode_account_driven_enrollment,
    "GET /os-beta-enrollment/tokens": decode_beta_tokens,
}
WITHOUT_BODY = ("POST /account-driven-enrollment/profile", "DELETE /account-driven-enrollment/profile")


class Sample:
    """One exchange read from its two files."""

    def __init__(self, folder: Path) -> None:
        self.request = json.loads((folder / "request.json").read_text())
        self.response = json.loads((folder / "response.json").read_text())
        self.endpoint = f"{self.request['method']} {self.request['path'].partition('?')[0]}"
        body = self.response["body"]
        self.body = body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def decode(self) -> Any:
        return DECODERS[self.endpoint](self.body, endpoint=self.endpoint)


def named(folder: Path) -> str:
    return str(folder.relative_to(SAMPLES))


def with_status(low: int, high: int) -> list[Path]:
    return [folder for folder in CASES if low <= Sample(folder).response["status"] <= high]


def sample(name: str) -> Sample:
    return Sample(SAMPLES / name)


@pytest.mark.parametrize("folder", CASES, ids=named)
def test_a_sample_has_the_form_of_a_recorded_exchange_and_names_its_source(folder: Path) -> None:
    taken = Sample(folder)
    assert taken.request.keys() == {"method", "path", "headers", "body", "source", "read"}
    assert taken.response.keys() == {"status", "headers", "body"}
    assert taken.request["source"].startswith(('Apple, "', "Observed: "))
    assert taken.request["read"].startswith("20")
    assert taken.request["headers"]["User-Agent"]


@pytest.mark.parametrize("folder", with_status(200, 299), ids=named)
def test_a_success_decodes_and_half_of_it_is_malformed(folder: Path) -> None:
    taken = Sample(folder)
    if taken.endpoint in WITHOUT_BODY:
        assert taken.body == b""
        return
    assert taken.decode() is not None
    with pytest.raises(AdeptError):
        DECODERS[taken.endpoint](taken.body[: len(taken.body) // 2], endpoint=taken.endpoint)


@pytest.mark.parametrize("folder", with_status(400, 499), ids=named)
def test_a_refusal_has_a_code_whose_rule_names_its_status_and_endpoint(folder: Path) -> None:
    taken = Sample(folder)
    word = normalise_code(taken.body)
    if not word:
        assert taken.response["status"] in EMPTY_BODY_STATUSES
        return
    rule = ErrorCode(word).rule
    assert taken.response["status"] in rule.statuses
    assert taken.endpoint in rule.endpoints or rule.endpoints == ("*",)


@pytest.mark.parametrize("folder", with_status(500, 599), ids=named)
def test_a_server_error_has_no_code(folder: Path) -> None:
    taken = Sample(folder)
    assert normalise_code(taken.body) == ""
    assert taken.response["status"] in EMPTY_BODY_STATUSES


def test_every_endpoint_has_a_success_among_the_samples() -> None:
    answered = {Sample(folder).endpoint for folder in with_status(200, 299)}
    assert answered == DECODERS.keys() | set(WITHOUT_BODY)


def test_every_code_is_among_the_samples_but_the_one_nobody_recorded() -> None:
    seen = {normalise_code(Sample(folder).body) for folder in with_status(400, 499)}
    assert set(RULES) - seen == {ErrorCode.EXPIRED_TOKEN}


def test_every_device_key_is_among_the_samples() -> None:
    pages = (Sample(folder).response["body"] for folder in with_status(200, 299))
    devices = [entry for page in pages if isinstance(page, dict) for entry in entries(page.get("devices"))]
    assert {key for device in devices for key in device} == set(KEYS_SINCE)


def entries(devices: Any) -> list[dict[str, Any]]:
    listed = devices.values() if isinstance(devices, dict) else devices or []
    return [entry for entry in listed if isinstance(entry, dict)]


def test_no_key_of_a_documented_device_is_unknown() -> None:
    for folder in with_status(200, 299):
        taken = Sample(folder)
        if DECODERS.get(taken.endpoint) is decode_page:
            page: DevicePage = taken.decode()
            assert not page.malformed
            assert [device.extra for device in page.devices] == [{}] * len(page.devices)


def test_the_current_account_names_the_limits_of_its_listings() -> None:
    account: Account = sample("account/current").decode()
    limit = account.limit_for("/server/devices")
    assert limit is not None
    assert (limit.default, limit.maximum) == (100, 1000)
    assert account.limit_for("/devices") is None
    assert account.extra == {}


def test_the_account_of_version_1_has_neither_urls_nor_organisation() -> None:
    account: Account = sample("account/version-1").decode()
    assert (account.urls, account.org_id, account.org_id_hash, account.org_type) == ((), None, None, None)


def test_the_same_server_is_known_by_either_spelling_of_its_uuid() -> None:
    dashed: Account = sample("account/current").decode()
    plain: Account = sample("account/school-of-several-lines").decode()
    assert dashed.server_uuid != plain.server_uuid
    assert dashed.server_uuid_normalised == plain.server_uuid_normalised


def test_the_word_false_ends_a_fetch() -> None:
    page: DevicePage = sample("fetch-devices/last-page-with-word-for-false").decode()
    assert page.more_to_follow is False


def test_details_tell_found_from_absent() -> None:
    details = sample("device-details/found-and-not-found").decode()
    assert set(details.found) == {"F9FX10AAAA01", "F9FX10AAAA02"}
    assert details.absent == {"F9FX10AAAA99": "NOT_FOUND"}
    assert not details.malformed


def test_a_throttled_assignment_says_how_long_to_wait_from_version_10() -> None:
    assert sample("assign-profile/throttled").decode().retry_after_s == 3600
    assert sample("assign-profile/throttled-version-9").decode().retry_after_s is None


def test_serial_numbers_apple_left_out_are_told() -> None:
    taken = sample("assign-profile/serials-missing")
    assert taken.decode().missing(taken.request["body"]["devices"]) == ("F9FX10AAAA02", "F9FX10AAAA03")


@pytest.mark.parametrize("status", list(ActivationLockStatus))
def test_every_activation_lock_status_is_among_the_samples(status: ActivationLockStatus) -> None:
    result = sample(f"activation-lock/{status.lower().replace('_', '-')}").decode()
    assert result.response_status == status
    assert result.is_success is (status == "SUCCESS")


def test_the_url_of_account_driven_enrollment_has_its_time() -> None:
    enrollment: AccountDrivenEnrollment = sample("account-driven-enrollment/read").decode()
    assert enrollment.last_updated_timestamp is not None
    assert enrollment.last_updated_timestamp.isoformat() == "2026-02-03T04:05:06+00:00"


def test_a_profile_that_was_read_can_be_defined_again_unchanged() -> None:
    taken = sample("get-profile/found")
    profile: Profile = taken.decode()
    assert profile.extra == {}
    assert json.loads(encode_profile(profile)) == taken.response["body"]


def test_every_profile_among_the_samples_is_written_as_it_was_read() -> None:
    for folder in (SAMPLES / "define-profile").iterdir():
        body = Sample(folder).request["body"]
        if isinstance(body, dict):
            assert json.loads(encode_profile(read_profile(json.dumps(body)))) == body


def test_profile_keys_with_a_version_are_keys_of_profiles() -> None:
    assert set(PROFILE_KEYS_SINCE) <= set(Profile.__struct_fields__)
