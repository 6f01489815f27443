"""Node instances: their states, runtime properties and relationships."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, insert, select, update

from cloudwright.errors import Conflict, NotFound
from cloudwright.model.topology import NodeInstance
from cloudwright.storage.columns import unindexed
from cloudwright.storage.filter_rules import fulfil
from cloudwright.storage.filters import InstanceFilter
from cloudwright.storage.locks import lock_row
from cloudwright.storage.paging import EVERYTHING, Listing, Page, columns_of, holds, one_of
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import JsonObject
from cloudwright.storage.schema import deployments
from cloudwright.storage.schema import node_instances as rows
from cloudwright.storage.visibility import seen

_ONE = (rows.c.tenant == bindparam("of_tenant"), rows.c.id == bindparam("instance"))
_OF_DEPLOYMENT = unindexed(rows.c.deployment_id) == bindparam("of_deployment")
_SELECT = select(*columns_of(NodeInstance, rows))
_GET = Prepared(_SELECT.where(*_ONE))
_HOLD = Prepared(lock_row(_SELECT.where(*_ONE)))
_COUNT = Prepared(
    select(rows.c.state, func.count())
    .where(rows.c.tenant == bindparam("of_tenant"), rows.c.deployment_id == bindparam("of_deployment"))
    .group_by(rows.c.state)
)
_INSERT = insert(rows)
_SET_STATE = Prepared(update(rows).where(*_ONE, _OF_DEPLOYMENT).values(state=bindparam("new_state")))
_VERSION = Prepared(lock_row(select(rows.c.version).where(*_ONE, _OF_DEPLOYMENT)))
_SET_PROPERTIES = Prepared(
    update(rows)
    .where(*_ONE, rows.c.version == bindparam("expected"))
    .values(runtime_properties=bindparam("properties"), version=bindparam("expected") + 1)
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: rows.c[name] for name in ("id", "node_id", "deployment_id", "host_id", "index", "state", "version")
}


def add_instances(conn: Connection, tenant: str, instances: Sequence[NodeInstance]) -> None:
    if instances:
        conn.execute(_INSERT, [{"tenant": tenant, **asdict(instance)} for instance in instances])


def node_instances(conn: Connection, tenant: str, deployment_id: str) -> list[NodeInstance]:
    """Return all node instances of the deployment, node by node."""
    return list_instances(conn, InstanceFilter(tenant=tenant, deployment_ids=[deployment_id]), EVERYTHING)[0]


def count_by_state(conn: Connection, tenant: str, deployment_id: str) -> dict[str, int]:
    """Return how many instances of the deployment are in each state that some are in."""
    return dict(_COUNT.all(conn, of_tenant=tenant, of_deployment=deployment_id))


def get_instance(conn: Connection, tenant: str, id: str) -> NodeInstance:
    return ask_instance(conn, tenant, id)()


def ask_instance(conn: Connection, tenant: str, id: str) -> Callable[[], NodeInstance]:
    """``get_instance`` in two steps (``Prepared.ask``): what is answered reads it, and raises NotFound."""
    asked = _GET.ask(conn, of_tenant=tenant, instance=id)

    def read() -> NodeInstance:
        row = asked.first()
        if row is None:
            raise NotFound(f"There is no node instance `{id}` in tenant `{tenant}`.")
        return NodeInstance(*row)

    return read


def of_deployments(
    tenant: ColumnElement[Any],
    deployment_id: ColumnElement[Any],
    blueprint_ids: Collection[str] | None,
    created_by: str | None,
) -> Iterator[ColumnElement[bool]]:
    """Yield the condition that what these columns say is of a deployment of these blueprints or this user."""
    if blueprint_ids is None and created_by is None:
        return
    whose = deployments.alias("whose")
    made = one_of(
        {
            whose.c.blueprint_id: blueprint_ids,
            whose.c.created_by: None if created_by is None else [created_by],
        }
    )
    yield exists().where(whose.c.tenant == tenant, whose.c.id == deployment_id, *made)


def list_instances(conn: Connection, filter: InstanceFilter, page: Page) -> tuple[list[NodeInstance], int]:
    return listing(filter).read(conn, NodeInstance, page)


def listing(filter: InstanceFilter) -> Listing:
    table = rows.c
    conditions = list(
        one_of(
            {
                table.deployment_id: filter.deployment_ids,
                table.node_id: filter.node_ids,
                table.id: filter.ids,
                table.state: filter.states,
                table.host_id: filter.host_ids,
            }
        )
    )
    statement = _SELECT.where(
        *seen(filter.tenant, rows),
        *conditions,
        *of_deployments(table.tenant, table.deployment_id, filter.blueprint_ids, filter.created_by),
        *fulfil(filter.rules, (table.tenant, table.id), {"id": table.id}),
        *holds(table.id, filter.search),
    )
    return Listing(
        statement,
        sortable=_SORTABLE,
        default=(table.deployment_id, table.node_id, table.index),
        unique=(table.tenant, table.id),
        found=statement.with_only_columns(table.tenant, table.id),
    )


def update_instance(
    conn: Connection,
    tenant: str,
    id: str,
    *,
    version: int | None = None,
    runtime_properties: JsonObject | None = None,
    state: str | None = None,
    now: datetime,
) -> NodeInstance:
    """Change state, runtime properties, or both; writing runtime properties makes a new version.

    Raises Conflict if ``version`` is given and not the stored one, and NotFound.
    """
    held = _HOLD.first(conn, of_tenant=tenant, instance=id)
    if held is None:
        raise NotFound(f"There is no node instance `{id}` in tenant `{tenant}`.")
    instance = NodeInstance(*held)
    if version is not None and version != instance.version:
        raise Conflict(
            f"Node instance `{id}` was changed meanwhile: its version is {instance.version}, not {version}. "
            "Read it again, and repeat the change."
        )
    changes: dict[str, Any] = {}
    if state is not None:
        changes["state"] = instance.state = state
    if runtime_properties is not None:
        changes["runtime_properties"] = instance.runtime_properties = runtime_properties
        changes["version"] = instance.version = instance.version + 1
    if changes:
        conn.execute(update(rows).where(*_ONE).values(changes), {"of_tenant": tenant, "instance": id})
    return instance


def set_states(
    conn: Connection, tenant: str, deployment_id: str | None, states: Sequence[tuple[str, str]]
) -> None:
    """Set states of the deployment's instances, in this order; an instance that is gone is passed over.

    Runtime properties stay, also of one that becomes ``deleted``: they say what it was.
    """
    if states:
        _SET_STATE.run_many(
            conn,
            [
                {"of_tenant": tenant, "of_deployment": deployment_id, "instance": id, "new_state": state}
                for id, state in states
            ],
        )


def apply_updates(
    conn: Connection, tenant: str, deployment_id: str | None, updates: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Store runtime properties (``{"id", "version", "runtime_properties"}`` each) if every version is
    current.

    Returns the ids of those that are not current or gone; nothing is written then.
    """
    asked = [
        (change, _VERSION.ask(conn, of_tenant=tenant, of_deployment=deployment_id, instance=change["id"]))
        for change in sorted(updates, key=itemgetter("id"))
    ]
    outdated = [change["id"] for change, stored in asked if stored.first() != (change["version"],)]
    if not outdated:
        for change in updates:
            _SET_PROPERTIES.run(
                conn,
                of_tenant=tenant,
                instance=change["id"],
                expected=change["version"],
                properties=change["runtime_properties"],
            )
    return outdated
