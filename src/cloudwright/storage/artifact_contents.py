"""The contents of artifacts in the database, in parts; for managers that share it and no folder.

What must always hold: an artifact has its row only if all its parts are there. Two managers may store the
same one at once, as its digest says what is in it, and a third may remove it meanwhile: who then finds parts
missing stores them again.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cloudwright.storage.database_clock import database_time
from cloudwright.storage.schema import artifact_parts, artifacts

#: The size of a part in bytes: a transaction should not hold up others for long.
PART_SIZE = 1 << 20
#: Parts without an artifact that are younger (seconds) may be those of one that is being stored.
ABANDONED_AFTER = 86_400.0

_PARTS = select(func.count()).where(artifact_parts.c.digest == bindparam("of_digest"))
_PART = select(artifact_parts.c.content).where(
    artifact_parts.c.digest == bindparam("of_digest"), artifact_parts.c.number == bindparam("at")
)
_WHOLE = select(artifacts.c.parts).where(artifacts.c.digest == bindparam("of_digest"))


def add_part(conn: Connection, digest: str, number: int, content: bytes) -> None:
    """Store a part, unless it is there."""
    values = {"digest": digest, "number": number, "content": content}
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(artifact_parts).values(stored_at=database_time(), **values)
    conn.execute(statement.on_conflict_do_nothing())


def complete(conn: Connection, digest: str, parts: int) -> bool:
    """Make an artifact of its parts. Returns False if some are missing."""
    if conn.execute(_PARTS, {"of_digest": digest}).scalar_one() != parts:
        return False
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(artifacts).values(digest=digest, parts=parts, stored_at=database_time())
    conn.execute(statement.on_conflict_do_nothing())
    return True


def count_parts(conn: Connection, digest: str) -> int | None:
    """Return how many parts an artifact has; None if there is no such artifact."""
    parts: int | None = conn.execute(_WHOLE, {"of_digest": digest}).scalar_one_or_none()
    return parts


def part(conn: Connection, digest: str, number: int) -> bytes | None:
    """Return a part; None if it is not there."""
    content: bytes | None = conn.execute(_PART, {"of_digest": digest, "at": number}).scalar_one_or_none()
    return content


def remove(conn: Connection, digest: str) -> None:
    conn.execute(delete(artifacts).where(artifacts.c.digest == digest))
    conn.execute(delete(artifact_parts).where(artifact_parts.c.digest == digest))


def digests(conn: Connection) -> list[str]:
    """Return the digest of every artifact."""
    return list(conn.scalars(select(artifacts.c.digest).order_by(artifacts.c.digest)))


def remove_abandoned(conn: Connection, seconds: float = ABANDONED_AFTER) -> None:
    """Remove the parts of artifacts that nobody made whole for so long."""
    conn.execute(
        delete(artifact_parts).where(
            artifact_parts.c.digest.not_in(select(artifacts.c.digest)),
            artifact_parts.c.stored_at <= database_time("ago"),
        ),
        {"ago": -seconds},
    )
