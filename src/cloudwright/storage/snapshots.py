"""All data of a manager, read at one moment, and put in the place of what there is.

Rows are lists of JSON values in the order of their table's columns, the same for every kind of database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from cloudwright.errors import ExecutionRunning, IllegalAction
from cloudwright.model.event import EVENT, LOG
from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.storage import hook_triggers
from cloudwright.storage.columns import UtcDateTime
from cloudwright.storage.json_codec import dumps, loads
from cloudwright.storage.migrate import versions
from cloudwright.storage.schema import (
    artifact_parts,
    artifacts,
    audit_log,
    blueprints,
    deployments,
    events,
    executions,
    hook_deliveries,
    kept_values,
    managers,
    metadata,
    secrets,
    tokens,
    users,
    writers,
)

#: What happened at this manager stays, whatever it is restored to; who writes is the database's own matter,
#: and artifacts are files of a snapshot.
_NOT_IN_SNAPSHOTS = {audit_log.name, hook_deliveries.name, managers.name, writers.name}
_NOT_IN_SNAPSHOTS |= {artifacts.name, artifact_parts.name}
#: The tables of a snapshot, each after those that it refers to.
TABLES: Mapping[str, Table] = {
    table.name: table for table in metadata.sorted_tables if table.name not in _NOT_IN_SNAPSHOTS
}
_AT_ONCE = 500


def revision() -> str:
    """Return the version of the tables."""
    return versions()[-1]


def known_revisions() -> list[str]:
    """Return the versions of the tables that this version can have had, oldest first."""
    return versions()


def check_idle(conn: Connection) -> None:
    """Raises ExecutionRunning if an execution runs, or waits to run at once."""
    waiting = END_STATUSES | {ExecutionStatus.SCHEDULED}
    active = conn.scalars(
        select(executions.c.id).where(executions.c.status.not_in(waiting)).order_by(executions.c.id).limit(10)
    ).all()
    if active:
        named = ", ".join(f"`{id}`" for id in active)
        raise ExecutionRunning(
            f"Executions run: {named}. Wait for their end or cancel them; `cfy maintenance-mode activate` "
            "keeps others from beginning."
        )


def is_empty(conn: Connection) -> bool:
    """Return whether there are no blueprints and no deployments."""
    return all(
        conn.scalar(select(func.count()).select_from(table)) == 0 for table in (blueprints, deployments)
    )


def read_rows(conn: Connection, name: str, *, with_events: bool, with_logs: bool) -> Iterator[str]:
    """Yield the rows of a table as JSON."""
    table = TABLES[name]
    statement = select(table).order_by(*table.primary_key.columns)
    if table is events:
        kinds = [kind for kind, wanted in ((EVENT, with_events), (LOG, with_logs)) if wanted]
        statement = statement.where(events.c.kind.in_(kinds))
    for row in conn.execution_options(yield_per=_AT_ONCE).execute(statement):
        yield dumps([value.isoformat() if isinstance(value, datetime) else value for value in row])


def secret_keys(conn: Connection) -> list[str]:
    """Return the ids of the keys that secrets are encrypted with."""
    return sorted(
        {value.partition(":")[0] for value in conn.scalars(select(secrets.c.value_encrypted)) if value}
    )


def replace_all(
    conn: Connection,
    rows_of: Callable[[str], Iterable[str]],
    username: str,
    *,
    force: bool,
    kept: Sequence[str] = (),
) -> None:
    """Put the rows of a snapshot in the place of what there is, all or nothing.

    The user ``username`` stays as it is, with its tokens: nobody locks themselves out. So do the kept values
    with the names ``kept``. Raises ExecutionRunning, and without ``force`` IllegalAction if there are
    blueprints or deployments.
    """
    check_idle(conn)
    if not force and not is_empty(conn):
        raise IllegalAction(
            "The manager has blueprints or deployments, which a restore replaces with those of the snapshot. "
            "Use `force` (`cfy snapshots restore --force`) if that is meant."
        )
    user = conn.execute(select(users).where(users.c.username == username)).mappings().first()
    its_tokens = [
        dict(row) for row in conn.execute(select(tokens).where(tokens.c.username == username)).mappings()
    ]
    of_manager = kept_values.c.name.in_(list(kept))
    values = [dict(row) for row in conn.execute(select(kept_values).where(of_manager)).mappings()]
    for table in reversed(list(TABLES.values())):
        conn.execute(delete(table))
    for table in TABLES.values():
        _insert(conn, table, rows_of(table.name))
    conn.execute(delete(kept_values).where(of_manager))
    if values:
        conn.execute(insert(kept_values), values)
    if user is not None:
        _keep_user(conn, dict(user), its_tokens)
    hook_triggers.forget(conn)
    if conn.dialect.name == "postgresql":
        _raise_counters(conn)


def _insert(conn: Connection, table: Table, rows: Iterable[str]) -> None:
    columns = list(table.columns)
    times = {column.name for column in columns if isinstance(column.type, UtcDateTime)}
    batch: list[dict[str, Any]] = []
    for line in rows:
        row = dict(zip((column.name for column in columns), loads(line), strict=True))
        for name in times:
            if row[name] is not None:
                row[name] = datetime.fromisoformat(row[name])
        batch.append(row)
        if len(batch) == _AT_ONCE:
            conn.execute(insert(table), batch)
            batch = []
    if batch:
        conn.execute(insert(table), batch)


def _keep_user(conn: Connection, user: dict[str, Any], its_tokens: list[dict[str, Any]]) -> None:
    this = users.c.username == user["username"]
    if conn.execute(update(users).where(this).values(user)).rowcount == 0:
        conn.execute(insert(users), user)
    there = set(conn.scalars(select(tokens.c.id).where(tokens.c.username == user["username"])))
    missing = [token for token in its_tokens if token["id"] not in there]
    if missing:
        conn.execute(insert(tokens), missing)


def _raise_counters(conn: Connection) -> None:
    """Have ids that count up continue after the highest."""
    for table in TABLES.values():
        column = table.autoincrement_column
        if column is not None and column.autoincrement is True:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            conn.execute(select(func.setval(sequence, highest, False)))
