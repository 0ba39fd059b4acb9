"""Devices found among a million: a number of their own, the text they are searched by, and indexes for both."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The types as they were here; `tables.py` may go on.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
_CODE_POINTS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_CUT = {"model": 200, "device_family": 64, "profile_status": 64, "profile_uuid": 64}
_FACETS = ["deleted_at", "account_id", "device_family", "profile_status"]
_BATCH = 1000


def upgrade() -> None:
    """Rebuild devices, fill in what they are searched by, and make the indexes last."""
    for name in ("in_doubt", "live", "deleted"):
        op.drop_index(f"ix_devices_{name}", "devices")
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_on_sqlite()
    else:
        _alter_on_postgresql()
    _fill_searched()
    _create_indexes()
    running = sa.text("state = 'running'")
    op.create_index("ix_passes_running", "passes", ["account_id"], sqlite_where=running, postgresql_where=running)


def _alter_on_postgresql() -> None:
    op.execute("ALTER TABLE devices ADD COLUMN id BIGSERIAL NOT NULL")
    op.add_column("devices", sa.Column("searched", _CODE_POINTS, server_default=sa.text("''"), nullable=False))
    op.drop_constraint(op.f("pk_devices"), "devices", type_="primary")
    op.create_primary_key(op.f("pk_devices"), "devices", ["id"])
    op.create_unique_constraint(op.f("uq_devices_serial_number_account_id"), "devices", ["serial_number", "account_id"])
    for name, length in _CUT.items():
        op.execute(f'ALTER TABLE devices ALTER COLUMN {name} TYPE TEXT COLLATE "C" USING left({name}, {length})')


def _rebuild_on_sqlite() -> None:
    op.rename_table("devices", "devices_0002")
    columns = _create_devices()
    kept = [name for name in columns if name not in ("id", "searched")]
    read = [f"substr({name}, 1, {_CUT[name]})" if name in _CUT else name for name in kept]
    op.execute(f"INSERT INTO devices ({', '.join(kept)}) SELECT {', '.join(read)} FROM devices_0002")  # noqa: S608
    op.drop_table("devices_0002")


def _create_devices() -> list[str]:
    table = op.create_table(
        "devices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("serial_number", _CODE_POINTS, nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("model", _CODE_POINTS),
        sa.Column("description", sa.Text()),
        sa.Column("color", sa.Text()),
        sa.Column("asset_tag", sa.Text()),
        sa.Column("device_family", _CODE_POINTS),
        sa.Column("os", sa.Text()),
        sa.Column("profile_status", _CODE_POINTS),
        sa.Column("profile_uuid", _CODE_POINTS),
        sa.Column("device_assigned_date", _TIME),
        sa.Column("op_type", sa.Text()),
        sa.Column("op_date", _TIME),
        sa.Column("first_seen_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME),
        sa.Column("deleted_reason", sa.String(length=24)),
        sa.Column("in_doubt", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("searched", _CODE_POINTS, server_default=sa.text("''"), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.CheckConstraint("(deleted_at IS NULL) = (deleted_reason IS NULL)", name=op.f("ck_devices_tombstone")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_devices_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("serial_number", "account_id", name=op.f("uq_devices_serial_number_account_id")),
    )
    return [column.name for column in table.columns]


def _fill_searched() -> None:
    """A thousand devices at a time, in the order of their ids."""
    connection = op.get_bind()
    read = sa.text("SELECT id, serial_number, document FROM devices WHERE id > :id ORDER BY id LIMIT :count")
    write = sa.text("UPDATE devices SET searched = :searched WHERE id = :id")
    last = 0
    while rows := connection.execute(read, {"id": last, "count": _BATCH}).all():
        connection.execute(write, [{"id": row[0], "searched": _searched(row[1], row[2])} for row in rows])
        last = rows[-1][0]


def _searched(serial: str, document: str) -> str:
    """As `adept.store.searched` made it when this was written."""
    apples = json.loads(document)
    lists = [value for key in ("imei", "meid") for value in _texts(apples.get(key))]
    macs = [value for key in ("wifi", "bluetooth", "ethernet") for value in _texts(apples.get(f"{key}_mac_address"))]
    rest = [value for key in ("asset_tag", "model", "description") for value in _texts(apples.get(key))]
    values = [serial, *lists, *_texts(apples.get("eid")), *[mac.replace("-", "") for mac in macs], *rest]
    text = "\n".join([value for value in values if value]).casefold().replace("\x00", "").replace(":", "")
    return f"\n{text.encode('utf-8', 'ignore')[:1500].decode('utf-8', 'ignore')}\n"


def _texts(value: object) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _create_indexes() -> None:
    _create_partial("ix_devices_in_doubt", ["account_id", "serial_number"], "in_doubt = 1", "in_doubt")
    by_serial = ["account_id", "serial_number", "deleted_at"]
    _create_partial("ix_devices_live", by_serial, "deleted_at IS NULL")
    _create_partial("ix_devices_deleted", by_serial, "deleted_at IS NOT NULL")
    _create_partial("ix_devices_profile_uuid", ["profile_uuid", "deleted_at", "id"], "profile_uuid IS NOT NULL")
    op.create_index("ix_devices_account_id", "devices", ["account_id", "id"])
    by_family = ["device_family", "model", "id", "deleted_at", "account_id", "profile_status"]
    op.create_index("ix_devices_device_family", "devices", by_family)
    op.create_index("ix_devices_profile_status", "devices", ["profile_status", "deleted_at", "id"])
    for name in ("model", "first_seen_at", "changed_at"):
        op.create_index(f"ix_devices_{name}", "devices", [name, "id", *_FACETS])
    beside = ["profile_uuid", "first_seen_at", "changed_at", "searched"]
    op.create_index("ix_devices_all", "devices", ["id", *_FACETS, *beside])


def _create_partial(name: str, columns: list[str], where: str, where_on_postgresql: str | None = None) -> None:
    op.create_index(
        name,
        "devices",
        columns,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where_on_postgresql or where),
    )
