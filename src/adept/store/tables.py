"""The tables. SQL lives in this package only; every table is the same on SQLite and PostgreSQL.

Times are aware UTC. Rows of devices are keyed by (account, serial number). What is secret is sealed (`sealing.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def storable(text: str) -> str:
    """The text as both engines can hold it: PostgreSQL has no NUL character. JSON keeps its own, which is escaped."""
    return text.replace("\x00", "") if "\x00" in text else text


def _storable_or_none(value: str | None) -> str | None:
    return value.replace("\x00", "") if value is not None and "\x00" in value else value


class Words(TypeDecorator[str]):
    """Text without NUL characters; see `storable`."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's
        """One call a value, where process_bind_param would be three: pages have ten thousand of them."""
        return _storable_or_none


class SerialText(Words):
    """A serial number as a key: ordered by code point on both engines, whatever language the database was made for."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return postgresql.TEXT(collation="C")
        return Text()


class KeyText(Words):
    """Text that an index holds: ordered by code point, and cut to `length`, since an index entry can't be of any size.

    The device's document has the whole of it.
    """

    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return postgresql.TEXT(collation="C")
        return Text()

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's
        """As in `Words`, and no longer than `length`."""
        length = self.length

        def bind(value: str | None) -> str | None:
            value = _storable_or_none(value)
            return value if value is None or len(value) <= length else value[:length]

        return bind


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time: timestamptz on PostgreSQL, microseconds since 1970 on SQLite, which has no type for it."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def bind_processor(self, dialect: Dialect) -> Any:
        """As in `Words`; psycopg takes aware times as they are."""
        return None if dialect.name == "postgresql" else _as_microseconds

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:  # noqa: ARG002  # SQLAlchemy's
        """Aware UTC, whatever time zone the connection is in."""
        return _as_utc if dialect.name == "postgresql" else from_microseconds


def _as_microseconds(value: datetime | None) -> int | None:
    if value is None:
        return None
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@lru_cache(maxsize=4096)  # devices of one page have their times in common
def from_microseconds(value: int | None) -> datetime | None:
    """A time as SQLite keeps it, back again."""
    if value is None:
        return None
    return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


def _as_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# SQLite numbers rows only for INTEGER PRIMARY KEY, and with AUTOINCREMENT never gives a number twice: a walker of a
# removed account must not be taken for one of the next.
_Id = BigInteger().with_variant(Integer(), "sqlite")

accounts = Table(
    "accounts",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("base_url", Words, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # identity, from Apple's GET /account at the last accepted token
    Column("server_uuid", Words),  # lower case, without dashes
    Column("server_name", Words),
    Column("org_id_hash", Words),
    Column("identity", Words),  # Apple's whole answer, JSON
    Column("identity_at", UtcTime),
    # where the walk stands
    Column("phase", String(8), nullable=False, server_default="fetch"),
    Column("cursor", Words),
    Column("cursor_at", UtcTime),  # when Apple gave it
    Column("fetch_id", _Id),  # the fetch whose seen pages count; None outside one
    Column("full_requested", Boolean, nullable=False, server_default=false()),  # a fetch is due after the next sync
    Column("strikes", Integer, nullable=False, server_default="0"),  # passes ended by a repeated cursor, in a row
    Column("last_fetch_at", UtcTime),  # when a fetch was last walked to its end
    Column("last_pass_at", UtcTime),  # when a pass last ended well
    Column("live_devices", BigInteger, nullable=False, server_default="0"),  # kept with each page's changes
    # when next, and who is at it (design law 4)
    Column("paused", Boolean, nullable=False, server_default=false()),
    Column("interval_s", Integer, nullable=False, server_default="1800"),
    Column("page_size", Integer),  # devices a page; None: as many as Apple gives
    Column("next_sync_at", UtcTime, nullable=False),
    Column("next_probe_at", UtcTime),  # when GET /account is asked again; None: with the next pass
    Column("failures", Integer, nullable=False, server_default="0"),  # passes failed in a row
    Column("lease_epoch", BigInteger, nullable=False, server_default="0"),
    Column("lease_until", UtcTime),
    Column("lease_holder", Words),
    # how it is
    Column("health", String(24), nullable=False, server_default="no_token"),
    Column("health_since", UtcTime, nullable=False),
    Column("health_reason", Words),
    Column("version", Integer, nullable=False, server_default="1"),  # one more at each edit by a person
    CheckConstraint("phase IN ('fetch', 'sync')", name="phase"),
    CheckConstraint("lease_epoch >= 0", name="lease_epoch"),
    sqlite_autoincrement=True,
)

keypairs = Table(
    "keypairs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="SET NULL")),  # None: the account was removed
    Column("account_name", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("common_name", Words),  # of the certificate; None where only the key was brought along
    Column("certificate_pem", Words),  # as above
    Column("private_key_sealed", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("activated_at", UtcTime),
    Column("retired_at", UtcTime),
    CheckConstraint("state IN ('staged', 'active', 'retired')", name="state"),
    Index(
        "uq_keypairs_staged",
        "account_id",
        unique=True,
        sqlite_where=text("state = 'staged'"),
        postgresql_where=text("state = 'staged'"),
    ),
    Index("ix_keypairs_account_id", "account_id"),
    sqlite_autoincrement=True,
)

server_tokens = Table(
    "server_tokens",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("keypair_id", ForeignKey("keypairs.id", ondelete="SET NULL")),  # None: came as plain JSON
    Column("state", String(10), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", UtcTime),
    Column("consumer_key_hash", String(64), nullable=False),  # SHA-256: tells keys apart without telling them
    Column("replace_server", Boolean, nullable=False, server_default=false()),  # the person allowed another server
    Column("created_at", UtcTime, nullable=False),
    Column("activated_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("reason", Words),  # why it waits (candidate) or ended
    CheckConstraint("state IN ('candidate', 'active', 'retired')", name="state"),
    Index("ix_server_tokens_account_id", "account_id"),
    sqlite_autoincrement=True,
)

# What the service filters by stands in the indexes it lists by: the devices that don't count are passed over without
# being read. A row's document is some 600 bytes; these are 30.
_FACETS = ("deleted_at", "account_id", "device_family", "profile_status")

devices = Table(
    "devices",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("serial_number", SerialText, nullable=False),
    Column("content_hash", LargeBinary(16), nullable=False),  # see adept.sync.changes
    Column("model", KeyText(200)),
    Column("description", Words),
    Column("color", Words),
    Column("asset_tag", Words),
    Column("device_family", KeyText(64)),
    Column("os", Words),
    Column("profile_status", KeyText(64)),
    Column("profile_uuid", KeyText(64)),
    Column("device_assigned_date", UtcTime),
    Column("op_type", Words),  # of the last sync entry that counted
    Column("op_date", UtcTime),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("deleted_at", UtcTime),  # a tombstone since then
    Column("deleted_reason", String(24)),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),  # equal op_dates: Apple must be asked
    Column("searched", KeyText(1502), nullable=False, server_default=text("''")),  # see adept.store.searched
    Column("document", Words, nullable=False),  # Apple's JSON object, as it came; last: the others are read without it
    CheckConstraint("(deleted_at IS NULL) = (deleted_reason IS NULL)", name="tombstone"),
    UniqueConstraint("serial_number", "account_id"),
    Index(
        "ix_devices_in_doubt",
        "account_id",
        "serial_number",
        sqlite_where=text("in_doubt = 1"),  # as the query says it there, else SQLite does not use it
        postgresql_where=text("in_doubt"),
    ),
    # Counting, and finding what a fetch has not shown, without reading a million documents; deleted_at stands in it
    # because SQLite does not see that the condition says all there is to say of it.
    Index(
        "ix_devices_live",
        "account_id",
        "serial_number",
        "deleted_at",
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "ix_devices_deleted",
        "account_id",
        "serial_number",
        "deleted_at",
        sqlite_where=text("deleted_at IS NOT NULL"),
        postgresql_where=text("deleted_at IS NOT NULL"),
    ),
    # Those below (but one) begin with what arrives in order or has few values, and go on with the id: new devices are
    # appended to them, which costs a third of an index in the order of serial numbers.
    Index("ix_devices_account_id", "account_id", "id"),
    Index("ix_devices_device_family", "device_family", "model", "id", "deleted_at", "account_id", "profile_status"),
    # Serial numbers of a family stand together: looked for in the order of all of them, a late one's are met late.
    Index(
        "ix_devices_serial_of_family", "device_family", "serial_number", "account_id", "deleted_at", "profile_status"
    ),
    Index("ix_devices_profile_status", "profile_status", "deleted_at", "id"),
    Index(
        "ix_devices_profile_uuid",
        "profile_uuid",
        "deleted_at",
        "id",
        sqlite_where=text("profile_uuid IS NOT NULL"),
        postgresql_where=text("profile_uuid IS NOT NULL"),
    ),
    Index("ix_devices_model", "model", "id", *_FACETS),
    Index("ix_devices_first_seen_at", "first_seen_at", "id", *_FACETS),
    Index("ix_devices_changed_at", "changed_at", "id", *_FACETS),
    # All that is asked for, in the order of arrival: read from end to end where no other index helps
    Index("ix_devices_all", "id", *_FACETS, "profile_uuid", "first_seen_at", "changed_at", "searched"),
)

changes = Table(
    "changes",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),  # drawn from feed_position: ids commit in order
    Column("account_id", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("account_name", String(64), nullable=False),
    Column("serial_number", SerialText, nullable=False),
    Column("pass_id", _Id),
    Column("kind", String(8), nullable=False),
    Column("reason", String(24)),  # of a deletion
    Column("before", Words),  # JSON: the fields that changed, as they were; None for added
    Column("after", Words),  # JSON: as they are; the whole document for added, None for deleted
    Column("op_type", Words),
    Column("op_date", UtcTime),
    Column("found_at", UtcTime, nullable=False),
    CheckConstraint("kind IN ('added', 'modified', 'deleted')", name="kind"),
    Index("ix_changes_account_id_id", "account_id", "id"),
    Index("ix_changes_serial_number", "serial_number"),
)

feed_position = Table(  # one row; taking numbers from it is the lock that makes ids commit in order (design law 1)
    "feed_position",
    metadata,
    Column("only", Integer, primary_key=True, server_default="1"),
    Column("last_id", BigInteger, nullable=False),
    CheckConstraint('"only" = 1', name="only"),
)

outbox = Table(  # what other systems are to be told: one row per page and kind, a range of changes
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("account_name", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("first_change", BigInteger, nullable=False),
    Column("last_change", BigInteger, nullable=False),  # inclusive
    Column("created_at", UtcTime, nullable=False),
    CheckConstraint("last_change >= first_change", name="range"),
    sqlite_autoincrement=True,
)

passes = Table(
    "passes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("state", String(12), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("devices", Integer, nullable=False, server_default="0"),
    Column("added", Integer, nullable=False, server_default="0"),
    Column("modified", Integer, nullable=False, server_default="0"),
    Column("deleted", Integer, nullable=False, server_default="0"),
    Column("malformed", Integer, nullable=False, server_default="0"),
    Column("requests", Integer, nullable=False, server_default="0"),  # HTTP requests to Apple
    Column("waited_s", Float, nullable=False, server_default="0"),
    Column("notes", Words, nullable=False, server_default="[]"),  # JSON list: "cursor expired: full fetch", …
    Column("error_code", Words),
    Column("error", Words),
    Column("lease_epoch", BigInteger, nullable=False),  # 0 while it is queued
    Column("requested_by", Words),  # who asked for it; None: its time had come
    CheckConstraint("kind IN ('sync', 'full')", name="kind"),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'throttled', 'lost')", name="state"),
    Index("ix_passes_account_id_id", "account_id", "id"),
    Index(
        "ix_passes_running",
        "account_id",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
    Index(
        "uq_passes_queued",
        "account_id",
        unique=True,
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    sqlite_autoincrement=True,
)

malformed_devices = Table(  # the newest per serial number; kept until the device is read well
    "malformed_devices",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("pass_id", _Id, nullable=False),
    Column("serial_number", SerialText),
    Column("reason", Words, nullable=False),
    Column("document", Words, nullable=False),
    Column("found_at", UtcTime, nullable=False),
    Index("ix_malformed_devices_account_id", "account_id"),
    sqlite_autoincrement=True,
)

seen_pages = Table(  # what the running fetch has shown, a row a page (design law 6)
    "seen_pages",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("fetch_id", _Id, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("serial_numbers", Words, nullable=False),  # JSON list
)

holds = Table(  # deletions that wait for a person (design law 6)
    "holds",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("pass_id", _Id, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("serial_numbers", Words, nullable=False),  # JSON list
    Column("live_devices", Integer, nullable=False),  # when the hold was made
    Column("state", String(10), nullable=False),
    Column("decided_at", UtcTime),
    Column("deleted", Integer),  # how many the confirmation deleted
    CheckConstraint("state IN ('open', 'confirmed', 'discarded', 'replaced')", name="state"),
    Index("ix_holds_account_id", "account_id"),
    Index(
        "uq_holds_open",
        "account_id",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    sqlite_autoincrement=True,
)

sealing_canary = Table(  # opened at every start: a key that can't is found out before anything is written
    "sealing_canary",
    metadata,
    Column("only", Integer, primary_key=True, server_default="1"),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint('"only" = 1', name="only"),
)

_ROLES = "role IN ('viewer', 'operator', 'admin')"

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),  # lower case
    Column("role", String(8), nullable=False),
    Column("password_hash", Words, nullable=False),  # PHC string, Argon2id
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Column("last_login_at", UtcTime),
    Column("version", Integer, nullable=False, server_default="1"),  # one more at each edit by a person
    CheckConstraint(_ROLES, name="role"),
    sqlite_autoincrement=True,
)

sessions = Table(  # of people in the browser; the cookie's secret is kept as its hash alone
    "sessions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("secret_hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),  # whatever is done meanwhile
    Column("address", Words),
    Column("user_agent", Words),
    Index("ix_sessions_user_id", "user_id"),
    sqlite_autoincrement=True,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("role", String(8), nullable=False),
    Column("may_read_secrets", Boolean, nullable=False, server_default=false()),
    Column("secret_hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256 of a random key
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Words),
    Column("expires_at", UtcTime),  # None: never
    Column("last_used_at", UtcTime),  # to the minute
    Column("revoked_at", UtcTime),
    CheckConstraint(_ROLES, name="role"),
    Index(
        "uq_api_keys_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

setup_link = Table(  # one row: the link that lets somebody name the first administrator, once
    "setup_link",
    metadata,
    Column("only", Integer, primary_key=True, server_default="1"),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    CheckConstraint('"only" = 1', name="only"),
)

login_failures = Table(  # what slows down guessing; rows go a day after the last failure
    "login_failures",
    metadata,
    Column("who", Words, primary_key=True),  # "user:NAME", "address:NETWORK", or both together
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("blocked_until", UtcTime, nullable=False),
)

audit = Table(  # who changed what; no secret stands in `before` or `after`
    "audit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor_kind", String(8), nullable=False),
    Column("actor", Words, nullable=False),
    Column("address", Words),
    Column("request_id", Words),
    Column("act", String(40), nullable=False),  # "account.paused"
    Column("subject", Words, nullable=False),  # the name of what was changed
    Column("before", Words),  # JSON object of what changed; None where there was nothing
    Column("after", Words),
    CheckConstraint("actor_kind IN ('user', 'key', 'cli', 'system')", name="actor_kind"),
    Index("ix_audit_subject", "subject", "id"),
    sqlite_autoincrement=True,
)

retention = Table(  # one row: when what is kept no longer is next removed, and when all of it last was
    "retention",
    metadata,
    Column("only", Integer, primary_key=True, server_default="1"),
    Column("next_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    CheckConstraint('"only" = 1', name="only"),
)
schema_state = Table(  # one row: who may work with this schema
    "schema_state",
    metadata,
    Column("only", Integer, primary_key=True, server_default="1"),
    Column("oldest_revision", String(32), nullable=False),  # older processes than of this one must stop
    Column("engine_revision", Words),  # procrastinate's newest migration in this database; None on SQLite
    CheckConstraint('"only" = 1', name="only"),
)

apple_sessions = Table(  # the session with Apple that everybody who uses a server token shares
    "apple_sessions",
    metadata,
    Column("token_id", ForeignKey("server_tokens.id", ondelete="CASCADE"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),  # one more at each write, which names the one it replaces
    Column("saved_at", UtcTime, nullable=False),
)

apple_shares = Table(  # what each process may ask of Apple: parts of the limits that hold for all together
    "apple_shares",
    metadata,
    Column("holder", Words, primary_key=True),
    Column("in_flight", Integer, nullable=False),
    Column("per_s", Float, nullable=False),
    Column("until", UtcTime, nullable=False),
)
