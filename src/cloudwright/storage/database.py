"""What the writer and the readers need from a database: how to connect, what an error means, and whether a
commit was applied. SQLite is in ``sqlite.py``, PostgreSQL in ``postgresql.py``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import Enum, auto
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from cloudwright.errors import Conflict, Unavailable


class ErrorClass(Enum):
    """What an error of a transaction means for its writer."""

    #: The statement is wrong or impossible: the caller gets the error.
    FATAL = auto()
    #: Two writers were in each other's way: run the transaction again.
    RETRY = auto()
    #: The database does not respond or cannot write now: wait for it.
    UNAVAILABLE = auto()


class Database(Protocol):
    """Engines return new connections and keep none: the writer and every reader keep one of their own."""

    @property
    def writing(self) -> Engine: ...

    @property
    def reading(self) -> Engine: ...

    def classify(self, error: Exception) -> ErrorClass:
        """Return what an error of a transaction means."""
        ...

    def time_limit(self, conn: Connection, seconds: float) -> AbstractContextManager[None]:
        """Interrupt the statements of a reader's transaction that still run after that time."""
        ...

    def timed_out(self, error: Exception) -> bool:
        """Return whether a statement was interrupted by its time limit."""
        ...

    def on_connect(self, conn: Connection) -> None:
        """Prepare the writer's new connection, in a transaction of its own."""
        ...

    def pipeline(self, conn: Connection) -> AbstractContextManager[None]:
        """Send statements without waiting for the results of those before them, from the opening of the
        writer's connection until it is closed; do nothing if the driver never waits.
        """
        ...

    def write_commit_marker(self, conn: Connection) -> int | None:
        """Write a marker in the writer's transaction and return it; None if a commit without a reply is known
        not to have been applied.
        """
        ...

    def was_committed(self, conn: Connection, mark: int) -> bool:
        """Return whether the transaction with that marker was committed. Blocks during its commit."""
        ...


def driver_error(error: BaseException) -> BaseException:
    """Return the driver's own error, which SQLAlchemy wraps if it ran the statement."""
    return error.orig or error if isinstance(error, DBAPIError) else error


def unavailable(engine: Engine, error: Exception) -> Unavailable:
    """Return the error of a database that cannot be opened, without its password."""
    place = engine.url.render_as_string(hide_password=True)
    return Unavailable(f"The database at {place} cannot be opened: {str(driver_error(error)).strip()}")


def caller_error(error: Exception) -> Exception:
    """Return the error for the caller of a write: Conflict for a violated constraint, so that two callers who
    make the same thing at once get the same errors as one after the other.
    """
    cause = driver_error(error)
    # Every driver names it so (PEP 249), and only the driver in use is imported.
    if any(kind.__name__ == "IntegrityError" for kind in type(cause).__mro__):
        reason = str(cause).strip().split("\n")[0]
        conflict = Conflict(f"The change contradicts what is stored ({reason}). Nothing was written.")
        conflict.__cause__ = error
        return conflict
    return error
