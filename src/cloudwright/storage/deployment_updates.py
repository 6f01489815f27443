"""Updates of deployments: stored with their execution, switched to the new plan, and ended.

An update is going on for as long as its execution is: whatever ends the execution ends it, in the same
transaction. The new plan begins to hold in one transaction, in the middle of the execution.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from cloudwright.errors import NotFound
from cloudwright.model.deployment_update import GOING_ON, DeploymentUpdate, UpdateState
from cloudwright.model.node_packing import pack
from cloudwright.model.topology import NodeInstance
from cloudwright.storage.columns import is_any
from cloudwright.storage.instances import add_instances, node_instances
from cloudwright.storage.locks import lock_deployment
from cloudwright.storage.paging import Page, columns_of, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import deployment_updates as table
from cloudwright.storage.schema import deployments, nodes
from cloudwright.storage.schema import node_instances as instance_rows
from cloudwright.storage.visibility import Tenancy, seen

_SELECT = select(*columns_of(DeploymentUpdate, table))
_GET = Prepared(_SELECT.where(table.c.id == bindparam("update_id")))
_OF_EXECUTION = Prepared(_SELECT.where(table.c.execution_id == bindparam("execution")))
_END = Prepared(
    update(table)
    .where(table.c.execution_id == bindparam("execution"), is_any(table.c.state, GOING_ON))
    .values(state=bindparam("final"), ended_at=bindparam("when"), reason=bindparam("why"))
)
_REOPEN = Prepared(
    update(table)
    .where(
        table.c.execution_id == bindparam("execution"),
        is_any(table.c.state, {UpdateState.FAILED, UpdateState.CANCELLED}),
    )
    .values(state=UpdateState.UPDATING, ended_at=None, reason=None)
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: table.c[name] for name in ("id", "deployment_id", "state", "created_at", "created_by")
}
#: The columns of a deployment that an update writes.
COLUMNS = (
    "blueprint_id",
    "inputs",
    "outputs",
    "capabilities",
    "workflows",
    "groups",
    "policies",
    "scaling_groups",
    "labels",
    "resource_tags",
    "description",
    "runtime_only_evaluation",
)


def get(conn: Connection, tenant: str, id: str) -> DeploymentUpdate:
    """Raises NotFound."""
    row = _GET.first(conn, update_id=id)
    if row is None or row[1] != tenant:
        raise NotFound(f"There is no deployment update `{id}` in tenant `{tenant}`.")
    return DeploymentUpdate(*row)


def of_execution(conn: Connection, execution_id: str) -> DeploymentUpdate | None:
    row = _OF_EXECUTION.first(conn, execution=execution_id)
    return None if row is None else DeploymentUpdate(*row)


def list_updates(
    conn: Connection,
    tenant: Tenancy,
    page: Page,
    *,
    deployment_ids: Collection[str] | None = None,
    states: Collection[str] | None = None,
) -> tuple[list[DeploymentUpdate], int]:
    conditions = one_of(
        {
            table.c.deployment_id: deployment_ids,
            table.c.state: None if states is None else [UpdateState(state) for state in states],
        }
    )
    return read_page(
        conn,
        _SELECT.where(*seen(tenant, table), *conditions),
        DeploymentUpdate,
        page,
        sortable=_SORTABLE,
        default=(table.c.created_at,),
        unique=(table.c.id,),
    )


def add(conn: Connection, new: DeploymentUpdate, now: datetime) -> DeploymentUpdate:
    values = {field.name: getattr(new, field.name) for field in fields(new)} | {"created_at": now}
    conn.execute(insert(table), values)
    return get(conn, new.tenant, new.id)


def add_nodes(conn: Connection, id: str, tenant: str) -> None:
    """Add the new nodes and instances, beside what there is: they are installed first."""
    stored = get(conn, tenant, id)
    key = {"tenant": tenant, "deployment_id": stored.deployment_id}
    known = set(conn.scalars(select(nodes.c.id).where(*_own(nodes, key))))
    wanted = [node for node in stored.target["nodes"] if node["id"] not in known]
    if wanted:
        rows = [
            {**key, "id": node["id"], "node": node, "planned_instances": _planned(node), "position": place}
            for place, node in enumerate(wanted, len(known))
        ]
        conn.execute(insert(nodes), rows)
    _add_instances(conn, stored)


def switch(conn: Connection, id: str, tenant: str, now: datetime) -> DeploymentUpdate:
    """Let the new plan hold: its nodes, instances and relationships. Does nothing if it holds already."""
    stored = get(conn, tenant, id)
    if stored.switched:
        return stored
    lock_deployment(conn, tenant, stored.deployment_id)
    key = {"tenant": tenant, "deployment_id": stored.deployment_id}
    removed = stored.topology["removed"]
    if removed:
        _keep_left_behind(conn, stored)
        conn.execute(
            delete(instance_rows).where(instance_rows.c.tenant == tenant, instance_rows.c.id.in_(removed))
        )
    _write_nodes(conn, key, stored.target["nodes"], now, stored.target["columns"])
    _add_instances(conn, stored)
    for instance_id, relationships in stored.topology["relationships"].items():
        conn.execute(
            update(instance_rows)
            .where(instance_rows.c.tenant == tenant, instance_rows.c.id == instance_id)
            .values(relationships=relationships)
        )
    conn.execute(
        update(table).where(table.c.id == id).values(switched=True, state=UpdateState.EXECUTING_WORKFLOW)
    )
    return get(conn, tenant, id)


def _keep_left_behind(conn: Connection, stored: DeploymentUpdate) -> None:
    """Keep with the deployment what is known of instances that are forgotten without being taken down."""
    skipped = set(stored.options.get("skip") or ()) & set(stored.topology["removed"])
    found = [
        {
            "id": one.id,
            "node_id": one.node_id,
            "state": one.state,
            "runtime_properties": one.runtime_properties,
            "update_id": stored.id,
        }
        for one in node_instances(conn, stored.tenant, stored.deployment_id)
        if one.id in skipped
    ]
    if found:
        this = (deployments.c.tenant == stored.tenant, deployments.c.id == stored.deployment_id)
        known = conn.execute(select(deployments.c.left_behind).where(*this)).scalar() or []
        conn.execute(update(deployments).where(*this).values(left_behind=[*known, *found]))


def finish(conn: Connection, id: str, tenant: str, now: datetime) -> DeploymentUpdate:
    conn.execute(
        update(table)
        .where(table.c.id == id, table.c.tenant == tenant)
        .values(state=UpdateState.SUCCESSFUL, ended_at=now)
    )
    return get(conn, tenant, id)


def end_of_execution(conn: Connection, execution_id: str, *, cancelled: bool, now: datetime) -> None:
    """End what the execution has not ended itself, for it is over."""
    final = UpdateState.CANCELLED if cancelled else UpdateState.FAILED
    _END.run(conn, execution=execution_id, final=final, when=now, why="Its execution ended before it")


def reopen(conn: Connection, execution_id: str) -> None:
    """Take up again what the end of the execution had ended, for it is resumed."""
    _REOPEN.run(conn, execution=execution_id)


def _add_instances(conn: Connection, stored: DeploymentUpdate) -> None:
    present = {one.id for one in node_instances(conn, stored.tenant, stored.deployment_id)}
    missing = [NodeInstance(**one) for one in stored.topology["added"] if one["id"] not in present]
    add_instances(conn, stored.tenant, missing)


def _write_nodes(
    conn: Connection,
    key: dict[str, str],
    wanted: list[dict[str, Any]],
    now: datetime,
    columns: dict[str, Any],
) -> None:
    packed, shared = pack(wanted)
    known = set(conn.scalars(select(nodes.c.id).where(*_own(nodes, key))))
    gone = known - {node["id"] for node in wanted}
    if gone:
        conn.execute(delete(nodes).where(*_own(nodes, key), nodes.c.id.in_(gone)))
    for place, (node, stored) in enumerate(zip(wanted, packed, strict=True)):
        values = {"node": stored, "planned_instances": _planned(node), "position": place}
        if node["id"] in known:
            conn.execute(update(nodes).where(*_own(nodes, key), nodes.c.id == node["id"]).values(values))
        else:
            conn.execute(insert(nodes), {**key, "id": node["id"], **values})
    this = (deployments.c.tenant == key["tenant"], deployments.c.id == key["deployment_id"])
    values = {name: columns[name] for name in COLUMNS} | {"shared": shared, "updated_at": now}
    conn.execute(update(deployments).where(*this).values(values))


def _own(rows: Any, key: dict[str, str]) -> tuple[ColumnElement[bool], ...]:
    return rows.c.tenant == key["tenant"], rows.c.deployment_id == key["deployment_id"]


def _planned(node: dict[str, Any]) -> int:
    scalable = node.get("capabilities", {}).get("scalable", {}).get("properties", {})
    return int(scalable.get("planned_instances", 1))


def last(conn: Connection, tenant: str, deployment_id: str) -> DeploymentUpdate | None:
    """Return the newest update of the deployment, or None."""
    newest = (
        _SELECT.where(table.c.tenant == tenant, table.c.deployment_id == deployment_id)
        .order_by(table.c.created_at.desc())
        .limit(1)
    )
    row = conn.execute(newest).first()
    return None if row is None else DeploymentUpdate(*row)
