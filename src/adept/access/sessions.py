"""Sessions of people: opened by a login, ended by idleness, age, a logout, or somebody who may."""

from __future__ import annotations

from datetime import datetime, timedelta

from adept.store.sessions import StoredSession

IDLE = timedelta(hours=12)
LIFETIME = timedelta(days=7)


def is_open(session: StoredSession, now: datetime) -> bool:
    """Whether the session is still good."""
    return now < session.expires_at and now - session.last_used_at < IDLE
