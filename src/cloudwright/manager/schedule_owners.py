"""Whether the user in whose name a schedule starts executions may still do so."""

from __future__ import annotations

from cloudwright.errors import NotFound
from cloudwright.manager.principals import find_user, principal_of
from cloudwright.model.permissions import Permission, is_permitted
from cloudwright.model.schedule import Schedule
from cloudwright.storage.store import Connection
from cloudwright.storage.visibility import locate


def refusal(conn: Connection, schedule: Schedule) -> str | None:
    """Return why the schedule's creator may not start its executions; None if they may.

    One without a creator is the manager's own.
    """
    name, tenant = schedule.created_by, schedule.tenant
    if not name:
        return None
    found = find_user(conn, name)
    if found is None:
        return f"its creator, user `{name}`, is deleted"
    if not found[0].active:
        return f"its creator, user `{name}`, is not active"
    creator = principal_of(*found)
    if not is_permitted(creator.roles_in(tenant), Permission.EXECUTION_START):
        return f"its creator, user `{name}`, may not start executions in tenant `{tenant}` any more"
    try:
        locate(conn, creator.scope(tenant), tenant, "deployments", schedule.deployment_id)
    except NotFound:
        return f"its creator, user `{name}`, does not see the deployment any more"
    return None
