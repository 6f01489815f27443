"""C1 to C7, checked on what a round left: its rows, its events, its tape, and what was done to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.model.operation import OPERATION_ENDS, OperationState

from .history import Entry
from .record import Record

ENDED = {
    "workflow_succeeded": "terminated",
    "workflow_failed": "failed",
    "workflow_cancelled": "cancelled",
}
FORCED = ("force-cancel", "kill")
#: How long a request may take while a manager lives (seconds), on a machine that is busy otherwise.
BOUND = 20.0
#: How long an operation may take from its grant to the first line on its tape.
FORK_SECONDS = 20.0


def check(record: Record) -> Iterator[str]:
    """What does not hold of this round, in words."""
    yield from _is_over(record)
    yield from _nothing_starts(record)
    yield from _requests_end(record)
    yield from _no_twins(record)
    yield from _nothing_is_lost(record)
    yield from _ends_are_true(record)


def _is_over(record: Record) -> Iterator[str]:
    if record.row.status not in END_STATUSES:
        yield f"C3: it did not end: {record.row.status}"
    if record.shown["status"] != record.row.status:
        yield f"the REST API says {record.shown['status']}, the database {record.row.status}"
    for row in record.operations.values():
        if row.state not in OPERATION_ENDS:
            yield f"C3: operation {row.id} was left {row.state}"


def _nothing_starts(record: Record) -> Iterator[str]:
    """C1 and C2, by the order of events, and by what the operations say themselves."""
    closed: str | None = None
    closed_at = 0.0
    windows: list[tuple[str, float, float]] = []
    for event in record.events:
        at = event.timestamp.timestamp()
        if event.event_type == "task_started" and closed:
            yield f"C1, C2: operation {event.operation_id} was granted by event {event.id}, after {closed}"
        if event.event_type == "execution_resumed":
            if closed:
                windows.append((closed, closed_at, at))
            closed = None
        elif closed is None and (_forces(event) or event.event_type in ENDED):
            closed, closed_at = f"event {event.id} {event.event_type}", at
    if closed:
        windows.append((closed, closed_at, float("inf")))
    granted = Counter(event.operation_id for event in record.events_of("task_started"))
    begun: Counter[str] = Counter()
    for line in record.on_tape("start", "twin"):
        if line["operation"] == record.execution:
            continue
        begun[line["operation"]] += 1
        if begun[line["operation"]] > granted[line["operation"]]:
            yield f"C1: operation {line['operation']} began without a grant: {line}"
        for name, since, until in windows:
            if since + FORK_SECONDS < line["time"] < until:
                yield f"C1, C2: operation {line['operation']} began long after {name}: {line}"


def _forces(event: Any) -> bool:
    """Whether the event is a forced request that an active execution met."""
    return (
        event.event_type == "execution_cancel_requested"
        and event.details["mode"] in FORCED
        and event.details["previous_status"] in {"started", "cancelling", "force_cancelling"}
    )


def _requests_end(record: Record) -> Iterator[str]:
    """C3: the time from a forced request, or a passed deadline, to the end, as far as a manager lived."""
    graces = {
        entry.time: entry.details["grace"]
        for entry in record.history
        if entry.what == "acknowledged" and entry.details.get("grace") is not None
    }
    waiting: list[tuple[float, str]] = []
    for event in record.events:
        at = event.timestamp.timestamp()
        if _forces(event):
            waiting.append((at, f"{event.details['mode']} of event {event.id}"))
        elif event.event_type == "execution_cancel_requested" and event.details["mode"] == "cancel":
            waiting += [
                (at + grace, f"the deadline of event {event.id}")
                for time, grace in graces.items()
                if abs(time - at) < 1
            ]
        elif event.event_type in ENDED:
            for since, what in waiting:
                took = _lived(record.site, since, at)
                if took > BOUND:
                    yield f"C3: {what} took {took:.1f} s in which a manager lived"
            waiting = []


def _lived(site: list[Entry], since: float, until: float) -> float:
    """How long a manager that answers lived in between (seconds)."""
    lived, begins = 0.0, site[0].time if site else since
    up = True
    for entry in site:
        if entry.what == "manager_answers":
            begins, up = entry.time, True
        elif entry.what in ("kill_manager", "manager_died") and up:
            lived += max(0.0, min(until, entry.time) - max(since, begins))
            up = False
    return lived + (max(0.0, until - max(since, begins)) if up else 0.0)


def _no_twins(record: Record) -> Iterator[str]:
    """C5: what begins takes a lock that dies with its process and what it started; a twin does not get it."""
    for line in record.on_tape("twin"):
        yield f"C5: {line['name']} runs twice at once: {line}"


def _nothing_is_lost(record: Record) -> Iterator[str]:
    """C6: acknowledged requests are events, and results are stored."""
    asked = Counter(entry.details["what"] for entry in record.history if entry.what == "acknowledged")
    maybe = Counter(entry.details["what"] for entry in record.history if entry.what == "unanswered")
    stored = Counter(
        event.details["mode"]
        for event in record.events_of("execution_cancel_requested")
        if event.details["by"] != "its deadline"
    )
    stored["resume"] = len(record.events_of("execution_resumed"))
    for what in asked | stored:
        if not asked[what] <= stored[what] <= asked[what] + maybe[what]:
            yield (
                f"C6: {what} was acknowledged {asked[what]} times, may have been stored {maybe[what]} times "
                f"more, and was stored {stored[what]} times"
            )
    for entry in record.history:
        if entry.what == "server_error":
            yield f"a request met a defect: {entry}"
    for line in record.on_tape("end"):
        if _undisturbed(record, line):
            yield from _result_is_stored(record, line)


def _undisturbed(record: Record, end: dict[str, Any]) -> bool:
    """Whether nothing was done to the operation, or to whoever supervises it, that could cost its result."""
    begins = [
        line["time"]
        for line in record.on_tape("start")
        if line["pid"] == end["pid"] and line["birth"] == end["birth"]
    ]
    if not begins:
        return False
    since, until = begins[0] - 1, end["time"] + 3
    for entry in record.site:
        if (
            entry.what in ("kill_manager", "manager_died", "kill_process", "outage", "outage_over")
            and since <= entry.time <= until
        ):
            return False
    if any(
        entry.what == "manager_answers" and _in_zygote(entry) and entry.time <= until for entry in record.site
    ):
        return False
    return not any(
        event.event_type == "operation_signalled" and event.operation_id == end["operation"]
        for event in record.events
    )


def _in_zygote(entry: Entry) -> bool:
    """Whether a zygote of this life, or a child of it, was to kill itself: nobody sees when it does."""
    return str(entry.details.get("fuse", "")).startswith(("workflows.", "operations."))


def _result_is_stored(record: Record, end: dict[str, Any]) -> Iterator[str]:
    row = record.operations.get(end["operation"])
    if row is None:
        yield f"C6: operation {end['operation']} is not stored"
    elif row.state is OperationState.FAILED and (row.failure or {}).get("kind") == "Conflict":
        return
    elif row.state is not OperationState.SUCCEEDED:
        yield f"C6: operation {row.id} came to its end, and is stored as {row.state}: {row.failure}"
    elif not any(end["name"] in properties for properties in record.properties):
        wrote = f"what it wrote of {end['name']} is lost"
        yield f"C6: operation {row.id} succeeded, and {wrote}: {record.properties}"


def _ends_are_true(record: Record) -> Iterator[str]:
    """Each end follows from what was asked for in its life, and the row says what the last event says."""
    requested: set[str] = set()
    forced = ended = False
    last = None
    for event in record.events:
        if event.event_type == "execution_resumed":
            requested, forced, ended = set(), False, False
        elif event.event_type == "execution_cancel_requested" and not ended:
            requested.add(event.details["mode"])
            forced = forced or _forces(event)
        elif event.event_type in ENDED:
            if ended:
                yield f"it ended twice: event {event.id}"
            ended, last = True, ENDED[event.event_type]
            if last == "cancelled" and not requested:
                yield f"it was cancelled, and nobody asked for it: event {event.id}"
            if forced and last != "cancelled":
                yield f"it was forced and ended {last}: event {event.id}"
    if record.row.status in END_STATUSES and ExecutionStatus(str(last)) is not record.row.status:
        yield f"its last event says {last}, its row {record.row.status}"
