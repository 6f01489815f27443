"""Verbs for tests: each stores one journal entry as a frame of a workflow's process does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloudwright.errors import NotFound, StaleTerm
from cloudwright.model.operation import OperationState
from cloudwright.storage import journal, operations
from cloudwright.storage.records import JsonObject, Operation


def store_graph(
    conn: Connection,
    execution_id: str,
    term: int,
    graph_id: str,
    name: str,
    tasks: Sequence[JsonObject],
    now: datetime,
) -> None:
    """Store a graph with its tasks, all pending."""
    journal.apply(conn, execution_id, term, [["graph", graph_id, name, tasks]], now)


def add_tasks(
    conn: Connection, execution_id: str, term: int, graph_id: str, tasks: Sequence[JsonObject], now: datetime
) -> None:
    """Add tasks to a stored graph."""
    journal.apply(conn, execution_id, term, [["tasks", graph_id, tasks]], now)


def set_task(
    conn: Connection,
    execution_id: str,
    term: int,
    task_id: str,
    state: OperationState,
    result: Any,
    now: datetime,
) -> bool:
    """Set a task's state; returns whether that changed anything."""
    before = _find(conn, task_id)
    journal.apply(conn, execution_id, term, [["task", task_id, state, result]], now)
    return _find(conn, task_id) != before


def send(
    conn: Connection,
    execution_id: str,
    term: int,
    operation: JsonObject,
    now: datetime,
    *,
    aware: bool = False,
) -> bool:
    """Send an operation; returns whether it is to be run."""
    try:
        result = journal.apply(conn, execution_id, term, [["run", operation]], now, aware=aware)
    except StaleTerm:
        return False
    return bool(result.sent)


def _find(conn: Connection, task_id: str) -> Operation | None:
    try:
        return operations.get(conn, task_id)
    except NotFound:
        return None
