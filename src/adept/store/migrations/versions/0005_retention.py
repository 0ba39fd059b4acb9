"""When what is old enough is next removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The type as it was here; `tables.py` may go on.
_TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the table, without a row: it is time at once."""
    op.create_table(
        "retention",
        sa.Column("only", sa.Integer(), server_default="1", nullable=False),
        sa.Column("next_at", _TIME, nullable=False),
        sa.Column("done_at", _TIME),
        sa.CheckConstraint('"only" = 1', name=op.f("ck_retention_only")),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_retention")),
    )
