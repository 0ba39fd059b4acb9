"""How many live devices an account has, kept in its row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count, and count once."""
    op.add_column("accounts", sa.Column("live_devices", sa.BigInteger(), server_default="0", nullable=False))
    live = "SELECT count(*) FROM devices WHERE devices.account_id = accounts.id AND devices.deleted_at IS NULL"
    op.execute(f"UPDATE accounts SET live_devices = ({live})")  # noqa: S608
