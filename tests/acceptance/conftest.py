"""What the processes of these tests are told, where a test does not say otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def environment(database_url: str, secret_key: str, tmp_path: Path) -> dict[str, str]:
    """The variables of every process of a test: they share its database."""
    return {
        "ADEPT_DATABASE_URL": database_url,
        "ADEPT_SECRET_KEYS": secret_key,
        "ADEPT_DATA_DIR": str(tmp_path / "data"),
        "ADEPT_ALLOW_PRIVATE_ADDRESSES": "true",
    }
