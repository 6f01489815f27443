"""Requests of users: start, cancel and resume an execution. Each is stored first, and then pushed to the
execution's owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.errors import IllegalAction, InvalidInput, NotFound
from cloudwright.manager.dependencies import check_unused
from cloudwright.manager.input_references import InputReferences
from cloudwright.manager.preflight import Preflight
from cloudwright.manager.secrets import SecretReader, Secrets
from cloudwright.manager.viewers import executing_viewer
from cloudwright.manager.workflow_availability import check_exists, check_rules, find_workflow
from cloudwright.model.execution import (
    END_STATUSES,
    MAX_DEPTH,
    Caller,
    CancelMode,
    ExecutionStatus,
    decide_cancel,
)
from cloudwright.planning import validate_parameters
from cloudwright.storage import audit, deployments, manager_queries
from cloudwright.storage.executions import admission, cancellation
from cloudwright.storage.records import CancelResult, Deployment, Execution, NewExecution
from cloudwright.storage.store import Connection, Store

_UNINSTALL = "uninstall"
#: How long (seconds) a request to stop may wait for the database before it is carried out.
STOP_FIRST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class StartExecution:
    """A request to run a workflow. ``queue`` waits behind a running execution of the deployment; ``force``
    runs beside it. ``caller`` is the process that asks from inside of another execution, if one does.
    ``timeout`` (seconds) cancels it at that age; None takes the workflow's own, if it has one. ``as_child``:
    the caller's execution waits for it, so that a request to cancel that one reaches this one.
    """

    tenant: str
    deployment_id: str
    workflow_id: str
    by: str
    parameters: dict[str, Any] = field(default_factory=dict)
    dry_run: bool = False
    queue: bool = False
    force: bool = False
    allow_custom_parameters: bool = False
    scheduled_for: datetime | None = None
    wait_after_fail: int = 600
    caller: Caller | None = None
    timeout: float | None = None
    as_child: bool = False


@dataclass(frozen=True, slots=True)
class PreparedExecution:
    """An execution that was checked as far as that is possible before it is stored."""

    deployment: Deployment
    new: NewExecution
    caller: Caller | None
    as_child: bool = False


class Begins(Protocol):
    """Decides which operations may begin (``dispatcher.Dispatcher``)."""

    def hold(self, execution_id: str) -> AbstractContextManager[None]:
        """Let no operation of the execution begin."""

    def revoke_granted(self, execution_id: str) -> None:
        """Revoke the execution's operations that were granted and were not sent ``begin``."""


class Executions:
    def __init__(
        self,
        store: Store,
        bus: Bus,
        begins: Begins,
        *,
        apply_cancel: Callable[[str, int, CancelMode], None],
        secrets: Secrets,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        """``apply_cancel`` ends what this manager runs of an execution (id, term), as ``mode`` says."""
        self._store = store
        self._bus = bus
        self._begins = begins
        self._apply_cancel = apply_cancel
        self._secrets = secrets
        self._clock = clock
        self._new_id = new_id
        self._preflight = Preflight()

    async def start(
        self, request: StartExecution, beside: Callable[[Connection, Execution], None] | None = None
    ) -> Execution:
        """Store a new execution, to be started as soon as there is a place for it.

        ``beside`` stores more in the same transaction.

        Raises NotFound (deployment), NoSuchWorkflow, BadParameters, ExecutionRunning, and WorkflowUnavailable
        if the workflow is not built yet or, without ``force``, its rules exclude it now; CannotRun if it
        needs operations that cannot run.
        """
        prepared = await self.prepare(request)
        new = prepared.new
        audit.refer(new.id, deployment_id=prepared.deployment.id, workflow_id=new.workflow_id)
        execution = await self._store.write_about(
            (prepared.new.id,),
            create_prepared,
            prepared,
            queue=request.queue,
            force=request.force,
            beside=beside,
            now=self._clock(),
        )
        self._bus.publish(topics.WORK, {"id": execution.id})
        self._changed(execution)
        return execution

    async def prepare(self, request: StartExecution) -> PreparedExecution:
        """Check what an execution needs before it is stored. Raises what ``start`` raises for that."""
        deployment = await self._store.read(deployments.get, request.tenant, request.deployment_id)
        workflow = find_workflow(deployment, request.workflow_id)
        check_exists(deployment, request.workflow_id)
        # In a thread: a pattern that parameters have to match may take a while.
        parameters = await asyncio.to_thread(
            validate_parameters,
            workflow,
            request.parameters,
            allow_custom=request.allow_custom_parameters,
            lookup=self._lookup(request),
        )
        if not request.dry_run and self._preflight.is_needed(deployment, workflow):
            await self._store.read(self._preflight.check, deployment, request.workflow_id, parameters)
        new = NewExecution(
            id=self._new_id(),
            workflow_id=request.workflow_id,
            deployment_id=deployment.id,
            blueprint_id=deployment.blueprint_id,
            tenant=request.tenant,
            parameters=parameters,
            is_dry_run=request.dry_run,
            allow_custom_parameters=request.allow_custom_parameters,
            wait_after_fail=request.wait_after_fail,
            timeout=workflow.get("timeout") if request.timeout is None else request.timeout,
            created_by=request.by,
            scheduled_for=request.scheduled_for,
        )
        return PreparedExecution(deployment, new, request.caller, request.as_child)

    def _lookup(self, request: StartExecution) -> InputReferences:
        def reader(conn: Connection) -> SecretReader:
            return self._secrets.reader(conn, partial(executing_viewer, conn, request.by), request.tenant)

        return InputReferences(
            self._store,
            request.tenant,
            None,
            reader,
            own=request.deployment_id,
        )

    async def cancel(
        self, tenant: str, execution_id: str, mode: CancelMode, *, by: str, grace: float | None = None
    ) -> Execution:
        """Store a request to cancel and push it to the execution's owner, without waiting for the end.

        ``grace`` (seconds) turns a standard cancel into a forced one if the execution has not ended by then;
        None takes the deployment's default, if it has one. Raises NotFound, and IllegalAction if the request
        cannot be made.
        """
        if grace is not None and (grace < 0 or mode is not CancelMode.CANCEL):
            raise InvalidInput("grace must be at least 0 seconds, and applies to standard cancellation only.")
        with self._begins.hold(execution_id), ExitStack() as held:
            for child in await self.descendants(execution_id):
                held.enter_context(self._begins.hold(child))
            # Its time is that of the store, so that no operation seems to have been granted after it.
            now = self._clock()
            write = self._store.write_about(
                (execution_id,), cancel_stored, tenant, execution_id, mode, by, grace, now
            )
            await self.stop_first(write, tenant, (execution_id,), mode)
            result = await write
            for stored in accepted(result):
                self._begins.revoke_granted(stored.execution.id)
        if result.decision.refusal is not None:
            raise IllegalAction(f"Execution {execution_id} cannot be cancelled: {result.decision.refusal}.")
        push_cancel(self._bus, result, mode)
        return result.execution

    async def descendants(self, execution_id: str) -> list[str]:
        """Return the executions below this one; none if the database is away, where the request waits."""
        if self._store.trouble is not None:
            return []
        return await self._store.read(manager_queries.descendants, execution_id)

    async def stop_first(
        self, write: asyncio.Future[Any], tenant: str, execution_ids: Iterable[str], mode: CancelMode
    ) -> None:
        """Carry a request out before it is stored, if the database takes no writes: a full disk must not keep
        what runs from being ended. The request is stored, ahead of the end that it leads to, once there is
        room; so is all that a workflow does that is only asked to stop, once it knows of the request.
        """
        while not (await asyncio.wait([write], timeout=STOP_FIRST_SECONDS))[0]:
            if self._store.trouble is None:
                continue
            for id in execution_ids:
                execution = await self._store.read(manager_queries.get, id, tenant)
                if decide_cancel(execution.status, mode).refusal is None:
                    self._apply_cancel(id, execution.term, mode)
            return

    async def check_may_create(self, caller: Caller) -> None:
        """Check that a process of an execution may create or start something.

        Raises ForbiddenWhileCancelling if its execution was asked to stop, and this is not its clean-up.
        """
        await self._store.write_about((caller.execution_id,), cancellation.check_may_create, caller)

    async def resume(
        self,
        tenant: str,
        execution_id: str,
        *,
        by: str,
        reset_operations: bool = False,
        caller: Caller | None = None,
        as_child: bool = False,
    ) -> Execution:
        """Put a cancelled or failed execution back into the queue. With ``as_child`` the caller's execution
        waits for it. Raises NotFound, IllegalAction, ExecutionRunning, ForbiddenWhileCancelling.
        """
        execution = await self._store.write_about(
            (execution_id,),
            _resume,
            tenant,
            execution_id,
            by,
            reset_operations,
            caller,
            as_child,
            self._clock(),
        )
        self._bus.publish(topics.WORK, {"id": execution.id})
        self._changed(execution)
        return execution

    async def retry_now(self, tenant: str, execution_id: str, *, by: str) -> Execution:
        """Have the execution's operations that wait for another attempt tried again at once.

        Nothing of it is stored: what does not wait, or a manager that has just died, makes it void. Raises
        NotFound, and IllegalAction if the execution does not run.
        """
        execution = await self._store.read(manager_queries.get, execution_id, tenant)
        if execution.status is not ExecutionStatus.STARTED or execution.owner is None:
            raise IllegalAction(
                f"Execution {execution_id} is `{execution.status}`: nothing of it waits to be tried again."
            )
        message = {"retry": execution.id, "term": execution.term, "by": by}
        self._bus.publish(topics.control(execution.owner), message)
        return execution

    def _changed(self, execution: Execution) -> None:
        self._bus.publish(topics.execution(execution.id), {"kind": "status"})


def accepted(result: CancelResult) -> Iterator[CancelResult]:
    """Yield the request and those that it was passed on as, without those that were refused."""
    if result.decision.refusal is None:
        yield result
    for passed_on in result.passed_on:
        yield from accepted(passed_on)


def push_cancel(bus: Bus, result: CancelResult, mode: CancelMode) -> None:
    """Push a stored request, and those that it was passed on as, to the owners of their executions."""
    for stored in accepted(result):
        execution = stored.execution
        if stored.decision.kill_residuals:
            message = {"kill": execution.id, "term": execution.term}
            bus.publish(topics.control(topics.EVERYBODY), message)
        if execution.owner is not None:
            message = {
                "execution": execution.id,
                "term": execution.term,
                "mode": str(mode),
                "deadline": execution.deadline is not None,
            }
            bus.publish(topics.control(execution.owner), message)
        else:
            # It ended at once, or waits only for its children: what is being prepared for it is not needed
            # any more, and it may have made room for one that was queued behind it.
            bus.publish(topics.WORK, {"ended": execution.id})
            if execution.status not in END_STATUSES:
                bus.publish(topics.control(topics.EVERYBODY), {"unowned": execution.id})
        bus.publish(topics.execution(execution.id), {"kind": "status"})


def create_prepared(
    conn: Connection,
    prepared: PreparedExecution,
    *,
    queue: bool,
    force: bool,
    group_id: str | None = None,
    beside: Callable[[Connection, Execution], None] | None = None,
    now: datetime,
) -> Execution:
    """Store an execution, queued if it is of a group. Raises ExecutionRunning, WorkflowUnavailable."""
    deployment, new, caller = prepared.deployment, replace(prepared.new, group_id=group_id), prepared.caller
    if caller is not None and cancellation.check_may_create(conn, caller):
        new = replace(new, cleanup_of=caller.execution_id)
    if prepared.as_child:
        new = _as_child(conn, new, caller)
    execution = admission.create(conn, new, queue=queue, force=force, now=now)
    # What holds when a queued or scheduled one starts is not known yet, but most of a group start at once.
    if (execution.status is ExecutionStatus.PENDING or group_id is not None) and not force:
        check_rules(conn, deployment, new.workflow_id)
    if new.workflow_id == _UNINSTALL and not force and not new.is_dry_run:
        recursive = bool(new.parameters.get("recursive"))
        check_unused(conn, new.tenant, deployment.id, "uninstalled", caller, recursive=recursive)
    if beside is not None:
        beside(conn, execution)
    return execution


def _as_child(conn: Connection, new: NewExecution, caller: Caller | None) -> NewExecution:
    if caller is None:
        raise InvalidInput("`as_child` is for what an execution starts: nothing else would wait.")
    parent = manager_queries.get(conn, caller.execution_id)
    if parent.deployment_id == new.deployment_id and parent.tenant == new.tenant:
        raise IllegalAction(
            f"Execution `{parent.id}` cannot wait for another one of its own deployment "
            f"`{new.deployment_id}`."
        )
    if parent.depth >= MAX_DEPTH:
        chain = " -> ".join(manager_queries.deployments_above(conn, parent))
        raise IllegalAction(
            f"Executions of more than {MAX_DEPTH} deployments would wait one for the other: {chain} -> "
            f"{new.deployment_id}."
        )
    return replace(new, parent_id=parent.id, parent_operation_id=caller.operation_id, depth=parent.depth + 1)


def cancel_stored(
    conn: Connection, tenant: str, id: str, mode: CancelMode, by: str, grace: float | None, now: datetime
) -> CancelResult:
    """Store a request to cancel; ``grace`` is that of the deployment if it is None. Raises NotFound."""
    execution = manager_queries.get(conn, id, tenant)
    if mode is CancelMode.CANCEL and grace is None:
        grace = default_grace(conn, execution)
    deadline = now + timedelta(seconds=grace) if grace is not None else None
    return cancellation.request_cancel(conn, id, mode, by=by, now=now, deadline=deadline)


def default_grace(conn: Connection, execution: Execution) -> float | None:
    """Return the grace period of the execution's deployment (seconds), if it has one."""
    if execution.deployment_id is None:
        return None
    try:
        grace = deployments.get(conn, execution.tenant, execution.deployment_id).settings.get(
            "cancel_grace_seconds"
        )
    except NotFound:
        # It was deleted after the execution had ended; the request is about to be refused for that.
        return None
    return float(grace) if grace is not None else None


def _resume(
    conn: Connection,
    tenant: str,
    id: str,
    by: str,
    reset_operations: bool,
    caller: Caller | None,
    as_child: bool,
    now: datetime,
) -> Execution:
    manager_queries.get(conn, id, tenant)
    cleanup = caller is not None and cancellation.check_may_create(conn, caller)
    if as_child:
        if caller is None:
            raise InvalidInput("`as_child` is for what an execution resumes: nothing else would wait.")
        admission.adopt(conn, id, caller, cleanup=cleanup)
    return admission.resume(conn, id, by=by, reset_operations=reset_operations, now=now)
