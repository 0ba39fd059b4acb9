"""How many live devices an account has, in its row; and an index of the values that devices are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As `adept.store.device_values` had them when this was written.
_JOINING = "".join(chr(code) for code in range(1, 128) if chr(code) != "\n" and not chr(code).isalnum())
_TABLE = (
    "CREATE VIRTUAL TABLE device_values USING fts5(searched, content='devices', content_rowid='id', detail=none, "
    "columnsize=0, tokenize={tokenize})"
)
_FILL = "INSERT INTO device_values(device_values) VALUES ('rebuild')"
_TRIGGER = (
    "CREATE TRIGGER device_values_changed AFTER UPDATE OF searched ON devices WHEN old.searched <> new.searched BEGIN "
    "INSERT INTO device_values(device_values, rowid, searched) VALUES ('delete', old.id, old.searched); "
    "INSERT INTO device_values(rowid, searched) VALUES (new.id, new.searched); END"
)
_ON_POSTGRESQL = (
    "CREATE INDEX ix_devices_values ON devices USING gin "
    r"(array_to_tsvector(array_remove(string_to_array(searched, E'\n'), '')))"
)


def upgrade() -> None:
    """Add the count, and count once; index the values there are."""
    op.add_column("accounts", sa.Column("live_devices", sa.BigInteger(), server_default="0", nullable=False))
    live = "SELECT count(*) FROM devices WHERE devices.account_id = accounts.id AND devices.deleted_at IS NULL"
    op.execute(f"UPDATE accounts SET live_devices = ({live})")  # noqa: S608
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(_ON_POSTGRESQL)
        return
    tokenize = _quoted(f"ascii tokenchars {_quoted(_JOINING)}")
    for statement in (_TABLE.replace("{tokenize}", tokenize), _FILL, _TRIGGER):
        connection.exec_driver_sql(statement)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
