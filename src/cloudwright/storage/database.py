"""What the writer and the readers need from a database: how to connect, what an error means, and whether a
commit was applied. SQLite is in ``sqlite.py``, PostgreSQL in ``postgresql.py``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import Enum, auto
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from cloudwright.errors import Conflict


class Verdict(Enum):
    #: What was asked is wrong or impossible; whoever asked is told.
    REFUSED = auto()
    #: Nothing is wrong but the moment: two writers were in each other's way.
    AGAIN = auto()
    #: The database does not answer or can not write now.
    OUTAGE = auto()


class Database(Protocol):
    """Engines hand out new connections and keep none: the writer and every reader keep one of their own."""

    @property
    def writing(self) -> Engine: ...

    @property
    def reading(self) -> Engine: ...

    def judge(self, error: Exception) -> Verdict:
        """What a failure of a transaction means."""
        ...

    def greet(self, conn: Connection) -> None:
        """What the writer does in a transaction of its own on every new connection."""
        ...

    def pipeline(self, conn: Connection) -> AbstractContextManager[None]:
        """From when the writer has a connection until it has closed it: statements are sent without waiting
        for the answers of those before them, if there is a way to wait for at all.
        """
        ...

    def sign(self, conn: Connection) -> int | None:
        """Leave a mark in the writer's transaction; None where an unanswered commit did not happen."""
        ...

    def signed(self, conn: Connection, mark: int) -> bool:
        """Whether the transaction with that mark was committed. Waits while the server is at it."""
        ...


def origin(error: BaseException) -> BaseException:
    """The driver's own error, which SQLAlchemy wraps where it ran the statement."""
    return error.orig or error if isinstance(error, DBAPIError) else error


def refusal(error: Exception) -> Exception:
    """What whoever asked is told: two that make the same thing at once learn it as if they had come one by
    one.
    """
    cause = origin(error)
    # Every driver's is called that (PEP 249), and only the one in use is loaded.
    if any(kind.__name__ == "IntegrityError" for kind in type(cause).__mro__):
        reason = str(cause).strip().split("\n")[0]
        conflict = Conflict(f"It contradicts what is stored ({reason}). Nothing was written.")
        conflict.__cause__ = error
        return conflict
    return error
