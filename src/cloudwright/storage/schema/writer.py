"""The writers of a PostgreSQL database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from cloudwright.storage.schema.base import metadata

# PostgreSQL only: the last batch that each writer committed, in case a commit's answer is lost with the
# connection.
writers = Table(
    "writers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch", BigInteger, nullable=False),
)
