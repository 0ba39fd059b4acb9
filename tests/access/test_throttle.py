"""What failed logins are counted under, and how long they make one wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.access.throttle import CAP, counters, network_of, pause_after


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("a socket", "a socket"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_counts_as_the_network_that_one_customer_has(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_the_waits_double_up_to_a_quarter_of_an_hour() -> None:
    waits = [int(pause_after(failures, 4).total_seconds()) for failures in range(1, 17)]
    assert waits == [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


@given(st.integers(0, 10**12), st.integers(0, 30))
def test_no_number_of_failures_keeps_anybody_out_for_longer_than_the_cap(failures: int, free: int) -> None:
    assert timedelta() <= pause_after(failures, free) <= CAP


def test_who_comes_from_a_known_network_shares_no_counter_with_anybody_else() -> None:
    at_home = {counter.who for counter in counters("ann", "192.0.2.7", comes_from_there=True)}
    others = {
        counter.who
        for name, network, known in [
            ("ann", "192.0.2.8", False),
            ("ann", "192.0.2.8", True),
            ("bob", "192.0.2.7", False),
            ("bob", "192.0.2.7", True),
            (None, "192.0.2.7", False),
        ]
        for counter in counters(name, network, comes_from_there=known)
    }
    assert at_home
    assert not at_home & others
