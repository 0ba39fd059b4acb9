"""Roles: what somebody may do. Each covers those below it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A viewer reads; an operator also starts and decides passes; an admin may do everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether who has this role may do what needs the other."""
        return _ORDER[self] >= _ORDER[needed]


_ORDER = {role: place for place, role in enumerate(Role)}
