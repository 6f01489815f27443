"""``cloudify_types.component``: a deployment of another blueprint, which is made and goes with this one."""

from __future__ import annotations

from cloudwright.compat.cloudify_types.component.operations import (
    check_drift,
    check_status,
    create,
    delete,
    execute_start,
    heal,
    refresh,
    update,
    upload_blueprint,
)

__all__ = [
    "check_drift",
    "check_status",
    "create",
    "delete",
    "execute_start",
    "heal",
    "refresh",
    "update",
    "upload_blueprint",
]
