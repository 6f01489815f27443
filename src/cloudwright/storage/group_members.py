"""Which deployments belong to which groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from cloudwright.storage import labels as label_rows
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import JsonObject
from cloudwright.storage.schema import deployment_group_members as table
from cloudwright.storage.schema import deployment_groups, deployment_labels, deployments

_GROUPS_OF = Prepared(
    select(table.c.group_id)
    .where(table.c.tenant == bindparam("of_tenant"), table.c.deployment_id == bindparam("deployment"))
    .order_by(table.c.group_id)
)


def members(conn: Connection, tenant: str, group_id: str) -> list[str]:
    """Return the ids of the group's deployments, in their order."""
    found = select(table.c.deployment_id).where(table.c.tenant == tenant, table.c.group_id == group_id)
    return list(conn.scalars(found.order_by(table.c.deployment_id)))


def groups_of(conn: Connection, tenant: str, deployment_id: str) -> list[str]:
    """Return the ids of the groups that a deployment belongs to."""
    return [id for (id,) in _GROUPS_OF.all(conn, of_tenant=tenant, deployment=deployment_id)]


def add(
    conn: Connection,
    tenant: str,
    group_id: str,
    deployment_ids: Sequence[str],
    labels: Sequence[JsonObject],
    now: datetime,
) -> None:
    """Take deployments that exist into the group, and give them its labels."""
    present = set(members(conn, tenant, group_id))
    new = [deployment_id for deployment_id in deployment_ids if deployment_id not in present]
    if new:
        rows = [
            {"tenant": tenant, "group_id": group_id, "deployment_id": deployment_id} for deployment_id in new
        ]
        conn.execute(insert(table), rows)
        give_labels(conn, tenant, new, labels, now)


def add_if_there(conn: Connection, tenant: str, group_id: str, deployment_id: str, now: datetime) -> None:
    """``add``, if both the group and the deployment still exist."""
    labels = conn.execute(
        select(deployment_groups.c.labels).where(
            deployment_groups.c.tenant == tenant, deployment_groups.c.id == group_id
        )
    ).first()
    there = select(deployments.c.id).where(deployments.c.tenant == tenant, deployments.c.id == deployment_id)
    if labels is not None and conn.execute(there).first() is not None:
        add(conn, tenant, group_id, [deployment_id], labels[0], now)


def remove(conn: Connection, tenant: str, group_id: str, deployment_ids: Collection[str]) -> None:
    """Take deployments out of the group, which keep its labels."""
    for deployment_id in deployment_ids:
        conn.execute(
            delete(table).where(
                table.c.tenant == tenant,
                table.c.group_id == group_id,
                table.c.deployment_id == deployment_id,
            )
        )


def give_labels(
    conn: Connection,
    tenant: str,
    deployment_ids: Collection[str],
    labels: Sequence[JsonObject],
    now: datetime,
) -> None:
    """Give deployments the labels that they do not have."""
    for id in deployment_ids if labels else ():
        this = deployments.c.tenant == tenant, deployments.c.id == id
        stored = conn.execute(select(deployments.c.labels).where(*this)).first()
        if stored is None:
            continue
        has = {(label["key"], label["value"]) for label in stored[0]}
        more = [label for label in labels if (label["key"], label["value"]) not in has]
        if more:
            every = [*stored[0], *more]
            conn.execute(update(deployments).where(*this).values(labels=every, updated_at=now))
            label_rows.replace(conn, deployment_labels, tenant, id, every)
