"""What the service needs: users, sessions, API keys, the audit log; probes, page sizes and queued passes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The types as they were here; `tables.py` may go on.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
_ROLES = "role IN ('viewer', 'operator', 'admin')"


def upgrade() -> None:
    """Add columns to what there is, and the tables of access."""
    op.add_column("accounts", sa.Column("page_size", sa.Integer()))
    op.add_column("accounts", sa.Column("next_probe_at", _TIME))
    op.add_column("accounts", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("keypairs", sa.Column("common_name", sa.Text()))
    _let_passes_be_queued()
    _create_users()
    _create_sessions()
    _create_api_keys()
    _create_setup_link()
    _create_login_failures()
    _create_audit()


def _let_passes_be_queued() -> None:
    with op.batch_alter_table("passes", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("requested_by", sa.Text()))
        table.drop_constraint(op.f("ck_passes_state"), type_="check")
        table.create_check_constraint(
            op.f("ck_passes_state"), "state IN ('queued', 'running', 'done', 'failed', 'throttled', 'lost')"
        )
    queued = sa.text("state = 'queued'")
    op.create_index(
        "uq_passes_queued", "passes", ["account_id"], unique=True, sqlite_where=queued, postgresql_where=queued
    )


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("disabled_at", _TIME),
        sa.Column("last_login_at", _TIME),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(_ROLES, name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        sqlite_autoincrement=True,
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("last_used_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("user_agent", sa.Text()),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_sessions_secret_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("may_read_secrets", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("expires_at", _TIME),
        sa.Column("last_used_at", _TIME),
        sa.Column("revoked_at", _TIME),
        sa.CheckConstraint(_ROLES, name=op.f("ck_api_keys_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
        sqlite_autoincrement=True,
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index("uq_api_keys_name", "api_keys", ["name"], unique=True, sqlite_where=live, postgresql_where=live)


def _create_setup_link() -> None:
    op.create_table(
        "setup_link",
        sa.Column("only", sa.Integer(), server_default="1", nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.CheckConstraint('"only" = 1', name=op.f("ck_setup_link_only")),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_setup_link")),
    )


def _create_login_failures() -> None:
    op.create_table(
        "login_failures",
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.Column("blocked_until", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_login_failures")),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor_kind", sa.String(length=8), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.CheckConstraint("actor_kind IN ('user', 'key', 'cli', 'system')", name=op.f("ck_audit_actor_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_subject", "audit", ["subject", "id"])
