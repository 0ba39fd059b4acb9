"""Many machines: what the schema says of itself, and the sessions and shares of limits that they have in common."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The types as they were here; `tables.py` may go on.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Only new tables: processes of the revision before go on beside those of this one."""
    op.create_table(
        "schema_state",
        sa.Column("only", sa.Integer(), server_default="1", nullable=False),
        sa.Column("oldest_revision", sa.String(32), nullable=False),
        sa.Column("engine_revision", sa.Text(), nullable=True),
        sa.CheckConstraint('"only" = 1', name=op.f("ck_schema_state_only")),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_schema_state")),
    )
    op.execute("INSERT INTO schema_state (\"only\", oldest_revision) VALUES (1, '0004')")
    op.create_table(
        "apple_sessions",
        sa.Column("token_id", _ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["server_tokens.id"],
            name=op.f("fk_apple_sessions_token_id_server_tokens"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_apple_sessions")),
    )
    op.create_table(
        "apple_shares",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("per_s", sa.Float(), nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_apple_shares")),
    )
