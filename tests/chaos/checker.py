"""C1 to C7, checked on what a round left: its rows, its events, its event log, and what was done to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.model.operation import OPERATION_ENDS, OperationState

from .history import Entry
from .plan import CHANGES
from .record import Record

ENDED = {
    "workflow_succeeded": "terminated",
    "workflow_failed": "failed",
    "workflow_cancelled": "cancelled",
}
FORCED = ("force-cancel", "kill")
#: All clocks are one machine's. What is stored together may have been read so long before (seconds).
MOMENT = 0.05
#: How long a request may take while a manager lives (seconds), on a machine that is busy otherwise; and how
#: much longer for each manager that began meanwhile, each zygote that died or was stopped, each outage of the
#: database, and where messages were lost. All of them are times as long on a machine that is slower.
BOUND = 6.0
AFTER_START = 3.0
AFTER_ZYGOTE = 3.0
AFTER_STOP = 6.0
AFTER_OUTAGE = 10.0
AFTER_LOSS = 3.0
#: How long an operation may take from its grant to its first line in the event log, and from its last line
#: until its end is stored.
FORK_SECONDS = 6.0
#: How long it may take, on a machine that is busy otherwise, from an operation's word that its code begins to
#: its first line in the event log. An end waits for that word.
BEGIN_SECONDS = 1.0
BOOKED_SECONDS = 1.5
#: How long it may take from a signal until the death that it brings is told.
DEAD_SECONDS = 3.0
LIVES_END = ("kill_manager", "manager_died", "manager_died_starting")


def check(record: Record) -> Iterator[str]:
    """What does not hold of this round, in words."""
    yield from _is_over(record)
    yield from _nothing_starts(record)
    yield from _the_dead_are_silent(record)
    yield from _requests_end(record)
    yield from _no_twins(record)
    yield from _nothing_is_lost(record)
    yield from _ends_are_true(record)
    yield from (f"a change goes on although its execution is over: {what}" for what in record.going_on)


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
    yield from _starts_within(record, windows)
    granted = Counter(event.operation_id for event in record.events_of("task_started"))
    # What was granted and revoked before it began.
    granted.subtract(event.operation_id for event in record.events_of("task_cancelled"))
    ends = list(_ended_windows(record))
    begun: Counter[str] = Counter()
    for line in record.on_tape("start", "twin"):
        if line["operation"] == record.execution:
            continue
        begun[line["operation"]] += 1
        if begun[line["operation"]] > granted[line["operation"]]:
            yield f"C1: operation {line['operation']} began without a grant: {line}"
        for since, until in ends:
            if since + BEGIN_SECONDS * record.slowness < line["time"] < until:
                took = line["time"] - since
                yield f"C1: operation {line['operation']} began {took:.3f} s after the end: {line}"
        for name, since, until in windows:
            bound = FORK_SECONDS * record.slowness + _delays(record, since, line["time"])
            if since + bound < line["time"] < until:
                yield f"C1, C2: operation {line['operation']} began long after {name}: {line}"


def _ended_windows(record: Record) -> Iterator[tuple[float, float]]:
    """When the execution was over: from each end until it was resumed."""
    since: float | None = None
    for event in record.events:
        at = event.timestamp.timestamp()
        if event.event_type in ENDED:
            since = at
        elif event.event_type == "execution_resumed" and since is not None:
            yield since, at
            since = None
    if since is not None:
        yield since, float("inf")


def _starts_within(record: Record, windows: list[tuple[str, float, float]]) -> Iterator[str]:
    """Starts that the times of rows and events put where nothing may start. A request and a grant are handed
    to the one writer at the times that they carry, so these are in the order in which they were stored.
    """
    starts = {(event.operation_id, event.timestamp.timestamp()) for event in record.events_of("task_started")}
    for row in record.operations.values():
        if row.started_at is not None and (row.id, row.started_at.timestamp()) not in starts:
            yield f"C1: operation {row.id} was started at {row.started_at}, and no event says so"
            starts.add((row.id, row.started_at.timestamp()))
    for operation, at in sorted(starts):
        for name, since, until in windows:
            if since + MOMENT < at < until:
                yield f"C1, C2: operation {operation} was started {at - since:.3f} s after {name}"


def _the_dead_are_silent(record: Record) -> Iterator[str]:
    """C4 and C7, by the event log: no workflow's process writes after its stored end, and
    after a kill no operation's does either. (What left its operation's process group may.)
    """
    killed, unreachable = False, bool(record.events_of("operation_kill_failed"))
    silent: list[tuple[float, float, bool]] = []
    for event in record.events:
        at = event.timestamp.timestamp()
        if event.event_type == "execution_resumed":
            silent[-1:] = [(since, at, dead) for since, _, dead in silent[-1:]]
            killed = False
        elif _forces(event) and event.details["mode"] == "kill":
            killed = True
        elif event.event_type in ENDED:
            silent.append((at, float("inf"), killed and not unreachable))
    for line in record.on_tape("workflow", "workflow_end", "start", "twin", "child", "end"):
        of_workflow = line["operation"] == record.execution
        for since, until, dead in silent:
            if since + MOMENT < line["time"] < until and (of_workflow or dead):
                what = "the workflow" if of_workflow else f"operation {line['operation']}"
                yield f"C4, C7: {what} wrote {line['time'] - since:.3f} s after its end: {line}"


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
                took = _lived(record.environment, since, at)
                bound = BOUND * record.slowness + _delays(record, since, at)
                if took > bound:
                    yield f"C3: {what} took {took:.1f} s in which a manager lived, which is over {bound:g} s"
            waiting = []


def _delays(record: Record, since: float, until: float) -> float:
    """How much longer something may take for what was done to its environment in between (seconds)."""
    delays = 0.0
    for entry in record.environment:
        if entry.what == "blown" and entry.details["point"] == "bus":
            delays += AFTER_LOSS
        elif entry.what == "stop_process" and entry.time < since - 1:
            # It was stopped earlier, and shows when something is asked of it.
            delays += AFTER_STOP
        elif not since - 1 <= entry.time <= until:
            continue
        elif entry.what == "manager_answers":
            delays += AFTER_START
        elif entry.what == "outage":
            delays += AFTER_OUTAGE
        elif entry.what == "stop_process":
            delays += AFTER_STOP
        elif _ends_a_zygote(entry):
            delays += AFTER_ZYGOTE
    return delays * record.slowness


def _ends_a_zygote(entry: Entry) -> bool:
    if entry.what == "kill_process":
        return str(entry.details["kind"]).endswith("zygote")
    return entry.what == "blown" and _of_zygote(entry)


def _of_zygote(entry: Entry) -> bool:
    """Whether the point that a fuse blew at is of a zygote itself, not of one of its children."""
    owner, _, point = entry.details["point"].partition(".")
    return owner in ("workflows", "operations") and point.startswith(("fork.", "report"))


def _lived(environment: list[Entry], since: float, until: float) -> float:
    """How long a manager that answers lived in between (seconds)."""
    lived, begins = 0.0, environment[0].time if environment else since
    up = True
    for entry in environment:
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
    yield from _deaths_are_told(record)


def _deaths_are_told(record: Record) -> Iterator[str]:
    """Who was signalled was seen dead, if the manager that sent the signal lived on for a while."""
    told = {
        event.operation_id: event.id for event in record.events_of("operation_dead", "operation_kill_failed")
    }
    for event in record.events_of("operation_signalled"):
        since = event.timestamp.timestamp() - MOMENT
        if told.get(event.operation_id, 0) < event.id and not any(
            entry.what in LIVES_END and since <= entry.time <= since + DEAD_SECONDS * record.slowness
            for entry in record.environment
        ):
            yield f"C6: event {event.id} is of a signal, and no event says that its process is dead"


def _undisturbed(record: Record, end: dict[str, Any]) -> bool:
    """Whether nothing was done to the operation, or to its supervisor, that could cost its result."""
    begins = [
        line["time"]
        for line in record.on_tape("start")
        if line["pid"] == end["pid"] and line["birth"] == end["birth"]
    ]
    if not begins:
        return False
    since, until = begins[0] - 1, end["time"] + BOOKED_SECONDS * record.slowness
    if any(since <= entry.time <= until and _costs_its_result(entry, end) for entry in record.environment):
        return False
    for event in record.events_of("operation_signalled", "task_started"):
        at = event.timestamp.timestamp()
        if event.operation_id != end["operation"]:
            continue
        if event.event_type == "task_started" and at > end["time"]:
            # What is stored is of another attempt: this one's result could not be taken (a conflict).
            return False
        if event.event_type == "operation_signalled" and since <= at <= until:
            return False
    return True


def _costs_its_result(entry: Entry, end: dict[str, Any]) -> bool:
    if entry.what in ("kill_process", "stop_process"):
        its_own: bool = entry.details["child"] == end["operation"]
        return its_own or entry.details["kind"] == "operations zygote"
    if entry.what == "blown":
        # In a child, at a frame of its own; elsewhere, with all that it supervised.
        if entry.details["point"].startswith("operations."):
            return _of_zygote(entry) or entry.details["pid"] == end["pid"]
        return not entry.details["point"].startswith(("workflows.", "bus"))
    return entry.what in (*LIVES_END, "outage", "outage_over")


def _result_is_stored(record: Record, end: dict[str, Any]) -> Iterator[str]:
    row = record.operations.get(end["operation"])
    if row is None:
        yield f"C6: operation {end['operation']} is not stored"
    elif row.state is OperationState.FAILED and (row.failure or {}).get("kind") == "Conflict":
        return
    elif row.state is not OperationState.SUCCEEDED:
        yield f"C6: operation {row.id} came to its end, and is stored as {row.state}: {row.failure}"
    elif record.actor.workflow not in CHANGES and not any(
        # What a change makes it may take down again, with its properties.
        end["name"] in properties
        for properties in record.properties
    ):
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
