"""``install_new_agents`` and ``validate_agents``: of hosts that have an agent, if there are any."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from cloudwright.builtin.agents import prepare_running_agent
from cloudwright.builtin.steps import in_order, is_host_node
from cloudwright.builtin.workflows import Names, filter_node_instances
from cloudwright.model.hosts import AGENT_INTERFACE, NO_AGENT, install_method
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.decorators import workflow
from cloudwright.workflow.errors import WorkflowFailed
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import make_or_get_graph
from cloudwright.workflow.tasks import SubgraphTask
from cloudwright.workflow.topology import WorkflowNodeInstance

_MONITORING_START = "cloudify.interfaces.monitoring.start"


@workflow(resumable=True)
def validate_agents(
    ctx: WorkflowContext,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    install_methods: Collection[str] | None = None,
    **_: Any,
) -> None:
    """Ask the agents of hosts whether they are there."""
    hosts = _hosts(ctx, node_ids, node_instance_ids, install_methods)
    _validation_graph(ctx, hosts, name="validate_agents").execute()


@workflow(resumable=True)
def install_new_agents(
    ctx: WorkflowContext,
    install_agent_timeout: float = 300,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    install_methods: Collection[str] | None = None,
    validate: bool = True,
    install: bool = True,
    manager_ip: str | None = None,
    manager_certificate: str | None = None,
    stop_old_agent: bool = False,
    **_: Any,
) -> None:
    """Install new agents on hosts, beside those that they have."""
    hosts = _hosts(ctx, node_ids, node_instance_ids, install_methods)
    manager = {"manager_ip": manager_ip, "manager_certificate": manager_certificate}
    options = manager | {"install_agent_timeout": install_agent_timeout, "stop_old_agent": stop_old_agent}
    _install_graph(ctx, hosts, manager, options, validate, install, name="install_agents").execute()


@make_or_get_graph
def _validation_graph(ctx: WorkflowContext, hosts: Sequence[WorkflowNodeInstance]) -> TaskDependencyGraph:
    graph = ctx.graph_mode()
    _validation(graph, hosts, {"current_amqp": True})
    return graph


@make_or_get_graph
def _install_graph(
    ctx: WorkflowContext,
    hosts: Sequence[WorkflowNodeInstance],
    manager: dict[str, Any],
    options: dict[str, Any],
    validate: bool,
    install: bool,
) -> TaskDependencyGraph:
    graph = ctx.graph_mode()
    validation = _validation(graph, hosts, manager | {"current_amqp": False}) if validate else None
    if not install:
        return graph
    installation = graph.subgraph("install")
    for host in hosts:
        steps = installation.sequence()
        steps.add(
            host.send_event("Installing a new agent"),
            host.execute_operation(
                f"{AGENT_INTERFACE}.create_amqp", kwargs=options, allow_kwargs_override=True
            ),
            host.send_event("New agent installed"),
            host.execute_operation(f"{AGENT_INTERFACE}.validate_amqp", kwargs={"current_amqp": True}),
            *prepare_running_agent(host),
        )
        for inside in in_order(host.get_contained_subgraph()):
            steps.add(inside.execute_operation(_MONITORING_START))
    if validation is not None:
        graph.add_dependency(installation, validation)
    return graph


def _validation(
    graph: TaskDependencyGraph, hosts: Sequence[WorkflowNodeInstance], inputs: dict[str, Any]
) -> SubgraphTask:
    subgraph = graph.subgraph("validate")
    for host in hosts:
        subgraph.sequence().add(
            host.send_event("Asking the agent"),
            host.execute_operation(f"{AGENT_INTERFACE}.validate_amqp", kwargs=inputs),
            host.send_event("The agent is there"),
        )
    return subgraph


def _hosts(
    ctx: WorkflowContext, node_ids: Names, node_instance_ids: Names, methods: Collection[str] | None
) -> list[WorkflowNodeInstance]:
    """Return the hosts that have an agent, all of them started. Raises ValueError, WorkflowFailed."""
    chosen = filter_node_instances(ctx, node_ids, node_instance_ids)
    if node_ids or node_instance_ids:
        wrong = [f"`{one.id}`" for one in chosen if not _has_agent(one, None)]
        if wrong:
            raise ValueError(f"These instances are not hosts with an agent: {', '.join(wrong)}.")
    hosts = [one for one in chosen if _has_agent(one, methods)]
    idle = [f"`{one.id}` ({one.state})" for one in hosts if one.state != "started"]
    if idle:
        raise WorkflowFailed(f"These hosts are not started: {', '.join(idle)}.", hide_traceback=True)
    if not hosts:
        ctx.logger.info("No host of the deployment has an agent")
    return hosts


def _has_agent(instance: WorkflowNodeInstance, methods: Collection[str] | None) -> bool:
    if not is_host_node(instance):
        return False
    method = install_method(instance.node.properties)
    return method in methods if methods is not None else method != NO_AGENT
