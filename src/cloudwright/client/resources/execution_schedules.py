"""Schedules of executions. A schedule's ID is unique within its deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import ExecutionSchedule


class ExecutionSchedules(Collection["ExecutionSchedule"]):
    path = "/execution-schedules"

    def list(
        self, part: Slice = WHOLE, *, deployment_id: str | None = None, workflow_id: str | None = None
    ) -> Page[ExecutionSchedule]:
        return self._list(part, deployment_id=deployment_id, workflow_id=workflow_id)

    def of_deployment(self, deployment_id: str, schedule_id: str) -> ExecutionSchedule:
        """Return one schedule, with the runs of it that did not happen. Raises NotFound."""
        return self._send("GET", deployment_id, schedule_id)

    def create(
        self,
        deployment_id: str,
        schedule_id: str,
        workflow_id: str,
        *,
        since: str,
        until: str | None = None,
        timezone: str | None = None,
        recurrence: str | None = None,
        count: int | None = None,
        weekdays: tuple[str, ...] = (),
        rrule: str | None = None,
        slip: int | None = None,
        stop_on_fail: bool = False,
        enabled: bool = True,
        parameters: Mapping[str, Any] | None = None,
        execution_arguments: Mapping[str, Any] | None = None,
    ) -> ExecutionSchedule:
        """Have a workflow started at given times.

        ``since`` and ``until`` are times in ISO 8601; without an offset they are in ``timezone``, or UTC. A
        schedule has either a ``rrule`` or a ``recurrence`` such as `2 weeks`, or runs once (``count`` 1).
        ``slip`` is how many minutes late a run may be.

        Raises BadRequest, NotFound, and Conflict if there is one.
        """
        body = {
            "workflow_id": workflow_id,
            "since": since,
            "until": until,
            "timezone": timezone,
            "recurrence": recurrence,
            "count": count,
            "weekdays": list(weekdays) or None,
            "rrule": rrule,
            "slip": slip,
            "stop_on_fail": stop_on_fail,
            "enabled": enabled,
            "parameters": dict(parameters or {}),
            "execution_arguments": dict(execution_arguments or {}),
        }
        return self._send("PUT", deployment_id, schedule_id, body)

    def change(self, deployment_id: str, schedule_id: str, **changes: Any) -> ExecutionSchedule:
        """Change some of what ``create`` takes; what is None stays. Raises NotFound, BadRequest."""
        return self._send("PATCH", deployment_id, schedule_id, changes)

    def delete(self, deployment_id: str, schedule_id: str) -> None:
        """Delete a schedule; what it started continues. Raises NotFound."""
        self._send("DELETE", deployment_id, schedule_id)

    def _send(self, method: str, deployment_id: str, schedule_id: str, body: Any = None) -> ExecutionSchedule:
        params = {"deployment_id": deployment_id}
        answer = self._transport.request(method, self._one(schedule_id), params=params, json=body)
        return cast("ExecutionSchedule", answer)
