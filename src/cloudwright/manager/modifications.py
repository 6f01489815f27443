"""Modifications of deployments: planned from what there is, and stored if that is still what there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudwright.errors import Conflict, IllegalAction, InvalidInput
from cloudwright.manager.identifiers import instance_suffix
from cloudwright.manager.instance_changes import InstanceChange
from cloudwright.model.execution import ACTIVE_STATUSES
from cloudwright.model.instance_changes import Action
from cloudwright.model.instance_health import is_status_ok
from cloudwright.model.modification import Modification, ModificationStatus
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import Modification as Plan
from cloudwright.planning import Scaling, scale
from cloudwright.storage import audit, deployments, instances, manager_queries, modifications
from cloudwright.storage.filters import ExecutionFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Deployment
from cloudwright.storage.store import Connection, Store

#: Workflows that change or repair instances, beside which none is added or removed.
CHANGING = frozenset({"heal", "scale", "update"})
_STARTED = "started"
# How often a plan is made again because the deployment changed meanwhile.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class OwnStep:
    """A step of an execution: its number, under which term it is made, and how often it was resumed."""

    execution_id: str
    term: int
    number: int
    resumed: int


class Modifications:
    """``new_id`` makes the ids of modifications, and the suffixes of node instances' ids."""

    def __init__(self, store: Store, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def start(
        self,
        tenant: str,
        deployment_id: str,
        nodes: Mapping[str, Any],
        *,
        by: str | None,
        context: Any = None,
        step: OwnStep | None = None,
        execution_id: str | None = None,
    ) -> tuple[Modification, list[InstanceChange]]:
        """Start a modification, or return the one that the same step of an execution started before.

        With it goes, if it is a new one, what becomes of which instance and why.

        ``nodes`` is ``{node or scaling group: {"instances", "removed_ids_include_hint",
        "removed_ids_exclude_hint"}}``. Raises InvalidInput, IllegalAction, NotFound.
        """
        for _ in range(_ATTEMPTS):
            known, deployment, rows, there = await self._store.read(
                _read, tenant, deployment_id, step, execution_id
            )
            if known is not None:
                return known, []
            change = await asyncio.to_thread(self._plan, deployment, rows, there, nodes)
            new = self._made(deployment, there, change, nodes, by, context, step, execution_id)
            expected = [one.id for one in there]
            term = None if step is None else step.term
            audit.refer(new.id, deployment_id=deployment_id)
            try:
                started = await self._store.write(
                    modifications.start, new, expected, term=term, now=self._clock()
                )
                return started, _changes(change)
            except Conflict as conflict:
                refused = conflict
        raise refused

    async def preview(
        self, tenant: str, deployment_id: str, nodes: Mapping[str, Any], execution_id: str | None = None
    ) -> list[InstanceChange]:
        """Return what a modification would do; nothing is stored. Raises as ``start``."""
        _, deployment, rows, there = await self._store.read(_read, tenant, deployment_id, None, execution_id)
        return _changes(await asyncio.to_thread(self._plan, deployment, rows, there, nodes))

    async def stored(self, step: OwnStep) -> Modification | None:
        """Return the modification that the step started before, if it is to be continued."""
        known = await self._store.write(modifications.of_step, step.execution_id, step.number)
        return known if known is not None and _is_same_run(known, step) else None

    async def finish(self, tenant: str, id: str, step: OwnStep | None = None) -> Modification:
        """Raises NotFound, IllegalAction."""
        return await self._store.write(_finish, tenant, id, step, self._clock())

    async def rollback(
        self, tenant: str, id: str, step: OwnStep | None = None, reason: str | None = None
    ) -> Modification:
        """Raises NotFound, IllegalAction."""
        return await self._store.write(_rollback, tenant, id, step, reason, self._clock())

    def _plan(
        self,
        deployment: Deployment,
        nodes: list[dict[str, Any]],
        there: list[NodeInstance],
        wanted: Mapping[str, Any],
    ) -> Plan:
        return scale(
            nodes,
            deployment.scaling_groups,
            there,
            scalings(nodes, deployment.scaling_groups, there, wanted),
            deployment_id=deployment.id,
            new_id=lambda name: f"{name}_{instance_suffix(self._new_id())}",
        )

    def _made(
        self,
        deployment: Deployment,
        there: list[NodeInstance],
        change: Plan,
        nodes: Mapping[str, Any],
        by: str | None,
        context: Any,
        step: OwnStep | None,
        execution_id: str | None,
    ) -> Modification:
        added = {one.id for one in change.added}
        targets = {entry["target_id"] for one in change.added for entry in one.relationships} - added
        return Modification(
            id=self._new_id(),
            tenant=deployment.tenant,
            deployment_id=deployment.id,
            status=ModificationStatus.STARTED,
            modified_nodes={
                name: {**wanted, "instances": change.counts[name]} for name, wanted in nodes.items()
            },
            added=modifications.as_rows(change.added),
            removed=[one.id for one in change.removed],
            related=dict(change.relationships),
            targets=sorted(targets),
            before=modifications.as_rows(there),
            context=context,
            execution_id=execution_id if step is None else step.execution_id,
            step=None if step is None else step.number,
            resumed=0 if step is None else step.resumed,
            created_by=by,
        )


def _changes(plan: Plan) -> list[InstanceChange]:
    return [
        InstanceChange(one.id, one.node_id, action, plan.reasons.get(one.id, ""))
        for action, instances in ((Action.ADD, plan.added), (Action.REMOVE, plan.removed))
        for one in instances
    ]


def _is_same_run(known: Modification, step: OwnStep) -> bool:
    """Return whether the step continues with ``known``: not if a user has resumed the execution after it was
    taken back.
    """
    taken_back = known.status in (ModificationStatus.ROLLEDBACK, ModificationStatus.FAILED)
    return not taken_back or known.resumed == step.resumed


def scalings(
    nodes: list[dict[str, Any]],
    groups: Mapping[str, Any],
    there: list[NodeInstance],
    wanted: Mapping[str, Any],
) -> dict[str, Scaling]:
    """Return what a request asks for. Raises InvalidInput, and IllegalAction beyond what is allowed."""
    bounds = {node["id"]: node["capabilities"]["scalable"]["properties"] for node in nodes}
    bounds |= {name: group["properties"] for name, group in groups.items()}
    doubtful = {one.id: doubt for one in there if (doubt := _doubt(one))}
    result = {}
    for name, change in wanted.items():
        if name not in bounds:
            raise InvalidInput(f"The deployment has no node and no scaling group `{name}`.")
        count = change.get("instances") if isinstance(change, Mapping) else None
        if not isinstance(count, int) or isinstance(count, bool):
            raise InvalidInput(f"`instances` of `{name}` is {count!r}, and has to be a number.")
        _check_bounds(name, count, bounds[name])
        result[name] = Scaling(
            count,
            remove_first=frozenset(change.get("removed_ids_include_hint") or ()),
            keep=frozenset(change.get("removed_ids_exclude_hint") or ()),
            doubtful=doubtful,
        )
    return result


def _doubt(one: NodeInstance) -> str:
    """Return why an instance goes before others, or nothing."""
    if one.state != _STARTED:
        return f"it is {one.state}, not started"
    return "" if is_status_ok(one.system_properties) else "its check failed"


def _check_bounds(name: str, count: int, properties: Mapping[str, Any]) -> None:
    if count < 0:
        raise IllegalAction(f"`{name}` cannot have {count} instances.")
    least, most = properties.get("min_instances", 0), properties.get("max_instances", -1)
    now = properties.get("current_instances", count)
    if count < least and count < now:
        raise IllegalAction(f"`{name}` cannot have {count} instances: its blueprint wants {least} at least.")
    if 0 <= most < count and count > now:
        raise IllegalAction(f"`{name}` cannot have {count} instances: its blueprint allows {most} at most.")


def _read(
    conn: Connection, tenant: str, deployment_id: str, step: OwnStep | None, execution_id: str | None
) -> tuple[Modification | None, Deployment, list[dict[str, Any]], list[NodeInstance]]:
    deployment = deployments.get(conn, tenant, deployment_id)
    if step is not None:
        known = modifications.of_step(conn, step.execution_id, step.number)
        if known is not None and _is_same_run(known, step):
            return known, deployment, [], []
    own = execution_id if step is None else step.execution_id
    _check_alone(conn, tenant, deployment_id, own)
    nodes = [row.node for row in deployments.nodes(conn, tenant, deployment_id)]
    return None, deployment, nodes, instances.node_instances(conn, tenant, deployment_id)


def _check_alone(conn: Connection, tenant: str, deployment_id: str, own: str | None) -> None:
    """Raise IllegalAction if another execution changes the deployment, which one of the two was forced to."""
    active = ExecutionFilter(tenant=tenant, deployment_ids=[deployment_id], statuses=list(ACTIVE_STATUSES))
    for other in manager_queries.list_executions(conn, active, EVERYTHING)[0]:
        if other.id != own and other.workflow_id in CHANGING:
            raise IllegalAction(
                f"The instances of deployment `{deployment_id}` are being changed: `{other.workflow_id}` "
                f"(execution `{other.id}`) is `{other.status}`. Wait until it is over, or stop it: "
                f"`cfy executions cancel {other.id}`."
            )


def _finish(conn: Connection, tenant: str, id: str, step: OwnStep | None, now: datetime) -> Modification:
    if step is not None:
        modifications.check_owner(conn, step.execution_id, step.term)
    return modifications.finish(conn, tenant, id, now)


def _rollback(
    conn: Connection, tenant: str, id: str, step: OwnStep | None, reason: str | None, now: datetime
) -> Modification:
    if step is not None:
        modifications.check_owner(conn, step.execution_id, step.term)
    return modifications.rollback(conn, tenant, id, now, reason)
