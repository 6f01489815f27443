"""Node instances: their fields."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, bindparam, select

from cloudwright.errors import NotFound
from cloudwright.storage import instances
from cloudwright.storage.filters import InstanceFilter
from cloudwright.storage.json_pages import JsonPage, JsonRecords, Projection, json_page
from cloudwright.storage.paging import Page
from cloudwright.storage.schema import deployments, node_instances

NODE_INSTANCE = Projection(
    {
        "id": node_instances.c.id,
        "node_id": node_instances.c.node_id,
        "deployment_id": node_instances.c.deployment_id,
        "host_id": node_instances.c.host_id,
        "index": node_instances.c.index,
        "state": node_instances.c.state,
        "version": node_instances.c.version,
        "runtime_properties": node_instances.c.runtime_properties,
        "system_properties": node_instances.c.system_properties,
        "relationships": node_instances.c.relationships,
        "scaling_groups": node_instances.c.scaling_groups,
        "is_status_check_ok": node_instances.c.is_status_check_ok,
        "has_configuration_drift": node_instances.c.has_configuration_drift,
        "tenant_name": deployments.c.tenant,
        "created_by": deployments.c.created_by,
        "visibility": deployments.c.visibility,
    },
    beside=(
        (
            deployments,
            and_(
                deployments.c.tenant == node_instances.c.tenant,
                deployments.c.id == node_instances.c.deployment_id,
            ),
        ),
    ),
)

_RECORD = JsonRecords(
    NODE_INSTANCE,
    select(node_instances.c.id).where(
        node_instances.c.tenant == bindparam("of_tenant"), node_instances.c.id == bindparam("instance")
    ),
)


def get_json(conn: Connection, tenant: str, id: str, chosen: Collection[str] | None = None) -> str:
    """Read one node instance; ``chosen`` are the wanted fields, None means all. Raises NotFound."""
    found = _RECORD.json(conn, chosen, of_tenant=tenant, instance=id)
    if found is None:
        raise NotFound(f"There is no node instance `{id}` in tenant `{tenant}`.")
    return found


def get_page(
    conn: Connection, filter: InstanceFilter, chosen: Collection[str] | None, page: Page
) -> JsonPage:
    return json_page(conn, instances.listing(filter), NODE_INSTANCE, chosen, page)
