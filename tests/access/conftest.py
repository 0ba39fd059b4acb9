"""What the tests of access share: a clock, people, and the one password whose hash is worked out once a run."""

from __future__ import annotations

import pytest

from tests.access.people import Clock


@pytest.fixture
def clock() -> Clock:
    """A time that stands still until it is moved."""
    return Clock()
