"""Node instances' system properties, and how many instances are ill or differ from their blueprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, true, update

from cloudwright.model.instance_health import has_drift, is_status_ok
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import node_instances as rows

_THIS = (
    rows.c.tenant == bindparam("of_tenant"),
    rows.c.id == bindparam("instance"),
    rows.c.deployment_id == bindparam("of_deployment"),
)
_READ = Prepared(select(rows.c.system_properties).where(*_THIS).with_for_update(key_share=True))
_WRITE = Prepared(
    update(rows)
    .where(*_THIS)
    .values(
        system_properties=bindparam("properties"),
        is_status_check_ok=bindparam("is_ok"),
        has_configuration_drift=bindparam("has_drifted"),
    )
)
_COUNT = Prepared(
    select(
        rows.c.node_id,
        func.count().filter(~rows.c.is_status_check_ok),
        func.count().filter(rows.c.has_configuration_drift),
    )
    .where(
        rows.c.tenant == bindparam("of_tenant"),
        rows.c.deployment_id == bindparam("of_deployment"),
        (rows.c.is_status_check_ok != true()) | (rows.c.has_configuration_drift == true()),
    )
    .group_by(rows.c.node_id)
)


class Health(NamedTuple):
    """How many instances failed their last check of the status, and how many were found to differ."""

    unavailable: int = 0
    drifted: int = 0


def put(
    conn: Connection,
    tenant: str,
    deployment_id: str | None,
    changes: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """Put these keys into the instances' system properties, in this order; None takes a key out.

    An instance that is gone is passed over.
    """
    for id, values in changes:
        key = {"of_tenant": tenant, "of_deployment": deployment_id, "instance": id}
        stored = _READ.first(conn, **key)
        if stored is None:
            continue
        properties = {name: value for name, value in (stored[0] | values).items() if value is not None}
        _WRITE.run(
            conn,
            **key,
            properties=properties,
            is_ok=is_status_ok(properties),
            has_drifted=has_drift(properties),
        )


def by_node(conn: Connection, tenant: str, deployment_id: str) -> dict[str, Health]:
    """Return the counts of nodes that have something to count."""
    rows = _COUNT.all(conn, of_tenant=tenant, of_deployment=deployment_id)
    return {node: Health(ill, drifted) for node, ill, drifted in rows}


def of_deployment(conn: Connection, tenant: str, deployment_id: str) -> Health:
    counts = by_node(conn, tenant, deployment_id).values()
    return Health(sum(one.unavailable for one in counts), sum(one.drifted for one in counts))
