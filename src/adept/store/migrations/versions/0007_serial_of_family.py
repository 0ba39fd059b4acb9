"""A family's devices in the order of their serial numbers, without walking those of all the others."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index: processes of the revision before go on beside those of this one."""
    op.create_index(
        "ix_devices_serial_of_family",
        "devices",
        ["device_family", "serial_number", "account_id", "deleted_at", "profile_status"],
    )
