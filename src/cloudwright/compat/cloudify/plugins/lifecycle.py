"""``cloudify.plugins.lifecycle``, with the names of its insides that existing workflows import."""

from cloudwright.builtin.agents import host_post_start as _host_post_start
from cloudwright.builtin.agents import host_pre_stop as _host_pre_stop
from cloudwright.builtin.agents import prepare_running_agent
from cloudwright.builtin.instances import (
    ignore_failures,
    install_node_instance_subgraph,
    reinstall_node_instance_subgraph,
    rollback_node_instance_subgraph,
    uninstall_node_instance_subgraph,
)
from cloudwright.builtin.instances import ignore_task_failure as set_send_node_event_on_error_handler
from cloudwright.builtin.lifecycle import (
    LifecycleProcessor,
    execute_establish_relationships,
    execute_unlink_relationships,
    install_node_instances,
    reinstall_node_instances,
    rollback_node_instances,
    uninstall_node_instances,
)
from cloudwright.builtin.repairing import (
    heal_node_instance_subgraph,
    heal_node_instances,
    update_node_instance_subgraph,
    update_node_instances,
)
from cloudwright.builtin.steps import is_host_node
from cloudwright.builtin.steps import relationship_operations as _relationship_operations
from cloudwright.builtin.steps import relationships_operations as _relationships_operations
from cloudwright.builtin.steps import skip_nop_operations as _skip_nop_operations

__all__ = [
    "LifecycleProcessor",
    "_host_post_start",
    "_host_pre_stop",
    "_relationship_operations",
    "_relationships_operations",
    "_skip_nop_operations",
    "execute_establish_relationships",
    "execute_unlink_relationships",
    "heal_node_instance_subgraph",
    "heal_node_instances",
    "ignore_failures",
    "install_node_instance_subgraph",
    "install_node_instances",
    "is_host_node",
    "prepare_running_agent",
    "reinstall_node_instance_subgraph",
    "reinstall_node_instances",
    "rollback_node_instance_subgraph",
    "rollback_node_instances",
    "set_send_node_event_on_error_handler",
    "uninstall_node_instance_subgraph",
    "uninstall_node_instances",
    "update_node_instance_subgraph",
    "update_node_instances",
]
