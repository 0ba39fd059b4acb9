"""The desk of the engine's tests serves the jobs as well."""

from __future__ import annotations

from tests.sync.conftest import apple, clock, desk

__all__ = ["apple", "clock", "desk"]
