"""What Alembic runs: the migrations, in the transaction of the connection it was handed.

To write the next one: `adept.store.schema.alembic_config` with a connection, then `alembic.command.revision`.
"""

from alembic import context

from adept.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite rebuilds a table where PostgreSQL alters it
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
