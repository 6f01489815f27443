"""Everything that is known of one round when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from cloudwright.model.deployment_update import GOING_ON
from cloudwright.model.event import EVENT
from cloudwright.model.modification import GONE, ModificationStatus
from cloudwright.storage.schema import (
    deployment_modifications,
    deployment_updates,
    events,
    executions,
    node_instances,
    operations,
)
from cloudwright.storage.store import database_at

from .chaos_environment import ChaosEnvironment
from .clock import true_time
from .event_log import Line, read_event_log
from .history import Entry
from .plan import Actor

#: Tables of changes, with the states in which one goes on.
_CHANGES = (
    (deployment_modifications, deployment_modifications.c.status, [ModificationStatus.STARTED]),
    (deployment_updates, deployment_updates.c.state, sorted(GOING_ON)),
)


@dataclass(frozen=True, slots=True)
class Record:
    """``row`` and ``operations`` are as stored; ``events`` too, without logs, in the order of their ids.
    ``shown`` is the execution as the REST API has it.
    """

    actor: Actor
    execution: str
    row: Any
    shown: dict[str, Any]
    operations: dict[str, Any]
    events: list[Any]
    properties: list[dict[str, Any]]
    event_log: list[Line]
    history: list[Entry]
    environment: list[Entry]
    #: What goes on of modifications and updates that belong to it.
    going_on: list[str] = field(default_factory=list)
    #: How many times longer than on an idle machine something may take.
    slowness: float = 1.0

    def events_of(self, *kinds: str) -> list[Any]:
        return [event for event in self.events if event.event_type in kinds]

    def on_tape(self, *kinds: str) -> list[Line]:
        return [line for line in self.event_log if line["what"] in kinds]

    def __str__(self) -> str:
        story: list[tuple[float, str]] = [(entry.time, str(entry)) for entry in self.history]
        story += [
            (
                event.timestamp.timestamp(),
                f"  event {event.id} {event.event_type}: {event.message} {event.details or ''}",
            )
            for event in self.events
        ]
        story += [
            (
                line["time"],
                f"    line {line['what']} {line['name']} operation {line['operation']} pid {line['pid']}",
            )
            for line in self.event_log
        ]
        story += [(entry.time, f"      environment: {entry}") for entry in self.environment]
        first = min((time for time, _ in story), default=0.0)
        lines = [f"{time - first:9.4f} {text}" for time, text in sorted(story, key=lambda item: item[0])]
        rows = [
            f"  {row.name} {row.id} {row.state} attempt {row.attempt} term {row.term} pid {row.pid} "
            f"{row.failure or ''}"
            for row in self.operations.values()
        ]
        return "\n".join([f"{self.actor}", f"row: {self.row}", "operations:", *rows, "story:", *lines])


def records(
    environment: ChaosEnvironment, rounds: Iterable[tuple[Actor, str]], since: float, slowness: float
) -> list[Record]:
    """The records of these executions; not those that are not stored. Their batch began at ``since``."""
    found = []
    engine = database_at(environment.database_url).reading
    about_site = sorted(
        (
            entry
            for entry in [*environment.history.entries, *environment.blown()]
            if entry.time >= since and (entry.execution is None or entry.what == "kill_process")
        ),
        key=lambda entry: entry.time,
    )
    with engine.connect() as conn:
        for actor, id in rounds:
            with conn.begin():
                row = conn.execute(select(executions).where(executions.c.id == id)).one_or_none()
                if row is None:
                    continue
                tasks = conn.execute(select(operations).where(operations.c.execution_id == id)).all()
                happened = conn.execute(
                    select(events)
                    .where(events.c.execution_id == id, events.c.kind == EVENT)
                    .order_by(events.c.id)
                ).all()
                properties = conn.scalars(
                    select(node_instances.c.runtime_properties).where(
                        node_instances.c.deployment_id == row.deployment_id
                    )
                ).all()
                going_on = [
                    f"{table.name} {change.id}"
                    for table, column, states in _CHANGES
                    for change in conn.execute(
                        select(table.c.id).where(table.c.execution_id == id, column.in_(states))
                    )
                ]
            found.append(
                Record(
                    actor,
                    id,
                    row,
                    dict(environment.asked(lambda client, id=id: client.executions.get(id))),  # type: ignore[misc]
                    {task.id: _timed(task, "started_at", since) for task in tasks},
                    [_timed(event, "timestamp", since) for event in happened],
                    list(properties),
                    read_event_log(environment.event_log, id),
                    [entry for entry in environment.history.entries if entry.execution == id],
                    about_site,
                    going_on,
                    slowness,
                )
            )
    return found


def _timed(row: Any, column: str, since: float) -> Any:
    """Return the row with the true time, whatever the manager's clock was set to."""
    columns = dict(row._mapping)
    if columns[column] is not None:
        columns[column] = true_time(columns[column], since)
    return SimpleNamespace(**columns)


def unlisted(environment: ChaosEnvironment) -> list[str]:
    """Return the parts that are there, by the event log, and are not listed as being there."""
    there: set[str] = set()
    for line in read_event_log(environment.event_log):
        operation, _, part = str(line["name"]).partition(".")
        if operation == "create" and line["what"] == "end":
            there.add(part)
        elif operation == "delete" and line["what"] == "start":
            # From here on it may be gone.
            there.discard(part)
    with database_at(environment.database_url).reading.connect() as conn:
        listed = conn.scalars(select(node_instances.c.id).where(node_instances.c.state.not_in(GONE))).all()
    return sorted(there - set(listed))
