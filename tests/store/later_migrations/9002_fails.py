"""Not adept's: a migration that fails when half of it is done."""

import sqlalchemy as sa
from alembic import op

revision = "9002"
down_revision = "9001"


def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("DELETE FROM devices")
    raise RuntimeError("half way")
