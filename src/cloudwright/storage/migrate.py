"""Migrations: bring a database's tables up to date.

Alembic takes as long to load and as much memory as the rest of storage, and most starts have nothing to
migrate, so ``alembic_runner.py`` is imported only if there is something to do.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from cloudwright.errors import Unavailable
from cloudwright.storage.database import Database, driver_error, unavailable

#: Seconds to wait for another manager that is migrating the same database.
PATIENCE = 30.0

_VERSIONS = Path(__file__).with_name("migrations") / "versions"
# SQLAlchemy wraps what a statement raises, but not what the beginning of a transaction does.
_ERRORS = (DBAPIError, sqlite3.Error)
_STORED = text("SELECT version_num FROM alembic_version")
# Two managers that start at once take turns. The number is this lock's name.
_LOCK = text("SELECT pg_advisory_xact_lock(7273001)")


def versions() -> list[str]:
    """Return the numbers of all migrations, oldest first; their files' names begin with them."""
    return sorted(file.name.partition("_")[0] for file in _VERSIONS.glob("[0-9]*.py"))


def migrate(database: Database) -> None:
    """Upgrade the tables in one transaction. Raises Unavailable."""
    deadline = time.monotonic() + PATIENCE
    try:
        while not _migrated(database, deadline):
            time.sleep(0.05)
    except _ERRORS as error:
        raise unavailable(database.writing, error) from error
    finally:
        database.writing.dispose()


def _migrated(database: Database, deadline: float) -> bool:
    """Return whether the upgrade is done: False while another manager has the database."""
    try:
        with database.writing.begin() as conn:
            _upgrade(conn)
    except _ERRORS as error:
        if getattr(driver_error(error), "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        if time.monotonic() > deadline:
            raise
        return False
    return True


def _upgrade(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(_LOCK)
    known = versions()
    stored = set(conn.scalars(_STORED)) if inspect(conn).has_table("alembic_version") else set()
    unknown = stored - set(known)
    if unknown:
        raise Unavailable(
            f"The database was made by a newer version (its tables are at {', '.join(sorted(unknown))}). "
            "Install that version, or restore a backup."
        )
    if stored != {known[-1]}:
        # Alembic costs too much to load for a start that has nothing to migrate.
        from cloudwright.storage.alembic_runner import upgrade  # noqa: PLC0415

        upgrade(conn)
