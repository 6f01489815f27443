"""Records with what other tables say about them, read at one moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from cloudwright.errors import NotFound
from cloudwright.manager.workflow_availability import node_types
from cloudwright.storage import (
    blueprints,
    deployments,
    group_members,
    instance_health,
    manager_queries,
    operations,
    task_counts,
)
from cloudwright.storage.filters import (
    BlueprintFilter,
    DeploymentFilter,
    NodeFilter,
)
from cloudwright.storage.instance_health import Health
from cloudwright.storage.instances import count_by_state
from cloudwright.storage.paging import Page
from cloudwright.storage.records import (
    Blueprint,
    Deployment,
    Execution,
    GraphRow,
    JsonObject,
    NodeRow,
    Owner,
)
from cloudwright.storage.store import Connection
from cloudwright.storage.task_counts import TaskCounts

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """``latest`` is the execution created last, ``latest_counts`` are those of its tasks.

    ``states`` counts the node instances by their state. ``types`` are those of the nodes, if workflows are
    available by types. ``groups`` are those that it belongs to.
    """

    deployment: Deployment
    latest: Execution | None
    latest_counts: TaskCounts
    states: Mapping[str, int]
    types: Collection[str]
    health: Health
    groups: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NodeView:
    """``owner`` is who the deployment of the node belongs to."""

    node: NodeRow
    owner: Owner | None
    health: Health


def list_blueprints(
    conn: Connection, filter: BlueprintFilter, page: Page, *, with_plan: bool
) -> tuple[list[Blueprint], int]:
    rows, total = blueprints.list_blueprints(conn, filter, page)
    if with_plan:
        rows = [blueprints.get(conn, row.tenant, row.id, with_plan=True) for row in rows]
    return rows, total


def get_upload(conn: Connection, tenant: str, execution_id: str) -> Blueprint:
    """Return the blueprint whose upload is the execution of that id. Raises NotFound."""
    blueprint = blueprints.get_by_upload(conn, tenant, execution_id)
    if blueprint is None:
        raise NotFound(f"There is no execution `{execution_id}` in tenant `{tenant}`.")
    return blueprint


def list_deployments(
    conn: Connection,
    filter: DeploymentFilter,
    page: Page,
    *,
    with_state: bool,
) -> tuple[list[DeploymentView], int]:
    """Without ``with_state`` neither executions nor node instances are looked at."""
    rows, total = deployments.list_deployments(conn, filter, page)
    if not with_state:
        return [DeploymentView(row, None, TaskCounts(), {}, (), Health()) for row in rows], total
    return [_deployment_view(conn, row) for row in rows], total


def get_deployment(conn: Connection, tenant: str, id: str) -> DeploymentView:
    return _deployment_view(conn, deployments.get(conn, tenant, id))


def list_nodes(
    conn: Connection,
    filter: NodeFilter,
    page: Page,
    *,
    fits: Callable[[JsonObject], bool] | None = None,
) -> tuple[list[NodeView], int]:
    """``fits`` looks at a node as plans have it."""
    if fits is None:
        rows, total = deployments.list_nodes(conn, filter, page)
    else:
        # A node is a packed document, of which the database finds nothing.
        every, _ = deployments.list_nodes(conn, filter, replace(page, size=None, offset=0))
        found = [row for row in every if fits(row.node)]
        rows, total = _part(found, page), len(found)
    owners = _owners(conn, {row.deployment_id for row in rows})
    ill: dict[tuple[str, str], dict[str, Health]] = {}
    for row in rows:
        key = row.tenant, row.deployment_id
        if key not in ill:
            ill[key] = instance_health.by_node(conn, *key)
    return [
        NodeView(
            row,
            owners.get((row.tenant, row.deployment_id)),
            ill[row.tenant, row.deployment_id].get(row.id, Health()),
        )
        for row in rows
    ], total


def list_graphs(conn: Connection, tenant: str, execution_id: str) -> list[GraphRow]:
    manager_queries.get(conn, execution_id, tenant)
    return [graph for graph, _ in operations.graphs(conn, execution_id)]


def _part(found: list[R], page: Page) -> list[R]:
    return found[page.offset :] if page.size is None else found[page.offset : page.offset + page.size]


def _deployment_view(conn: Connection, row: Deployment) -> DeploymentView:
    latest = manager_queries.latest_of(conn, row.tenant, row.id)
    counts = task_counts.get(conn, latest.id) if latest else TaskCounts()
    states = count_by_state(conn, row.tenant, row.id)
    health = instance_health.of_deployment(conn, row.tenant, row.id)
    groups = group_members.groups_of(conn, row.tenant, row.id)
    return DeploymentView(row, latest, counts, states, node_types(conn, row), health, groups)


def _owners(conn: Connection, ids: Collection[str]) -> dict[tuple[str, str], Owner]:
    return {(owner.tenant, owner.id): owner for owner in deployments.owners(conn, None, ids)}
