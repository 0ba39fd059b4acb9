"""Not adept's: what a next version may do while processes of this one go on: it only adds."""

import sqlalchemy as sa
from alembic import op

from adept.store.schema import HEAD

revision = "8001"
down_revision = HEAD


def upgrade() -> None:
    for table in ("accounts", "devices", "passes"):
        op.add_column(table, sa.Column("colour", sa.Text(), nullable=False, server_default="grey"))
    op.create_table("paints", sa.Column("colour", sa.Text(), primary_key=True))
