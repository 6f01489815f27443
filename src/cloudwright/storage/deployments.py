"""Deployments and their nodes.

Nodes are stored packed (``model.node_packing``): what several nodes of a deployment have in common is stored
once, in the deployment's row. Queries return whole nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, insert, not_, select
from sqlalchemy import update as sql_update

from cloudwright.errors import DependentExists, NotFound
from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.model.node_packing import Shared, Unpacking, pack
from cloudwright.model.operation import OperationState
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import blueprints, labels
from cloudwright.storage.columns import is_, is_any
from cloudwright.storage.deployment_states import DEPLOYMENT_STATUS, INSTALLATION_STATUS
from cloudwright.storage.executions.recorded import leave_executions
from cloudwright.storage.filter_rules import fulfil
from cloudwright.storage.filters import DeploymentFilter, NodeFilter
from cloudwright.storage.instances import add_instances, of_deployments
from cloudwright.storage.keyed_table import KeyedTable
from cloudwright.storage.locks import lock_deployment
from cloudwright.storage.paging import EVERYTHING, Page, columns_of, holds, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import OPERATION, Deployment, JsonObject, NodeRow, Owner
from cloudwright.storage.schema import (
    deployment_group_members,
    deployment_labels,
    deployments,
    executions,
    operations,
)
from cloudwright.storage.schema import node_instances as instance_rows
from cloudwright.storage.schema import nodes as node_rows
from cloudwright.storage.visibility import seen

#: States of node instances that stand for nothing real.
_NOT_LIVE = ("uninitialized", "deleted")
_CATALOGUE = KeyedTable(
    Deployment,
    deployments,
    "deployment",
    changeable={column.name for column in deployments.columns}
    - {"tenant", "id", "created_by", "created_at", "shared"},
)
_OWNERS = select(*columns_of(Owner, deployments))
_THIS = and_(deployments.c.tenant == bindparam("of_tenant"), deployments.c.id == bindparam("deployment"))
_SET_SHARED = Prepared(sql_update(deployments).where(_THIS).values(shared=bindparam("parts")))
_SHARED = Prepared(select(deployments.c.shared).where(_THIS))
_OF_DEPLOYMENT = and_(
    node_rows.c.tenant == bindparam("of_tenant"), node_rows.c.deployment_id == bindparam("deployment")
)
_NODES = select(
    node_rows.c.id,
    node_rows.c.deployment_id,
    node_rows.c.tenant,
    node_rows.c.node,
    node_rows.c.planned_instances,
    select(func.count())
    .where(
        instance_rows.c.tenant == node_rows.c.tenant,
        instance_rows.c.deployment_id == node_rows.c.deployment_id,
        instance_rows.c.node_id == node_rows.c.id,
    )
    .scalar_subquery(),
)
_GET_NODE = _NODES.where(_OF_DEPLOYMENT, node_rows.c.id == bindparam("node_id"))
_PACKED = Prepared(select(node_rows.c.node).where(_OF_DEPLOYMENT).order_by(node_rows.c.position))
_ITS_EXECUTIONS = and_(
    executions.c.tenant == bindparam("of_tenant"),
    executions.c.deployment_id == bindparam("deployment"),
    not_(executions.c.deployment_gone),
)
_UNFINISHED = (
    select(executions.c.id, executions.c.workflow_id, executions.c.status)
    .where(
        _ITS_EXECUTIONS,
        is_any(executions.c.status, frozenset(ExecutionStatus) - END_STATUSES),
    )
    .order_by(executions.c.created_at, executions.c.id)
)
_RESIDUAL = (
    select(executions.c.id, executions.c.workflow_id, executions.c.status)
    .where(
        _ITS_EXECUTIONS,
        exists().where(
            operations.c.execution_id == executions.c.id,
            is_(operations.c.state, OperationState.STARTED),
            operations.c.kind == OPERATION,
        ),
    )
    .order_by(executions.c.created_at, executions.c.id)
)
_LIVE = (
    select(instance_rows.c.id)
    .where(
        instance_rows.c.tenant == bindparam("of_tenant"),
        instance_rows.c.deployment_id == bindparam("deployment"),
        instance_rows.c.state.not_in(_NOT_LIVE),
    )
    .order_by(instance_rows.c.id)
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: deployments.c[name]
    for name in (
        "id",
        "display_name",
        "blueprint_id",
        "created_by",
        "created_at",
        "updated_at",
        "site_name",
        "visibility",
    )
}
#: What a filter rule may be about.
_ATTRIBUTES: dict[str, ColumnElement[Any]] = {
    **{
        name: deployments.c[name]
        for name in ("id", "blueprint_id", "created_by", "site_name", "display_name")
    },
    "tenant_name": deployments.c.tenant,
    "installation_status": INSTALLATION_STATUS,
    "deployment_status": DEPLOYMENT_STATUS,
}
_NODES_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: node_rows.c[name] for name in ("id", "deployment_id", "planned_instances")
}


def create(
    conn: Connection,
    deployment: Deployment,
    nodes: Sequence[JsonObject],
    instances: Sequence[NodeInstance],
    now: datetime,
) -> Deployment:
    """Store a deployment with its nodes (dictionaries of a plan) and node instances.

    Raises Conflict if its id is taken, and NotFound if its blueprint is gone.
    """
    blueprints.get(conn, deployment.tenant, deployment.blueprint_id)
    display_name = deployment.display_name or deployment.id
    stored = _CATALOGUE.add(conn, deployment, created_at=now, updated_at=now, display_name=display_name)
    labels.replace(conn, deployment_labels, deployment.tenant, deployment.id, deployment.labels)
    if nodes:
        packed, shared = pack(nodes)
        _SET_SHARED.run(conn, of_tenant=deployment.tenant, deployment=deployment.id, parts=shared)
        rows = [
            {
                "tenant": deployment.tenant,
                "deployment_id": deployment.id,
                "id": node["id"],
                "node": stored_node,
                "planned_instances": _planned(node),
                "position": position,
            }
            for position, (node, stored_node) in enumerate(zip(nodes, packed, strict=True))
        ]
        conn.execute(insert(node_rows), rows)
    add_instances(conn, deployment.tenant, instances)
    return stored


def get(conn: Connection, tenant: str, id: str) -> Deployment:
    """Raises NotFound."""
    return _CATALOGUE.get(conn, tenant, id)


def list_deployments(conn: Connection, filter: DeploymentFilter, page: Page) -> tuple[list[Deployment], int]:
    table = deployments.c
    conditions = one_of(
        {
            table.id: filter.ids,
            table.display_name: filter.display_names,
            table.visibility: filter.visibilities,
            table.blueprint_id: filter.blueprint_ids,
            table.site_name: filter.site_names,
            table.created_by: None if filter.created_by is None else [filter.created_by],
            INSTALLATION_STATUS: filter.installation_statuses,
            DEPLOYMENT_STATUS: filter.deployment_statuses,
        }
    )
    return read_page(
        conn,
        _CATALOGUE.light.where(
            *seen(filter.tenant, deployments),
            *conditions,
            *_in_group(filter.group_id),
            *fulfil(filter.rules, (table.tenant, table.id), _ATTRIBUTES, deployment_labels),
            *holds(table.id + " " + table.display_name, filter.search),
            *holds(table.display_name, filter.search_name),
        ),
        Deployment,
        page,
        sortable=_SORTABLE,
        default=(table.created_at,),
        unique=(table.tenant, table.id),
    )


def _in_group(group_id: str | None) -> list[ColumnElement[bool]]:
    if group_id is None:
        return []
    return [
        exists().where(
            deployment_group_members.c.tenant == deployments.c.tenant,
            deployment_group_members.c.deployment_id == deployments.c.id,
            deployment_group_members.c.group_id == group_id,
        )
    ]


def owners(conn: Connection, tenant: str | None, ids: Collection[str]) -> list[Owner]:
    """Return those deployments' owners that exist; of every tenant if none is given."""
    if not ids:
        return []
    table = deployments.c
    conditions = one_of({table.tenant: None if tenant is None else [tenant], table.id: ids})
    return [Owner(*row) for row in conn.execute(_OWNERS.where(*conditions))]


def update(conn: Connection, /, tenant: str, id: str, now: datetime, **changes: Any) -> Deployment:
    """Write some of its columns. Raises NotFound."""
    changed = _CATALOGUE.change(conn, (tenant, id), {**changes, "updated_at": now})
    if "labels" in changes:
        labels.replace(conn, deployment_labels, tenant, id, changed.labels)
    return changed


def delete(conn: Connection, tenant: str, id: str, *, force: bool = False) -> Deployment:
    """Delete it with its nodes and node instances, and return what it was. Its executions stay readable under
    its id, and never belong to another deployment of that id.

    Raises NotFound, and without ``force`` DependentExists if an execution is not over, an operation of an
    ended one still runs, or an instance is live.
    """
    lock_deployment(conn, tenant, id)
    parameters = {"of_tenant": tenant, "deployment": id}
    if not force:
        unfinished = conn.execute(_UNFINISHED, parameters).all()
        if unfinished:
            named = ", ".join(f"`{row.id}` ({row.workflow_id}, {row.status})" for row in unfinished)
            raise DependentExists(
                f"Deployment `{id}` has executions that are not over: {named}. "
                "Wait for them or cancel them first."
            )
        residual = conn.execute(_RESIDUAL, parameters).all()
        if residual:
            named = ", ".join(f"`{row.id}` ({row.workflow_id}, {row.status})" for row in residual)
            raise DependentExists(
                f"Operations of ended executions of deployment `{id}` still run: {named}. "
                "Wait for them, kill them (`cfy executions cancel ID --kill`), or delete with force."
            )
        live = conn.scalars(_LIVE, parameters).all()
        if live:
            named = ", ".join(f"`{instance}`" for instance in live[:10])
            more = f" and {len(live) - 10} more" if len(live) > 10 else ""
            raise DependentExists(
                f"Deployment `{id}` has live node instances: {named}{more}. "
                "Run `uninstall` first, or delete with force."
            )
    removed = _CATALOGUE.remove(conn, tenant, id)
    leave_executions(conn, removed)
    return removed


def nodes(conn: Connection, tenant: str, deployment_id: str) -> list[NodeRow]:
    """Return all nodes of the deployment, as its blueprint orders them."""
    return list_nodes(conn, NodeFilter(tenant=tenant, deployment_ids=[deployment_id]), EVERYTHING)[0]


def packed_nodes(conn: Connection, tenant: str, deployment_id: str) -> tuple[list[JsonObject], Shared | None]:
    """Return all nodes of the deployment as they are stored, and what they share (``model.node_packing``)."""
    key = {"of_tenant": tenant, "deployment": deployment_id}
    stored = _SHARED.first(conn, **key)
    return [node for (node,) in _PACKED.all(conn, **key)], None if stored is None else stored[0]


def get_node(conn: Connection, tenant: str, deployment_id: str, node_id: str) -> NodeRow:
    """Raises NotFound."""
    row = conn.execute(
        _GET_NODE, {"of_tenant": tenant, "deployment": deployment_id, "node_id": node_id}
    ).first()
    if row is None:
        raise NotFound(f"There is no node `{node_id}` in deployment `{deployment_id}` of tenant `{tenant}`.")
    return _whole(conn, [NodeRow(*row)])[0]


def list_nodes(conn: Connection, filter: NodeFilter, page: Page) -> tuple[list[NodeRow], int]:
    table = node_rows.c
    conditions = one_of(
        {
            table.deployment_id: filter.deployment_ids,
            table.id: filter.ids,
        }
    )
    rows, total = read_page(
        conn,
        _NODES.where(
            *seen(filter.tenant, node_rows),
            *conditions,
            *of_deployments(table.tenant, table.deployment_id, filter.blueprint_ids, filter.created_by),
            *holds(table.id, filter.search),
        ),
        NodeRow,
        page,
        sortable=_NODES_SORTABLE,
        default=(table.deployment_id, table.position),
        unique=(table.tenant, table.deployment_id, table.id),
    )
    return _whole(conn, rows), total


def _whole(conn: Connection, rows: Sequence[NodeRow]) -> list[NodeRow]:
    """Return the rows with what their nodes share put back; those of one deployment have it in common."""
    shared: dict[tuple[str, str], Unpacking] = {}
    whole = []
    for row in rows:
        key = row.tenant, row.deployment_id
        if key not in shared:
            stored = _SHARED.first(conn, of_tenant=row.tenant, deployment=row.deployment_id)
            shared[key] = Unpacking(None if stored is None else stored[0])
        whole.append(replace(row, node=shared[key].node(row.node)))
    return whole


def _planned(node: JsonObject) -> int:
    scalable = node.get("capabilities", {}).get("scalable", {}).get("properties", {})
    return int(scalable.get("planned_instances", node.get("instances", {}).get("deploy", 1)))
