"""Alembic's entry point. `safelight.store.migrate` opens the connection; nothing here knows an address or a secret."""

from alembic import context
from sqlalchemy import Connection

from safelight.store import tables
from safelight.store.partitions import is_partition

connection: Connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=tables.GenerationRow.metadata,
    compare_type=True,
    # SQLite can roll schema changes back too: an upgrade happens as a whole or not at all.
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
    include_name=lambda name, kind, _parents: not (kind == "table" and name is not None and is_partition(name)),
)
with context.begin_transaction():
    context.run_migrations()
