"""Looks at what is true at the very moment at which an end becomes visible (C4 and C7)."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from cloudwright.model.execution import END_STATUSES, CancelMode
from cloudwright.storage.schema import events, executions, operations
from cloudwright.storage.store import database_at

from .chaos_environment import ChaosEnvironment
from .event_log import read_event_log
from .history import History
from .processes import Process, alive, living

PAUSE = 0.01
_LOOK = select(executions.c.id, executions.c.status, executions.c.resumed, executions.c.cancel_mode)


class Watcher(threading.Thread):
    """``violations`` are (execution, what was seen)."""

    def __init__(self, environment: ChaosEnvironment, over: threading.Event) -> None:
        super().__init__(name="watcher", daemon=True)
        self.violations: list[tuple[str, str]] = []
        self.trouble: Exception | None = None
        self.ends = 0
        self._environment = environment
        self._history: History = environment.history
        self._over = over
        self._seen: set[tuple[str, int]] = set()
        self._engine: Engine = database_at(environment.database_url).reading

    def run(self) -> None:
        begun = False
        while not self._over.wait(PAUSE):
            try:
                with self._engine.connect() as conn:
                    if not begun:
                        ended = [row for row in self._rows(conn) if row.status in END_STATUSES]
                        self._seen.update((row.id, row.resumed) for row in ended)
                        begun = True
                    self._watch(conn)
            except DBAPIError as error:
                if self._environment.outage is None:
                    self.trouble = error
                    return
            except Exception as error:
                self.trouble = error
                return

    def _watch(self, conn: Connection) -> None:
        while not self._over.wait(PAUSE):
            for row in self._rows(conn):
                if row.status in END_STATUSES and (row.id, row.resumed) not in self._seen:
                    self._seen.add((row.id, row.resumed))
                    self._ended(conn, row)

    def _rows(self, conn: Connection) -> list[Any]:
        with conn.begin():
            return list(conn.execute(_LOOK))

    def _ended(self, conn: Connection, row: Any) -> None:
        self.ends += 1
        self._history.note("end_seen", row.id, status=str(row.status))
        processes = list(living(self._environment.folder))
        found = [
            f"C4: the workflow's process lives: {process}" for process in processes if _runs(process, row.id)
        ]
        with conn.begin():
            ids = set(conn.scalars(select(operations.c.id).where(operations.c.execution_id == row.id)))
            kinds = list(
                conn.execute(
                    select(events.c.event_type, events.c.details)
                    .where(events.c.execution_id == row.id)
                    .order_by(events.c.id)
                )
            )
            now = conn.execute(_LOOK.where(executions.c.id == row.id)).one()
        if (now.status, now.resumed) != (row.status, row.resumed):
            # It was resumed meanwhile: what lives may be of its next life.
            return
        if row.cancel_mode is CancelMode.KILL and _killed_active(kinds):
            lines = read_event_log(self._environment.event_log)
            left = {(line["pid"], line["birth"]) for line in lines if line["what"] == "left"}
            found += [
                f"C7: a process of an operation lives: {process}"
                for process in processes
                if process.child in ids and (process.pid, process.birth) not in left
            ]
            # Those too that bear no sign of their operation.
            found += [
                f"C7: a process that an operation started lives: {line}"
                for line in lines
                if line["what"] == "child"
                and line["operation"] in ids
                and (line["pid"], line["birth"]) not in left
                and alive(line["pid"], line["birth"])
            ]
        self.violations += [(row.id, what) for what in found]


def _runs(process: Process, execution: str) -> bool:
    return process.leads and process.child == execution


def _killed_active(kinds: list[Any]) -> bool:
    """Whether the last kill met an execution that was active."""
    last = [
        kind.details
        for kind in kinds
        if kind.event_type == "execution_cancel_requested" and kind.details["mode"] == "kill"
    ]
    return bool(last) and last[-1]["previous_status"] in {"started", "cancelling", "force_cancelling"}
