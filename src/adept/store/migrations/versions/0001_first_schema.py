"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The types as they were here; `tables.py` may go on.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
_SERIAL = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create every table, and the one row of the feed's position."""
    _create_accounts()
    _create_feed_position()
    _create_sealing_canary()
    _create_changes()
    _create_devices()
    _create_holds()
    _create_keypairs()
    _create_malformed_devices()
    _create_outbox()
    _create_passes()
    _create_seen_pages()
    _create_server_tokens()


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("server_uuid", sa.Text()),
        sa.Column("server_name", sa.Text()),
        sa.Column("org_id_hash", sa.Text()),
        sa.Column("identity", sa.Text()),
        sa.Column("identity_at", _TIME),
        sa.Column("phase", sa.String(length=8), server_default="fetch", nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("cursor_at", _TIME),
        sa.Column("fetch_id", _ID),
        sa.Column("full_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("strikes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_fetch_at", _TIME),
        sa.Column("last_pass_at", _TIME),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("interval_s", sa.Integer(), server_default="1800", nullable=False),
        sa.Column("next_sync_at", _TIME, nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", _TIME),
        sa.Column("lease_holder", sa.Text()),
        sa.Column("health", sa.String(length=24), server_default="no_token", nullable=False),
        sa.Column("health_since", _TIME, nullable=False),
        sa.Column("health_reason", sa.Text()),
        sa.CheckConstraint("phase IN ('fetch', 'sync')", name=op.f("ck_accounts_phase")),
        sa.CheckConstraint("lease_epoch >= 0", name=op.f("ck_accounts_lease_epoch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
        sqlite_autoincrement=True,
    )


def _create_feed_position() -> None:
    op.create_table(
        "feed_position",
        sa.Column("only", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint('"only" = 1', name=op.f("ck_feed_position_only")),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_feed_position")),
    )
    op.execute('INSERT INTO feed_position ("only", last_id) VALUES (1, 0)')


def _create_sealing_canary() -> None:
    op.create_table(
        "sealing_canary",
        sa.Column("only", sa.Integer(), server_default="1", nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint('"only" = 1', name=op.f("ck_sealing_canary_only")),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_sealing_canary")),
    )


def _create_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("account_id", _ID),
        sa.Column("account_name", sa.String(length=64), nullable=False),
        sa.Column("serial_number", _SERIAL, nullable=False),
        sa.Column("pass_id", _ID),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=24)),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("op_type", sa.Text()),
        sa.Column("op_date", _TIME),
        sa.Column("found_at", _TIME, nullable=False),
        sa.CheckConstraint("kind IN ('added', 'modified', 'deleted')", name=op.f("ck_changes_kind")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_changes_account_id_accounts"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index("ix_changes_account_id_id", "changes", ["account_id", "id"])
    op.create_index("ix_changes_serial_number", "changes", ["serial_number"])


def _create_devices() -> None:
    op.create_table(
        "devices",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("serial_number", _SERIAL, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("color", sa.Text()),
        sa.Column("asset_tag", sa.Text()),
        sa.Column("device_family", sa.Text()),
        sa.Column("os", sa.Text()),
        sa.Column("profile_status", sa.Text()),
        sa.Column("profile_uuid", sa.Text()),
        sa.Column("device_assigned_date", _TIME),
        sa.Column("op_type", sa.Text()),
        sa.Column("op_date", _TIME),
        sa.Column("first_seen_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME),
        sa.Column("deleted_reason", sa.String(length=24)),
        sa.Column("in_doubt", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint("(deleted_at IS NULL) = (deleted_reason IS NULL)", name=op.f("ck_devices_tombstone")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_devices_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "serial_number", name=op.f("pk_devices")),
    )
    op.create_index(
        "ix_devices_in_doubt",
        "devices",
        ["account_id", "serial_number"],
        sqlite_where=sa.text("in_doubt = 1"),
        postgresql_where=sa.text("in_doubt"),
    )
    op.create_index(
        "ix_devices_live",
        "devices",
        ["account_id", "serial_number"],
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_devices_deleted",
        "devices",
        ["account_id", "serial_number"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def _create_holds() -> None:
    op.create_table(
        "holds",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("pass_id", _ID, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("serial_numbers", sa.Text(), nullable=False),
        sa.Column("live_devices", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_at", _TIME),
        sa.Column("deleted", sa.Integer()),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'discarded', 'replaced')", name=op.f("ck_holds_state")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_holds_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_holds_account_id", "holds", ["account_id"])
    op.create_index(
        "uq_holds_open",
        "holds",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _create_keypairs() -> None:
    op.create_table(
        "keypairs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID),
        sa.Column("account_name", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("certificate_pem", sa.Text()),
        sa.Column("private_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("activated_at", _TIME),
        sa.Column("retired_at", _TIME),
        sa.CheckConstraint("state IN ('staged', 'active', 'retired')", name=op.f("ck_keypairs_state")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_keypairs_account_id_accounts"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keypairs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_keypairs_account_id", "keypairs", ["account_id"])
    op.create_index(
        "uq_keypairs_staged",
        "keypairs",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("state = 'staged'"),
        postgresql_where=sa.text("state = 'staged'"),
    )


def _create_malformed_devices() -> None:
    op.create_table(
        "malformed_devices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("pass_id", _ID, nullable=False),
        sa.Column("serial_number", _SERIAL),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("found_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_malformed_devices_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_malformed_devices")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_malformed_devices_account_id", "malformed_devices", ["account_id"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID),
        sa.Column("account_name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("first_change", sa.BigInteger(), nullable=False),
        sa.Column("last_change", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("last_change >= first_change", name=op.f("ck_outbox_range")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_outbox_account_id_accounts"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )


def _create_passes() -> None:
    op.create_table(
        "passes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("devices", sa.Integer(), server_default="0", nullable=False),
        sa.Column("added", sa.Integer(), server_default="0", nullable=False),
        sa.Column("modified", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deleted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("malformed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waited_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("notes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("error_code", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("lease_epoch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('sync', 'full')", name=op.f("ck_passes_kind")),
        sa.CheckConstraint("state IN ('running', 'done', 'failed', 'throttled', 'lost')", name=op.f("ck_passes_state")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_passes_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passes")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passes_account_id_id", "passes", ["account_id", "id"])


def _create_seen_pages() -> None:
    op.create_table(
        "seen_pages",
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("fetch_id", _ID, nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("serial_numbers", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_seen_pages_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "fetch_id", "page", name=op.f("pk_seen_pages")),
    )


def _create_server_tokens() -> None:
    op.create_table(
        "server_tokens",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("keypair_id", _ID),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _TIME),
        sa.Column("consumer_key_hash", sa.String(length=64), nullable=False),
        sa.Column("replace_server", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("activated_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("state IN ('candidate', 'active', 'retired')", name=op.f("ck_server_tokens_state")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_server_tokens_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["keypair_id"], ["keypairs.id"], name=op.f("fk_server_tokens_keypair_id_keypairs"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_tokens")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_server_tokens_account_id", "server_tokens", ["account_id"])
