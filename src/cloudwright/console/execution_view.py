"""What the page of an execution shows, read from the REST API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudwright.api.routes import deployments
from cloudwright.api.routes import executions as api
from cloudwright.console import formatting
from cloudwright.console.pages import number_of
from cloudwright.console.timeline import draw
from cloudwright.console.visits import Visit
from cloudwright.model.execution import (
    END_STATUSES,
    WAITING_STATUSES,
    CancelMode,
    ExecutionStatus,
    decide_cancel,
)

#: How many operations the timeline has at once.
BARS = 200
_FAILED_SHOWN = 5
_OPERATION = (
    "id,name,state,residual,attempt,node_instance_id,source_id,target_id,manager_name,pid,created_at,sent_at,"
    "started_at,ended_at,failure,executor"
)
_ATTEMPTS = ["task_started", "task_failed", "task_rescheduled", "task_succeeded"]


@dataclass(frozen=True, slots=True)
class Button:
    """What one may ask for. ``sentence`` says what it will do, or why it can do nothing now."""

    action: str
    label: str
    sentence: str
    enabled: bool
    confirm: str | None = None


async def read(visit: Visit, id: str) -> dict[str, Any]:
    """Read all that changes while an execution runs. Raises RestError."""
    page = number_of(visit.request.query_params.get("bars"))
    execution, operations, running, failed = await asyncio.gather(
        visit.rest.get(f"/executions/{id}"),
        _operations(visit, id, _size=BARS, _offset=page * BARS, _sort="sent_at", state=_BEGUN),
        _operations(visit, id, _size=BARS, state="started", _sort="started_at"),
        _operations(visit, id, _size=_FAILED_SHOWN, state="failed", _sort="ended_at"),
    )
    begun = operations["items"]
    attempts = await _attempts(visit, id, begun)
    timeline = draw(execution, begun, attempts, visit.now)
    return {
        "execution": execution,
        "sentence": sentence(execution, visit),
        "timeline": timeline,
        "bars": page,
        "begun": operations["metadata"]["pagination"]["total"],
        "bars_at_once": BARS,
        "running": running["items"],
        "running_total": running["metadata"]["pagination"]["total"],
        "failed": failed["items"],
        "buttons": buttons(execution, running["items"], running["metadata"]["pagination"]["total"])
        if visit.may(api.act_on_execution)
        else [],
        "may_see": visit.may(deployments.get_deployment),
        "over": execution["status"] in END_STATUSES,
        "is_moving": execution["status"] not in END_STATUSES or bool(running["items"]),
    }


# One that is cancelled was revoked before its code began.
_BEGUN = "sent,started,succeeded,failed"


async def _operations(visit: Visit, id: str, **more: Any) -> Any:
    return await visit.rest.get(
        "/operations", execution_id=id, skip_internal="true", _include=_OPERATION, **more
    )


async def _attempts(
    visit: Visit, id: str, operations: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Read the starts and ends of operations that were tried more than once."""
    tried = [operation["id"] for operation in operations if operation["attempt"] > 1]
    if not tried:
        return []
    page = await visit.rest.get(
        "/events",
        execution_id=id,
        operation_id=tried,
        event_type=_ATTEMPTS,
        _size=5000,
        _include="timestamp,event_type,operation_id,details",
    )
    items: list[Mapping[str, Any]] = page["items"]
    return items


def sentence(execution: Mapping[str, Any], visit: Visit) -> str:
    """Say in a sentence what the status means for this execution, now."""
    status = ExecutionStatus(execution["status"])
    residual = execution["residual_operations"]
    left = (
        f" {_count(residual, 'operation')} of it still run{'s' if residual == 1 else ''}." if residual else ""
    )
    if status in END_STATUSES:
        return _ENDS[status] + (left or " Nothing of it runs.")
    if status is ExecutionStatus.CANCELLING:
        if execution["deadline"]:
            return "It was asked to stop, and decides itself how. At the deadline it is forced."
        return "It was asked to stop, and decides itself how and when. Force does not wait for it."
    return _MOMENTS[status]


_ENDS = {
    ExecutionStatus.TERMINATED: "It ended well.",
    ExecutionStatus.FAILED: "It failed; no further operation will start.",
    ExecutionStatus.CANCELLED: "It is cancelled and over; no further operation will start.",
}
_MOMENTS = {
    ExecutionStatus.SCHEDULED: "It waits for its time.",
    ExecutionStatus.QUEUED: "It waits for another execution of its deployment to end.",
    ExecutionStatus.PENDING: "It waits for a free place, or for its plugins to be installed.",
    ExecutionStatus.STARTED: "Its workflow runs.",
    ExecutionStatus.FORCE_CANCELLING: "Its workflow is being ended; operations that run keep running.",
    ExecutionStatus.KILL_CANCELLING: "Its workflow and all that its operations started are being ended.",
}


def buttons(execution: Mapping[str, Any], running: Sequence[Mapping[str, Any]], count: int) -> list[Button]:
    """Return the escalation, always in the same order, and the resume. What each does is what the engine
    decides from the stored status.
    """
    status = ExecutionStatus(execution["status"])
    waiting = status in WAITING_STATUSES
    now_running = f"{_count(count, 'running operation')}{_by_worker(running, count)}"
    sentences = {
        CancelMode.CANCEL: "Asks the workflow to stop. No new task starts unless it cleans up;"
        f" {now_running} may finish."
        if not waiting
        else "Ends it before it begins.",
        CancelMode.FORCE: f"Ends the workflow at once, without a clean-up. {now_running} keep"
        f"{'s' if count == 1 else ''} running."
        if not waiting
        else "Ends it before it begins, as Cancel does.",
        CancelMode.KILL: f"Ends the workflow and, with all that they started, {now_running}:"
        " SIGTERM, and SIGKILL five seconds later.",
    }
    if count == 0 and not waiting:
        sentences[CancelMode.CANCEL] = "Asks the workflow to stop. No operation runs now."
        sentences[CancelMode.FORCE] = "Ends the workflow at once, without a clean-up. No operation runs now."
        sentences[CancelMode.KILL] = "Ends the workflow, and any operation that begins meanwhile."
    found = []
    for mode, label in _LABELS.items():
        decision = decide_cancel(status, mode)
        enabled, text = decision.refusal is None, sentences[mode]
        if status in END_STATUSES:
            enabled = mode is CancelMode.KILL and count > 0
            text = (
                f"Ends {now_running}, with all that {'it' if count == 1 else 'they'} started."
                f" The execution stays {status}."
                if enabled
                else f"It is over{'' if count else ', and nothing of it runs'}."
            )
        elif decision.refusal is not None:
            text = _refused(execution, mode, status)
        confirm = f"{label}? {text}" if mode is not CancelMode.CANCEL and enabled else None
        found.append(Button(mode.value, label, text, enabled, confirm))
    return [*found, _resume(execution, count)]


_LABELS = {CancelMode.CANCEL: "Cancel", CancelMode.FORCE: "Force", CancelMode.KILL: "Kill"}


def _refused(execution: Mapping[str, Any], mode: CancelMode, status: ExecutionStatus) -> str:
    by = execution["cancel_requested_by"] or "the manager"
    asked = (
        formatting.parse_time(execution["cancel_requested_at"]) if execution["cancel_requested_at"] else None
    )
    when = f" at {asked:%H:%M:%S} UTC" if asked else ""
    if execution["cancel_mode"] == mode:
        return f"Requested by {by}{when}."
    return f"More was requested by {by}{when}: the status is {status}."


def _resume(execution: Mapping[str, Any], count: int) -> Button:
    if execution["is_resumable"]:
        beside = f" What still runs ({count}) is waited for, not run twice." if count else ""
        text = f"Continues where it stopped; what was done is not done again.{beside}"
        return Button("resume", "Resume", text, True)
    if execution["status"] in ("cancelled", "failed"):
        return Button("resume", "Resume", "Its workflow cannot be resumed: it is not called twice.", False)
    return Button("resume", "Resume", "For an execution that failed or was cancelled.", False)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _by_worker(running: Sequence[Mapping[str, Any]], count: int) -> str:
    """Say where the operations run, if that is more than one place."""
    workers: dict[str, int] = {}
    for operation in running:
        name = operation["manager_name"] or "?"
        workers[name] = workers.get(name, 0) + 1
    if len(workers) < 2 or len(running) < count:
        return ""
    return f" ({', '.join(f'{number} on {name}' for name, number in sorted(workers.items()))})"
