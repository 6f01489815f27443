"""``cloudify.plugins.workflows``."""

from cloudwright.builtin.workflows import (
    execute_operation,
    install,
    pull,
    reinstall,
    restart,
    rollback,
    start,
    stop,
    uninstall,
)
from cloudwright.builtin.workflows import filter_node_instances as _filter_node_instances

__all__ = [
    "_filter_node_instances",
    "execute_operation",
    "install",
    "pull",
    "reinstall",
    "restart",
    "rollback",
    "start",
    "stop",
    "uninstall",
]
