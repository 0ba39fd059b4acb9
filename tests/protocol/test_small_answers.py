"""The answers that are one small object: locks, replacements, beta tokens, account-driven enrollment, sessions."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from adept.errors import Malformed
from adept.protocol.account_driven import decode_account_driven_enrollment
from adept.protocol.activation_lock import ActivationLockStatus, decode_activation_lock, is_escrow_key
from adept.protocol.beta_tokens import BetaToken, decode_beta_tokens
from adept.protocol.replacement import ReplacementDetails, decode_replacement_details
from adept.protocol.session_token import decode_session_token, is_session_token


def as_json(**keys: Any) -> bytes:
    return json.dumps(keys).encode()


class TestActivationLock:
    """POST /device/activationlock."""

    def test_the_statuses_are_these(self) -> None:
        assert {str(status) for status in ActivationLockStatus} == {
            "SUCCESS",
            "NOT_ACCESSIBLE",
            "ORG_NOT_SUPPORTED",
            "DEVICE_NOT_SUPPORTED",
            "DEVICE_ALREADY_LOCKED",
            "FAILED",
        }

    def test_a_status_apple_adds_is_kept_and_is_no_success(self) -> None:
        result = decode_activation_lock(as_json(serial_number=" a1", response_status="LATER"), endpoint="x")
        assert (result.serial_number, result.response_status, result.is_success) == ("A1", "LATER", False)

    @pytest.mark.parametrize("keys", [{}, {"serial_number": "A1"}, {"response_status": 3, "serial_number": "A1"}])
    def test_an_answer_without_a_status_is_malformed(self, keys: dict[str, Any]) -> None:
        with pytest.raises(Malformed, match="not the result of an activation lock"):
            decode_activation_lock(as_json(**keys), endpoint="POST /device/activationlock")

    @pytest.mark.parametrize("text", ["ab" * 32, "AB" * 32, "0" * 64])
    def test_64_hex_digits_in_either_case_are_an_escrow_key(self, text: str) -> None:
        assert is_escrow_key(text)

    @pytest.mark.parametrize(
        "text", ["", "ab" * 31, "ab" * 33, "xy" * 32, "3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4", "ab" * 32 + "\n"]
    )
    def test_the_dashed_code_is_no_escrow_key(self, text: str) -> None:
        assert not is_escrow_key(text)


class TestReplacement:
    """GET /device/replacementDetails."""

    def test_serial_numbers_are_folded_and_the_date_is_a_date(self) -> None:
        body = as_json(serial_number="b2", original_device_serial_number=" a1 ", replacement_date="2026-03-04")
        assert decode_replacement_details(body, endpoint="x") == ReplacementDetails("B2", "A1", date(2026, 3, 4))

    @pytest.mark.parametrize(
        ("found", "read"),
        [("2026-03-04T05:06:07Z", date(2026, 3, 4)), ("", None), (None, None), ("soon", None), (3, None)],
    )
    def test_a_date_that_cant_be_read_is_absent(self, found: Any, read: date | None) -> None:
        body = as_json(serial_number="B2", original_device_serial_number="A1", replacement_date=found)
        assert decode_replacement_details(body, endpoint="x").replacement_date == read

    def test_a_missing_date_is_absent(self) -> None:
        body = as_json(serial_number="B2", original_device_serial_number="A1")
        assert decode_replacement_details(body, endpoint="x").replacement_date is None

    def test_an_answer_that_names_no_original_is_malformed(self) -> None:
        with pytest.raises(Malformed, match="original_device_serial_number"):
            decode_replacement_details(as_json(serial_number="B2"), endpoint="x")


class TestBetaTokens:
    """GET /os-beta-enrollment/tokens."""

    def test_tokens_are_read_by_their_camel_case_names(self) -> None:
        token = {"token": "T", "title": "Beta", "os": "homePodOS"}
        read = decode_beta_tokens(as_json(betaEnrollmentTokens=[token], seedBuildTokens=[{"token": "S"}]), endpoint="x")
        assert read.tokens == (BetaToken("T", "Beta", "homePodOS"),)
        assert read.seed_build_tokens == (BetaToken("S"),)

    @pytest.mark.parametrize("os", ["homePodOS", "iOS", "OSX", "macOS", "tvOS", "visionOS", "watchOS", "newOS"])
    def test_the_os_is_opaque(self, os: str) -> None:
        body = as_json(betaEnrollmentTokens=[{"token": "T", "os": os}])
        assert decode_beta_tokens(body, endpoint="x").tokens[0].os == os

    @pytest.mark.parametrize("body", [b"{}", b'{"betaEnrollmentTokens": null}', b'{"betaEnrollmentTokens": []}'])
    def test_no_tokens_is_an_empty_answer(self, body: bytes) -> None:
        assert decode_beta_tokens(body, endpoint="x").tokens == ()

    def test_neither_a_token_nor_an_error_shows_the_secret(self) -> None:
        token = "5ecre7"
        assert token not in repr(BetaToken(token, "Beta"))
        with pytest.raises(Malformed) as caught:
            decode_beta_tokens(as_json(betaEnrollmentTokens=[{"token": token, "title": 3}]), endpoint="x")
        assert token not in f"{caught.value} {caught.value.found}"
        assert caught.value.field.startswith("$.betaEnrollmentTokens")


class TestAccountDrivenEnrollment:
    """GET /account-driven-enrollment/profile."""

    @pytest.mark.parametrize(
        "found", ["", None, "yesterday", 3, "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"]
    )
    def test_a_time_that_cant_be_read_is_absent(self, found: Any) -> None:
        body = as_json(mdm_service_discovery_url="https://x", last_updated_timestamp=found)
        assert decode_account_driven_enrollment(body, endpoint="x").last_updated_timestamp is None

    def test_a_time_is_read_as_utc(self) -> None:
        body = as_json(mdm_service_discovery_url="https://x", last_updated_timestamp="2026-01-01T02:00:00+02:00")
        updated = decode_account_driven_enrollment(body, endpoint="x").last_updated_timestamp
        assert updated is not None
        assert updated.isoformat() == "2026-01-01T00:00:00+00:00"

    @pytest.mark.parametrize("body", [b"{}", b'{"mdm_service_discovery_url": ""}', b"", b"null"])
    def test_an_answer_without_a_url_is_malformed(self, body: bytes) -> None:
        with pytest.raises(Malformed):
            decode_account_driven_enrollment(body, endpoint="x")


class TestSessionToken:
    """GET /session."""

    @pytest.mark.parametrize("token", ["2f8e", "a" * 128, "1772447072-" + "f" * 60])
    def test_a_token_is_opaque(self, token: str) -> None:
        assert decode_session_token(as_json(auth_session_token=token), endpoint="GET /session") == token

    @pytest.mark.parametrize("token", ["", None, " ", "a b", "a\r\nX-Evil: 1", "é", "a\0", 3, ["a"]])
    def test_a_token_that_no_header_can_carry_is_malformed(self, token: Any) -> None:
        with pytest.raises(Malformed) as caught:
            decode_session_token(as_json(auth_session_token=token), endpoint="GET /session")
        assert caught.value.field in ("$", "$.auth_session_token")

    def test_an_error_shows_no_part_of_the_token(self) -> None:
        with pytest.raises(Malformed) as caught:
            decode_session_token(b'{"auth_session_token": "5ecre7', endpoint="GET /session")
        assert "5ecre7" not in f"{caught.value} {caught.value.found}"

    def test_a_token_is_one_word_of_ascii(self) -> None:
        assert is_session_token("0123abc")
        assert not is_session_token("")
        assert not is_session_token("a b")
