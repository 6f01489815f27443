"""Operations of a host after it started and before it stops: those of its agent, and of monitoring."""

from __future__ import annotations

from typing import Any

from cloudwright.builtin.steps import Steps, operation
from cloudwright.model.hosts import (
    AGENT_INTERFACE,
    WORKER_INSTALLER,
    install_method,
    installing_operations,
    removing_operations,
)
from cloudwright.workflow.tasks import HandlerResult
from cloudwright.workflow.topology import WorkflowNodeInstance

MONITORING_AGENT = "cloudify.interfaces.monitoring_agent"

# What is said before and after an operation.
_MESSAGES: dict[str, tuple[str, str | None]] = {
    f"{WORKER_INSTALLER}.install": ("Installing the agent", "Agent installed"),
    f"{WORKER_INSTALLER}.start": ("Starting the agent", "Agent started"),
    f"{AGENT_INTERFACE}.create": ("Creating the agent", "Agent created"),
    f"{AGENT_INTERFACE}.start": ("Waiting for the agent", "Agent started"),
    f"{WORKER_INSTALLER}.stop": ("Stopping the agent", None),
    f"{WORKER_INSTALLER}.uninstall": ("Deleting the agent", "Agent deleted"),
    f"{AGENT_INTERFACE}.stop": ("Stopping the agent", None),
    f"{AGENT_INTERFACE}.stop_amqp": ("Stopping the agent", None),
    f"{AGENT_INTERFACE}.delete": ("Deleting the agent", "Agent deleted"),
}


def host_post_start(host_node_instance: WorkflowNodeInstance) -> Steps:
    """Wait until the host is up, and bring its agent to life."""
    host = host_node_instance
    steps = _wait_until_up(host)
    method = install_method(host.node.properties)
    for name in installing_operations(method, host.node.has_operation):
        steps += _agent_operation(host, name)
    return steps + prepare_running_agent(host)


def prepare_running_agent(host_node_instance: WorkflowNodeInstance) -> Steps:
    """Install and start monitoring on a host whose agent runs."""
    return operation(host_node_instance, f"{MONITORING_AGENT}.install") + operation(
        host_node_instance, f"{MONITORING_AGENT}.start"
    )


def host_pre_stop(host_node_instance: WorkflowNodeInstance) -> Steps:
    """Take monitoring and the agent off the host."""
    host = host_node_instance
    steps = operation(host, f"{MONITORING_AGENT}.stop") + operation(host, f"{MONITORING_AGENT}.uninstall")
    method = install_method(host.node.properties)
    for name in removing_operations(method, host.node.has_operation):
        steps += _agent_operation(host, name)
    return steps


def _agent_operation(host: WorkflowNodeInstance, name: str) -> Steps:
    before, after = _MESSAGES[name]
    return operation(host, name, before=(None, before), after=None if after is None else (None, after))


def _wait_until_up(host: WorkflowNodeInstance) -> Steps:
    steps = operation(host, "cloudify.interfaces.host.get_state")
    if not host.ctx.dry_run:
        for task in steps:
            task.on_success = ask_again_until_up
    return steps


def ask_again_until_up(task: Any) -> HandlerResult:
    """Handle the end of an operation that returns whether the host is up: run it again until it is."""
    if task.async_result.result:
        return HandlerResult.cont()
    return HandlerResult.retry(ignore_total_retries=True)
