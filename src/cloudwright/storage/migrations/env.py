"""Runs migrations over the connection that it is given, inside the transaction that is open there."""

from __future__ import annotations

from alembic import context

from cloudwright.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # The whole upgrade is one transaction, on SQLite too.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
