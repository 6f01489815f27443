"""Executions: start, cancel, resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection, as_text

if TYPE_CHECKING:
    from cloudwright.model.rest import Execution


class Executions(Collection["Execution"]):
    path = "/executions"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        deployment_id: str | None = None,
        statuses: Sequence[str] = (),
        execution_group_id: str | None = None,
        include_system_workflows: bool = False,
    ) -> Page[Execution]:
        """Return a page of executions. Raises BadRequest for a status that does not exist."""
        return self._list(
            part,
            deployment_id=deployment_id,
            status=",".join(statuses) or None,
            execution_group_id=execution_group_id,
            _include_system_workflows=include_system_workflows or None,
        )

    def delete_old(
        self, *, until: str | None = None, keep_last: int | None = None, all_tenants: bool = False
    ) -> int:
        """Delete those that are over, and return how many: created ``until`` then (ISO 8601), or all but the
        newest ``keep_last``.
        """
        given = {"to_datetime": until, "keep_last": keep_last}
        body = {name: value for name, value in given.items() if value is not None}
        params = {"_all_tenants": as_text(all_tenants)}
        answer = self._transport.request("DELETE", self.path, params=params, json=body)
        return int(answer["items"][0]["count"])

    def start(
        self,
        workflow_id: str,
        deployment_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        allow_custom_parameters: bool = False,
        force: bool = False,
        dry_run: bool = False,
        queue: bool = False,
        scheduled_time: str | None = None,
        wait_after_fail: int | None = None,
        timeout: float | None = None,
    ) -> Execution:
        """Start a workflow of a deployment, and return the execution when it is stored.

        ``queue`` waits for another execution of the deployment to end, ``force`` runs beside it;
        ``scheduled_time`` is ISO 8601; ``wait_after_fail`` is for how many seconds running operations are
        awaited after one has failed (600); ``timeout`` for how many it may run before it is cancelled. Raises
        NoSuchWorkflow, BadParameters, NotFound for the deployment, and ExecutionRunning unless ``queue`` or
        ``force``.
        """
        body: dict[str, Any] = {
            "workflow_id": workflow_id,
            "deployment_id": deployment_id,
            "parameters": dict(parameters or {}),
            "allow_custom_parameters": allow_custom_parameters,
            "force": force,
            "dry_run": dry_run,
            "queue": queue,
        }
        if scheduled_time is not None:
            body["scheduled_time"] = scheduled_time
        if wait_after_fail is not None:
            body["wait_after_fail"] = wait_after_fail
        if timeout is not None:
            body["timeout"] = timeout
        return cast("Execution", self._transport.request("POST", self.path, json=body))

    def cancel(self, identifier: str, action: str = "cancel", *, grace: float | None = None) -> Execution:
        """Request a cancellation, and return the execution when the request is stored.

        ``action`` is ``cancel``, ``force-cancel`` or ``kill``; ``grace`` is the number of seconds after which
        a ``cancel`` becomes a ``force-cancel`` by itself. Raises NotFound, and IllegalAction if the execution
        has ended, or if as much was requested before.
        """
        body: dict[str, Any] = {"action": action}
        if grace is not None:
            body["grace"] = grace
        return cast("Execution", self._transport.request("POST", self._one(identifier), json=body))

    def retry_now(self, identifier: str) -> Execution:
        """Have operations that wait for another attempt tried again at once, and return the execution.

        Raises NotFound, and IllegalAction if the execution does not run.
        """
        body = {"action": "retry-now"}
        return cast("Execution", self._transport.request("POST", self._one(identifier), json=body))

    def resume(self, identifier: str, *, reset_operations: bool = False) -> Execution:
        """Resume a failed or cancelled execution, and return it.

        ``reset_operations`` runs operations again whose outcome is unknown. Raises NotFound, and
        IllegalAction if the execution has not ended, or succeeded.
        """
        body = {"action": "force-resume" if reset_operations else "resume"}
        return cast("Execution", self._transport.request("POST", self._one(identifier), json=body))
