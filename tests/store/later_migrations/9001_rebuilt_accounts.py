"""Not adept's: what a later migration may do at worst, rebuilding the table that others refer to."""

import sqlalchemy as sa
from alembic import op

from adept.store.schema import HEAD

revision = "9001"
down_revision = HEAD


def upgrade() -> None:
    with op.batch_alter_table(
        "accounts", recreate="auto" if op.get_bind().dialect.name != "sqlite" else "always"
    ) as accounts:
        accounts.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="grey"))
        accounts.alter_column("health_reason", new_column_name="health_words")
