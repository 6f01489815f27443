"""``cloudify.plugins.workflows``."""

from cloudwright.builtin.agent_workflows import install_new_agents, validate_agents
from cloudwright.builtin.checks import (
    check_drift_on_failure,
    check_drift_on_failure_ignore_failure,
    check_drift_on_success,
    check_status_on_failure,
    check_status_on_failure_ignore_failure,
    check_status_on_success,
)
from cloudwright.builtin.healing import auto_heal_reinstall_node_subgraph
from cloudwright.builtin.scaling import (
    get_groups_with_members,
    scale,
    scale_entity,
    validate_inclusions_and_exclusions,
)
from cloudwright.builtin.updating import update
from cloudwright.builtin.workflows import (
    check_drift,
    check_status,
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
    "auto_heal_reinstall_node_subgraph",
    "check_drift",
    "check_drift_on_failure",
    "check_drift_on_failure_ignore_failure",
    "check_drift_on_success",
    "check_status",
    "check_status_on_failure",
    "check_status_on_failure_ignore_failure",
    "check_status_on_success",
    "execute_operation",
    "get_groups_with_members",
    "install",
    "install_new_agents",
    "pull",
    "reinstall",
    "restart",
    "rollback",
    "scale",
    "scale_entity",
    "start",
    "stop",
    "uninstall",
    "update",
    "validate_agents",
    "validate_inclusions_and_exclusions",
]
