"""Groups of executions: one workflow on every deployment of a group, so many at a time.

All members are stored together with their group, queued; ``storage.executions.groups`` lets them out of the
queue whenever one ends. A request to stop a group is one transaction: it takes the group's places away, ends
what waits, and asks what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.errors import CloudwrightError, IllegalAction, InvalidInput
from cloudwright.manager.executions import (
    Begins,
    Executions,
    PreparedExecution,
    StartExecution,
    accepted,
    cancel_stored,
    create_prepared,
    push_cancel,
)
from cloudwright.model.execution import Caller, CancelMode, ExecutionStatus
from cloudwright.storage import audit, deployment_groups, execution_groups, group_members
from cloudwright.storage.execution_groups import ExecutionGroup, GroupView
from cloudwright.storage.executions import groups
from cloudwright.storage.records import CancelResult
from cloudwright.storage.store import Connection, Store

#: How many errors of members are named, if a group cannot be started.
SHOWN_ERRORS = 5
MAX_CONCURRENCY = 10_000
_STRENGTH = (None, CancelMode.CANCEL, CancelMode.FORCE, CancelMode.KILL)


@dataclass(frozen=True, slots=True)
class StartGroup:
    """A request to run a workflow on every deployment of a group. ``parameters`` are those of single
    deployments by their id, over ``default_parameters``. ``force`` runs it beside other executions.
    """

    tenant: str
    deployment_group_id: str
    workflow_id: str
    by: str
    default_parameters: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    force: bool = False
    concurrency: int = 5
    caller: Caller | None = None


class ExecutionGroups:
    def __init__(
        self,
        store: Store,
        bus: Bus,
        executions: Executions,
        begins: Begins,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._bus = bus
        self._executions = executions
        self._begins = begins
        self._clock = clock
        self._new_id = new_id

    async def get(self, tenant: str, id: str) -> GroupView:
        """Raises NotFound."""
        return await self._store.read(execution_groups.get_view, tenant, id)

    async def start(self, request: StartGroup) -> GroupView:
        """Store a group and its executions, and start as many as may run at a time.

        Raises NotFound (group), InvalidInput (no deployments, concurrency), and what starting one of them
        raises: then nothing of it is stored.
        """
        _check_concurrency(request.concurrency)
        source, ids = await self._store.read(
            deployment_groups.get_with_members, request.tenant, request.deployment_group_id
        )
        if not ids:
            raise InvalidInput(
                f"Deployment group `{request.deployment_group_id}` has no deployments to run"
                f" `{request.workflow_id}` on."
            )
        unknown = sorted(request.parameters.keys() - set(ids))
        if unknown:
            raise InvalidInput(
                f"There are parameters for `{unknown[0]}`, which is not in deployment group"
                f" `{request.deployment_group_id}`."
            )
        prepared = await self._prepare(request, ids)
        group = ExecutionGroup(
            id=self._new_id(),
            tenant=request.tenant,
            deployment_group_id=request.deployment_group_id,
            workflow_id=request.workflow_id,
            concurrency=request.concurrency,
            success_group_id=None,
            failure_group_id=None,
            cancel_mode=None,
            cancel_requested_by=None,
            cancel_requested_at=None,
            visibility=source.visibility,
            created_by=request.by,
            created_at=self._clock(),
        )
        audit.refer(
            group.id, deployment_group_id=request.deployment_group_id, workflow_id=request.workflow_id
        )
        members = [item.new.id for item in prepared]
        await self._store.write_about(members, _start, group, prepared, request, self._clock())
        return await self._moved(request.tenant, group.id, members)

    async def cancel(self, tenant: str, id: str, mode: CancelMode, *, by: str) -> GroupView:
        """Store a request to stop a group and push it to the owners of its executions.

        Raises NotFound, and IllegalAction if it reaches no execution.
        """
        kill = mode is CancelMode.KILL
        members = await self._store.read(_members_to_cancel, tenant, id, kill)
        with ExitStack() as held:
            for member in members:
                held.enter_context(self._begins.hold(member))
                for child in await self._executions.descendants(member):
                    held.enter_context(self._begins.hold(child))
            write = self._store.write_about(members, _cancel, tenant, id, mode, by, self._clock())
            await self._executions.stop_first(write, tenant, members, mode)
            results = await write
            for stored in (stored for result in results for stored in accepted(result)):
                self._begins.revoke_granted(stored.execution.id)
        for result in results:
            push_cancel(self._bus, result, mode)
        return await self._moved(tenant, id, ())

    async def resume(
        self, tenant: str, id: str, *, by: str, reset_operations: bool, caller: Caller | None = None
    ) -> GroupView:
        """Put what failed or was cancelled back into the queue. Raises NotFound, and IllegalAction if a
        resume can help none.
        """
        if caller is not None:
            await self._executions.check_may_create(caller)
        resumed = await self._store.write_about((), _resume, tenant, id, by, reset_operations, self._clock())
        return await self._moved(tenant, id, resumed)

    async def set_concurrency(self, tenant: str, id: str, concurrency: int) -> GroupView:
        """Have so many run at a time; what runs continues. Raises NotFound, InvalidInput."""
        _check_concurrency(concurrency)
        started = await self._store.write(_set_concurrency, tenant, id, concurrency, self._clock())
        return await self._moved(tenant, id, started)

    async def set_targets(
        self, tenant: str, id: str, *, success: str | None, failure: str | None
    ) -> GroupView:
        """Have deployments come into a group when their execution ends, those that have ended at once; None
        leaves it as it is. Raises NotFound, also for a group of deployments that does not exist.
        """
        await self._store.write(_set_targets, tenant, id, success, failure, self._clock())
        return await self._moved(tenant, id, ())

    async def _prepare(self, request: StartGroup, ids: Sequence[str]) -> list[PreparedExecution]:
        """Check what every member needs. Raises the first error, with the others named."""
        prepared, errors = [], []
        for deployment_id in ids:
            parameters = {**request.default_parameters, **request.parameters.get(deployment_id, {})}
            single = StartExecution(
                tenant=request.tenant,
                deployment_id=deployment_id,
                workflow_id=request.workflow_id,
                by=request.by,
                parameters=parameters,
                queue=True,
                force=request.force,
                caller=request.caller,
            )
            try:
                prepared.append(await self._executions.prepare(single))
            except CloudwrightError as error:
                errors.append((deployment_id, error))
        if errors:
            raise _joined(errors)
        return prepared

    async def _moved(self, tenant: str, id: str, members: Sequence[str]) -> GroupView:
        """Say that members may start, and return the group as it is."""
        self._bus.publish(topics.WORK, {})
        for member in members:
            self._bus.publish(topics.execution(member), {"kind": "status"})
        return await self.get(tenant, id)


def _check_concurrency(concurrency: int) -> None:
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise InvalidInput(f"`concurrency` must be from 1 to {MAX_CONCURRENCY}.")


def _joined(errors: Sequence[tuple[str, CloudwrightError]]) -> CloudwrightError:
    """Return the first error with the deployments that it and others are of."""
    first = errors[0][1]
    lines = [f"`{id}`: {error}" for id, error in errors[:SHOWN_ERRORS]]
    more = f"\nand {len(errors) - SHOWN_ERRORS} more" if len(errors) > SHOWN_ERRORS else ""
    message = f"Nothing was started, because {len(errors)} of the deployments cannot:\n"
    return type(first)(message + "\n".join(lines) + more)


def _start(
    conn: Connection,
    group: ExecutionGroup,
    prepared: Sequence[PreparedExecution],
    request: StartGroup,
    now: datetime,
) -> None:
    execution_groups.add(conn, group)
    errors = []
    for item in prepared:
        try:
            create_prepared(conn, item, queue=True, force=request.force, group_id=group.id, now=now)
        except CloudwrightError as error:
            errors.append((item.deployment.id, error))
    if errors:
        raise _joined(errors)
    groups.fill(conn, group.id, now)


def _members_to_cancel(conn: Connection, tenant: str, id: str, kill: bool) -> list[str]:
    execution_groups.get(conn, tenant, id)
    return groups.to_cancel(conn, id, kill=kill)


def _cancel(
    conn: Connection, tenant: str, id: str, mode: CancelMode, by: str, now: datetime
) -> list[CancelResult]:
    """Take the group's places away, then reach every member; what waits is first."""
    group = execution_groups.get(conn, tenant, id)
    members = groups.to_cancel(conn, id, kill=mode is CancelMode.KILL)
    if members and _STRENGTH.index(group.cancel_mode) < _STRENGTH.index(mode):
        execution_groups.change(conn, id, cancel_mode=mode, cancel_requested_by=by, cancel_requested_at=now)
    results = [cancel_stored(conn, tenant, member, mode, by, None, now) for member in members]
    reached = [result for result in results if result.decision.refusal is None]
    if not reached:
        why = f"{results[0].decision.refusal}" if results else "it is over already"
        raise IllegalAction(f"Execution group {id} cannot be cancelled: {why}.")
    return reached


def _resume(
    conn: Connection, tenant: str, id: str, by: str, reset_operations: bool, now: datetime
) -> list[str]:
    view = execution_groups.get_view(conn, tenant, id)
    resumed = groups.resume_members(conn, id, by=by, reset_operations=reset_operations, now=now)
    if not resumed:
        over = view.counts.get(ExecutionStatus.FAILED, 0) + view.counts.get(ExecutionStatus.CANCELLED, 0)
        why = (
            f"a resume cannot help the {over} executions that failed or were cancelled"
            if over
            else "none of its executions failed or was cancelled"
        )
        raise IllegalAction(f"Execution group {id} cannot be resumed: {why}.")
    execution_groups.change(conn, id, cancel_mode=None, cancel_requested_by=None, cancel_requested_at=None)
    groups.fill(conn, id, now)
    return resumed


def _set_concurrency(conn: Connection, tenant: str, id: str, concurrency: int, now: datetime) -> list[str]:
    execution_groups.get(conn, tenant, id)
    execution_groups.change(conn, id, concurrency=concurrency)
    return groups.fill(conn, id, now)


def _set_targets(
    conn: Connection, tenant: str, id: str, success: str | None, failure: str | None, now: datetime
) -> None:
    execution_groups.get(conn, tenant, id)
    given = {"success_group_id": success, "failure_group_id": failure}
    changes = {name: value for name, value in given.items() if value is not None}
    for target in changes.values():
        deployment_groups.get(conn, tenant, target)
    if changes:
        execution_groups.change(conn, id, **changes)
    targets = {ExecutionStatus.TERMINATED: success, ExecutionStatus.FAILED: failure}
    for deployment_id, status in groups.ended_members(conn, id):
        into = targets.get(status)
        if into is not None:
            group_members.add_if_there(conn, tenant, into, deployment_id, now)
