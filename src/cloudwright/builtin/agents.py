"""What is done to a host after it started and before it stops: its agent, and what watches it."""

from __future__ import annotations

from typing import Any

from cloudwright.builtin.steps import Steps, operation
from cloudwright.workflow.tasks import HandlerResult
from cloudwright.workflow.topology import WorkflowNodeInstance

AGENT = "cloudify.interfaces.cloudify_agent"
#: The interface that hosts of blueprints before 3.3 have instead.
WORKER_INSTALLER = "cloudify.interfaces.worker_installer"
MONITORING_AGENT = "cloudify.interfaces.monitoring_agent"

#: How agents get onto hosts: nothing to do, and those where the agent starts by itself and is waited for.
NO_AGENT = "none"
STARTED_BY_HOST = ("init_script", "plugin")
STOPPED_BY_ITSELF = ("init_script", "provided", "plugin")


def install_method(instance: WorkflowNodeInstance) -> str | None:
    """How the agent gets onto the host, or None where the blueprint does not say."""
    properties = instance.node.properties
    if isinstance(properties.get("install_agent"), bool):
        return "remote" if properties["install_agent"] else NO_AGENT
    method = (properties.get("agent_config") or {}).get("install_method")
    return None if method is None else str(method)


def host_post_start(host_node_instance: WorkflowNodeInstance) -> Steps:
    """Wait until the host is up, and bring its agent to life."""
    host = host_node_instance
    steps = _wait_until_up(host)
    method = install_method(host)
    if method != NO_AGENT:
        if host.node.has_operation(f"{WORKER_INSTALLER}.install"):
            steps += operation(
                host,
                f"{WORKER_INSTALLER}.install",
                before=(None, "Installing the agent"),
                after=(None, "Agent installed"),
            )
            steps += operation(
                host,
                f"{WORKER_INSTALLER}.start",
                before=(None, "Starting the agent"),
                after=(None, "Agent started"),
            )
        else:
            steps += operation(
                host, f"{AGENT}.create", before=(None, "Creating the agent"), after=(None, "Agent created")
            )
            if method in STARTED_BY_HOST:
                steps += operation(
                    host,
                    f"{AGENT}.start",
                    before=(None, "Waiting for the agent"),
                    after=(None, "Agent started"),
                )
    return steps + prepare_running_agent(host)


def prepare_running_agent(host_node_instance: WorkflowNodeInstance) -> Steps:
    """What a host whose agent runs is given."""
    return operation(host_node_instance, f"{MONITORING_AGENT}.install") + operation(
        host_node_instance, f"{MONITORING_AGENT}.start"
    )


def host_pre_stop(host_node_instance: WorkflowNodeInstance) -> Steps:
    """Take the agent off the host."""
    host = host_node_instance
    steps = operation(host, f"{MONITORING_AGENT}.stop") + operation(host, f"{MONITORING_AGENT}.uninstall")
    method = install_method(host)
    if method == NO_AGENT:
        return steps
    if method not in STOPPED_BY_ITSELF and host.node.has_operation(f"{WORKER_INSTALLER}.stop"):
        stop, delete = f"{WORKER_INSTALLER}.stop", f"{WORKER_INSTALLER}.uninstall"
    else:
        stop, delete = f"{AGENT}.{'stop_amqp' if method in STOPPED_BY_ITSELF else 'stop'}", f"{AGENT}.delete"
    steps += operation(host, stop, before=(None, "Stopping the agent"))
    steps += operation(host, delete, before=(None, "Deleting the agent"), after=(None, "Agent deleted"))
    return steps


def _wait_until_up(host: WorkflowNodeInstance) -> Steps:
    steps = operation(host, "cloudify.interfaces.host.get_state")
    if not host.ctx.dry_run:
        for task in steps:
            task.on_success = ask_again_until_up
    return steps


def ask_again_until_up(task: Any) -> HandlerResult:
    """Handler of an operation that answers whether the host is up: as often as it takes."""
    if task.async_result.result:
        return HandlerResult.cont()
    return HandlerResult.retry(ignore_total_retries=True)
