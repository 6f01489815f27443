"""``cloudify_types.component.polling``: waits for what another deployment does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError
from cloudwright.compat.cloudify_rest_client.executions import Execution
from cloudwright.compat.cloudify_types.component.constants import (
    EXECUTIONS_TIMEOUT,
    PAGINATION_SIZE,
    POLLING_INTERVAL,
)

__all__ = [
    "is_all_executions_finished",
    "is_deployment_execution_at_state",
    "poll_with_timeout",
    "redirect_logs",
    "verify_blueprint_uploaded",
    "verify_execution_state",
    "wait_for_blueprint_to_upload",
]

#: In runtime properties: how many events of each execution were logged.
_RECEIVED = "received_events"


def poll_with_timeout(
    pollster: Callable[[], Any],
    timeout: float,
    interval: float = POLLING_INTERVAL,
    expected_result: Any = True,
) -> bool:
    """Call ``pollster`` until it returns what is expected; return whether it did in ``timeout`` seconds.

    A timeout of -1 is none.
    """
    end = float("inf") if timeout == -1 else time.monotonic() + timeout
    while time.monotonic() <= end:
        if pollster() == expected_result:
            return True
        time.sleep(interval)
    ctx.logger.error("It took longer than %s seconds.", timeout)
    return False


def is_all_executions_finished(client: Any, deployment_id: str | None = None) -> bool:
    """Return whether no execution of the deployment, nor a system-wide one, is under way."""
    offset = 0
    while True:
        page = client.executions.list(include_system_workflows=True, _offset=offset, _size=PAGINATION_SIZE)
        for execution in page:
            concerned = execution.is_system_workflow or execution.deployment_id == deployment_id
            if concerned and execution.status not in Execution.END_STATES:
                return False
        offset += len(page)
        if not len(page) or offset >= page.metadata.pagination.total:
            return True


def redirect_logs(client: Any, execution_id: str, instance_ctx: Any = None) -> None:
    """Log the events of another execution that were not logged yet."""
    properties = (instance_ctx or ctx.instance).runtime_properties
    received = properties.setdefault(_RECEIVED, {})
    while True:
        page = client.events.list(
            include_logs=True,
            execution_id=execution_id,
            _offset=int(received.get(execution_id, 0)),
            _size=PAGINATION_SIZE,
            _sort="timestamp",
        )
        for event in page:
            level = logging.getLevelName((event.get("level") or "info").upper())
            where = f"[{event['node_instance_id']}] " if event.get("node_instance_id") else ""
            text = f"{event.get('reported_timestamp') or ''} {where}{event.get('message') or ''}"
            ctx.logger.log(level if isinstance(level, int) else logging.INFO, "%s", text)
        received[execution_id] = int(received.get(execution_id, 0)) + len(page)
        if not len(page) or received[execution_id] >= page.metadata.pagination.total:
            return


def is_deployment_execution_at_state(
    client: Any,
    dep_id: str,
    state: str,
    execution_id: str | None,
    log_redirect: bool = False,
    instance_ctx: Any = None,
) -> bool:
    """Return whether the execution is in ``state``. Raises NonRecoverableError if it failed instead."""
    if not execution_id:
        raise NonRecoverableError(f"Deployment `{dep_id}` has no execution to wait for.")
    execution = client.executions.get(execution_id)
    if log_redirect:
        redirect_logs(client, execution_id, instance_ctx)
    if execution.status == state:
        return True
    if execution.status in (Execution.FAILED, Execution.CANCELLED):
        raise NonRecoverableError(
            f"Execution {execution_id} of deployment `{dep_id}` is {execution.status}"
            f"{': ' + execution.error if execution.error else '.'}"
        )
    return False


def verify_execution_state(
    client: Any,
    execution_id: str | None,
    deployment_id: str,
    redirect_log: bool,
    workflow_state: str,
    timeout: float = EXECUTIONS_TIMEOUT,
    interval: float = POLLING_INTERVAL,
    instance_ctx: Any = None,
) -> bool:
    """Wait for the execution to be in ``workflow_state``. Raises NonRecoverableError if it is not."""

    def is_there() -> bool:
        return is_deployment_execution_at_state(
            client, deployment_id, workflow_state, execution_id, redirect_log, instance_ctx
        )

    if not poll_with_timeout(is_there, timeout, interval):
        raise NonRecoverableError(
            f"Execution {execution_id} of deployment `{deployment_id}` was not {workflow_state} "
            f"after {timeout} seconds."
        )
    return True


def verify_blueprint_uploaded(blueprint_id: str, client: Any) -> bool:
    return bool(client.blueprints.get(blueprint_id).state == "uploaded")


def wait_for_blueprint_to_upload(blueprint_id: str, client: Any, timeout_seconds: float = 30) -> None:
    """Wait for the blueprint to be uploaded. Raises NonRecoverableError if it is not."""
    if not poll_with_timeout(lambda: verify_blueprint_uploaded(blueprint_id, client), timeout_seconds):
        raise NonRecoverableError(
            f"Blueprint `{blueprint_id}` was not uploaded after {timeout_seconds} seconds."
        )
