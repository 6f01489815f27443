"""Bringing a database's tables up to date, by the migrations that are shipped beside this file."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cloudwright.errors import Unavailable
from cloudwright.storage.databases import Database, origin

#: How long to wait for another manager that is at the same (seconds).
PATIENCE = 30.0

_FOLDER = Path(__file__).with_name("migrations")
# Two managers that start at once take turns. The number is this lock's name.
_LOCK = text("SELECT pg_advisory_xact_lock(7273001)")


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def migrate(database: Database) -> None:
    """All of it or nothing, in one transaction. Raises Unavailable."""
    deadline = time.monotonic() + PATIENCE
    try:
        while not _migrated(database, deadline):
            time.sleep(0.05)
    except DBAPIError as error:
        place = database.writing.url.render_as_string(hide_password=True)
        raise Unavailable(
            f"The database at {place} can not be opened: {str(origin(error)).strip()}"
        ) from error
    finally:
        database.writing.dispose()


def _migrated(database: Database, deadline: float) -> bool:
    """Whether it is done; not yet where another manager is at it, until the deadline."""
    try:
        with database.writing.begin() as conn:
            _upgrade(conn)
    except DBAPIError as error:
        if getattr(origin(error), "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        if time.monotonic() > deadline:
            raise
        return False
    return True


def _upgrade(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(_LOCK)
    config = configuration()
    known = ScriptDirectory.from_config(config)
    stored = MigrationContext.configure(conn).get_current_heads()
    unknown = set(stored) - {revision.revision for revision in known.walk_revisions()}
    if unknown:
        raise Unavailable(
            f"The database was made by a newer version (its tables are at {', '.join(sorted(unknown))}). "
            "Install that version, or restore a backup."
        )
    if set(stored) != set(known.get_heads()):
        config.attributes["connection"] = conn
        command.upgrade(config, "head")
