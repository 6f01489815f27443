"""``cloudify_types.shared_resource``: a deployment that others use too."""

from __future__ import annotations

from cloudwright.compat.cloudify_types.shared_resource.operations import (
    check_drift,
    check_status,
    connect_deployment,
    disconnect_deployment,
    execute_workflow,
    refresh,
)

__all__ = [
    "check_drift",
    "check_status",
    "connect_deployment",
    "disconnect_deployment",
    "execute_workflow",
    "refresh",
]
