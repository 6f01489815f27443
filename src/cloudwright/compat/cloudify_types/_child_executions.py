"""Workflows of other deployments as children of the current execution: its cancellation reaches them.

Each is started at most once for one operation, however often that is interrupted and tried again: the manager
stores with an execution which operation started it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError

_PAGE = 1000
_CANCELLING = frozenset({"cancelling", "force_cancelling", "kill_cancelling"})


def run_workflow(
    client: Any,
    deployment_id: str,
    workflow_id: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    logs: bool = False,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Run a workflow of a deployment to its end.

    ``timeout`` is in seconds; None and -1 are none. ``arguments`` are more of a start of an execution.
    ``logs``: what it logs is logged here too. Raises NonRecoverableError if it does not end well.
    """
    execution = started_before(client, deployment_id, workflow_id)
    if execution is not None and execution["status"] in _CANCELLING:
        execution = _awaited(client, execution["id"], timeout, logs)
    if execution is None or _has_to_start_anew(client, deployment_id, execution):
        body = {"deployment_id": deployment_id, "workflow_id": workflow_id, "as_child": True}
        body |= {"parameters": dict(parameters or {})} | dict(arguments or {})
        execution = client.executions.api.post("/executions", data=body)
        ctx.logger.info("Started `%s` of `%s`: execution %s", workflow_id, deployment_id, execution["id"])
    elif execution["status"] in ("failed", "cancelled"):
        body = {"action": "resume", "as_child": True}
        execution = client.executions.api.post(f"/executions/{execution['id']}", data=body)
        ctx.logger.info("Resumed `%s` of `%s`: execution %s", workflow_id, deployment_id, execution["id"])
    await_end(client, execution["id"], deployment_id, workflow_id, timeout=timeout, logs=logs)


def started_before(client: Any, deployment_id: str, workflow_id: str) -> Any:
    """Return the last execution that this operation started, in any of its attempts; None if it has not."""
    found = client.executions.list(
        parent_operation_id=ctx.task_id,
        deployment_id=deployment_id,
        workflow_id=workflow_id,
        sort="created_at",
        is_descending=True,
    )
    return found[0] if len(found) else None


def await_end(
    client: Any,
    id: str,
    deployment_id: str,
    workflow_id: str,
    *,
    timeout: float | None = None,
    logs: bool = False,
) -> None:
    """Wait for the end of an execution. Raises NonRecoverableError if it does not end well."""
    ended = _awaited(client, id, timeout, logs)
    what = f"Execution {id} (`{workflow_id}` of deployment `{deployment_id}`)"
    if not ended["over"]:
        raise NonRecoverableError(
            f"{what} is still {ended['status']} after {timeout:g} seconds, the `timeout` of this operation. "
            "It runs on."
        )
    if ended["status"] == "cancelled":
        by = ended.get("cancel_requested_by")
        reason = f": {ended['error']}" if ended.get("error") else "."
        raise NonRecoverableError(f"{what} was cancelled" + (f" by {by}" if by else "") + reason)
    if ended["status"] != "terminated":
        raise NonRecoverableError(f"{what} {ended['status']}: {ended['error'] or 'no reason is known'}")
    ctx.logger.info("%s ended well", what)


def _has_to_start_anew(client: Any, deployment_id: str, execution: Mapping[str, Any]) -> bool:
    """Return whether an execution that ended badly cannot be resumed, or has been undone by a later one."""
    if execution["status"] not in ("failed", "cancelled"):
        return False
    last = client.executions.list(
        deployment_id=deployment_id, sort="created_at", is_descending=True, _size=1, _include=["id"]
    )
    return not execution["is_resumable"] or last[0]["id"] != execution["id"]


def _awaited(client: Any, id: str, timeout: float | None, logs: bool) -> dict[str, Any]:
    """Return the execution when it is over, or after ``timeout`` seconds; its manager tells when that is."""
    limit = None if timeout is None or timeout < 0 else float(timeout)
    if not logs:
        return _answered(client, ctx._supervisor.call("await_execution", id=id, timeout=limit))
    end = None if limit is None else time.monotonic() + limit
    count, last = 0, 0
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        answer = ctx._supervisor.call("await_execution", id=id, timeout=left, events_after=last)
        count, last = _log_events(client, id, count, last)
        if answer["over"] or left == 0:
            return _answered(client, answer)


def _answered(client: Any, answer: dict[str, Any]) -> dict[str, Any]:
    if answer["status"] in ("failed", "cancelled"):
        answer |= client.executions.get(answer["id"], _include=["is_resumable"])
    return answer


def _log_events(client: Any, id: str, count: int, last: int) -> tuple[int, int]:
    """Log the events of an execution after the first ``count``; returns how many there are, and the id of the
    last.
    """
    while True:
        page = client.events.list(execution_id=id, include_logs=True, _offset=count, _size=_PAGE)
        for event in page:
            level = logging.getLevelName(str(event.get("level") or "info").upper())
            ctx.logger.log(
                level if isinstance(level, int) else logging.INFO, "[%s] %s", id[:8], event.get("message")
            )
            last = int(event["id"])
        count += len(page)
        if len(page) < _PAGE:
            return count, last
