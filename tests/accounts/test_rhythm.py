"""When an account is looked at next, and what its circuit breaker makes of its health."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.accounts.health import Health, is_breaker_open, stays_after_probe
from adept.accounts.rhythm import next_probe_at, next_sync_at, no_jitter, tried_again_at
from tests.sync.apple import T0

CHANCES = st.floats(0, 1)
FAILURES = st.integers(1, 10_000)


def seconds_until_tried_again(health: Health, failures: int, chance: float = 0.5, retry_after_s: float | None = None):
    at = tried_again_at(health, failures=failures, retry_after_s=retry_after_s, now=T0, chance=chance)
    return (at - T0).total_seconds()


@given(st.integers(60, 6 * 86_400), CHANCES)
def test_the_interval_is_kept_within_a_tenth(interval_s, chance):
    span = (next_sync_at(interval_s=interval_s, now=T0, chance=chance) - T0).total_seconds()
    assert 0.9 * interval_s - 1e-6 <= span <= 1.1 * interval_s + 1e-6


def test_chance_in_the_middle_makes_no_difference():
    assert next_sync_at(interval_s=1800, now=T0, chance=no_jitter()) == T0 + timedelta(minutes=30)


def test_apple_is_asked_for_the_account_once_a_day_and_for_a_waiting_candidate_every_five_minutes():
    assert next_probe_at(candidate_waits=False, now=T0, chance=0.5) == T0 + timedelta(days=1)
    assert next_probe_at(candidate_waits=True, now=T0, chance=0.5) == T0 + timedelta(minutes=5)


@given(FAILURES)
def test_unsigned_terms_are_looked_at_every_five_minutes_however_long_it_takes(failures):
    assert seconds_until_tried_again(Health.TERMS_NOT_SIGNED, failures) == 300


@pytest.mark.parametrize(
    ("health", "limit_s"),
    [
        (Health.UNREACHABLE, 6 * 3600),
        (Health.THROTTLED, 6 * 3600),
        (Health.REJECTED, 24 * 3600),
        (Health.EXPIRED, 24 * 3600),
        (Health.FORBIDDEN, 24 * 3600),
    ],
)
def test_other_failures_back_off_from_a_minute_to_six_hours_or_to_a_day_where_somebody_has_to_act(health, limit_s):
    waits = [seconds_until_tried_again(health, failures) for failures in (1, 2, 3, 12, 10_000)]
    assert waits == [60, 120, 240, min(60 * 2**11, limit_s), limit_s]


@given(st.sampled_from(Health), FAILURES, CHANCES, st.floats(0, 100_000))
def test_nothing_is_tried_before_apple_allows(health, failures, chance, retry_after_s):
    waited_s = seconds_until_tried_again(health, failures, chance, retry_after_s)
    assert waited_s >= retry_after_s - 1e-6  # times have microseconds


@pytest.mark.parametrize("health", [Health.REJECTED, Health.EXPIRED, Health.TERMS_NOT_SIGNED, Health.FORBIDDEN])
def test_the_breaker_opens_at_once_where_only_a_person_can_help(health):
    assert is_breaker_open(health, 1)


@pytest.mark.parametrize("health", [Health.OK, Health.EXPIRING, Health.HELD, Health.UNREACHABLE, Health.THROTTLED])
def test_the_breaker_opens_after_five_failures_in_a_row(health):
    assert [is_breaker_open(health, failures) for failures in range(7)] == [False] * 5 + [True] * 2


def test_a_good_answer_about_the_account_says_nothing_yet_of_its_devices():
    stays = {health for health in Health if stays_after_probe(health, pass_follows=True)}
    assert {Health.FORBIDDEN, Health.UNREACHABLE, Health.THROTTLED} <= stays
    assert not {Health.REJECTED, Health.EXPIRED, Health.TERMS_NOT_SIGNED, Health.NO_TOKEN} & stays


@pytest.mark.parametrize("health", Health)
def test_where_no_pass_follows_a_good_probe_clears_every_word(health):
    assert not stays_after_probe(health, pass_follows=False)
