"""One request to cancel many executions: the set that is confirmed, what it will do, and what it did."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudwright.api.routes import operations as api_operations
from cloudwright.console.rest import RestError
from cloudwright.console.visits import Visit
from cloudwright.model.execution import (
    END_STATUSES,
    WAITING_STATUSES,
    CancelMode,
    ExecutionStatus,
    decide_cancel,
)

#: At most so many at once.
MOST = 10_000
#: The running operations of more executions are not counted.
COUNTED = 100
LABELS = {CancelMode.CANCEL: "Cancel", CancelMode.FORCE: "Force", CancelMode.KILL: "Kill"}
FIELDS = (
    "id,workflow_id,deployment_id,status,residual_operations,cancel_mode,cancel_requested_by,"
    "cancel_requested_at,created_at"
)
_IDS_AT_ONCE = 500
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Effect:
    """What the request does to some of the executions, as a sentence with their number."""

    count: int
    words: str
    does_something: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the request for one execution. ``kind`` is ``requested``, ``over`` or ``refused``."""

    execution: Mapping[str, Any]
    kind: str
    words: str


async def read_chosen(visit: Visit, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Read executions by their ids; those that are not there any more are left out. Raises RestError."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        page = await visit.rest.get(
            "/executions",
            id=ids[start : start + _IDS_AT_ONCE],
            _size=_IDS_AT_ONCE,
            _include=FIELDS,
            _include_system_workflows="true",
        )
        found |= {row["id"]: row for row in page["items"]}
    return [found[id] for id in ids if id in found]


async def count_running(visit: Visit, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Count the operations that run; of too many executions, none is counted."""
    live = [row for row in rows if row["status"] not in WAITING_STATUSES]
    if len(live) > COUNTED or not visit.may(api_operations.list_operations):
        return None
    turns = asyncio.Semaphore(_AT_ONCE)

    async def count(id: str) -> int:
        async with turns:
            page = await visit.rest.get(
                "/operations", execution_id=id, state="started", skip_internal="true", _size=0
            )
        total: int = page["metadata"]["pagination"]["total"]
        return total

    return sum(await asyncio.gather(*(count(row["id"]) for row in live)))


def effects(rows: Iterable[Mapping[str, Any]], mode: CancelMode) -> list[Effect]:
    """Say what a request would do now, by groups of executions."""
    counts: Counter[tuple[bool, str]] = Counter()
    for row in rows:
        counts[_effect(row, mode)] += 1
    return [
        Effect(count, words, does_something)
        for (does_something, words), count in sorted(counts.items())[::-1]
    ]


def _effect(row: Mapping[str, Any], mode: CancelMode) -> tuple[bool, str]:
    status = ExecutionStatus(row["status"])
    if status in END_STATUSES:
        if mode is CancelMode.KILL and row["residual_operations"]:
            return True, "over, with operations that still run: these are ended"
        return False, "over already: nothing is done"
    if decide_cancel(status, mode).refusal is not None:
        return False, f"{status.replace('_', '-')} already: nothing is done"
    if status in WAITING_STATUSES:
        return True, "waiting: ended before they begin"
    return True, _RUNNING[mode]


_RUNNING = {
    CancelMode.CANCEL: "running: their workflows are asked to stop, and operations that run may finish",
    CancelMode.FORCE: "running: their workflows are ended at once, and operations that run keep running",
    CancelMode.KILL: "running: their workflows and operations are ended, with all that these started",
}


async def request(visit: Visit, ids: Sequence[str], mode: CancelMode) -> list[Outcome]:
    """Send the request for each execution, and return what each said, with what is stored afterwards."""
    before = {row["id"]: row for row in await read_chosen(visit, ids)}
    turns = asyncio.Semaphore(_AT_ONCE)

    async def send(id: str) -> RestError | None:
        async with turns:
            try:
                await visit.rest.post(f"/executions/{id}", {"action": mode.value})
            except RestError as error:
                return error
        return None

    wanted = [id for id in ids if id in before]
    replies = dict(zip(wanted, await asyncio.gather(*(send(id) for id in wanted)), strict=True))
    after = {row["id"]: row for row in await read_chosen(visit, wanted)}
    outcomes = [_outcome(before[id], after.get(id, before[id]), replies[id]) for id in wanted]
    gone = [Outcome({"id": id}, "refused", "it is not there any more") for id in ids if id not in before]
    order = ("refused", "over", "requested")
    return sorted([*gone, *outcomes], key=lambda outcome: order.index(outcome.kind))


def _outcome(before: Mapping[str, Any], after: Mapping[str, Any], error: RestError | None) -> Outcome:
    status = ExecutionStatus(before["status"])
    if error is not None:
        if error.status == 400 and after["status"] in END_STATUSES:
            return Outcome(after, "over", "it was over already")
        return Outcome(after, "refused", error.message)
    if status in END_STATUSES:
        if before["residual_operations"]:
            return Outcome(after, "requested", "what still ran of it is being ended")
        return Outcome(after, "over", "it was over already, and nothing of it ran")
    if status in WAITING_STATUSES:
        return Outcome(after, "requested", "ended before it began")
    return Outcome(after, "requested", "the request is stored")
