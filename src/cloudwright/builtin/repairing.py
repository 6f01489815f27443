"""Node instances that stay and are mended: healed, or updated where they differ from their blueprint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cloudwright.builtin.steps import LIFECYCLE, RELATIONSHIP_LIFECYCLE, Steps, in_order
from cloudwright.model.instance_changes import UPDATING
from cloudwright.model.instance_health import DRIFT, SOURCE_DRIFTS, STATUS, TARGET_DRIFTS, drifted
from cloudwright.workflow.current import workflow_ctx
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import make_or_get_graph
from cloudwright.workflow.tasks import HandlerResult, SubgraphTask, TaskContainer
from cloudwright.workflow.topology import WorkflowNodeInstance

#: System properties: the execution in which an instance could not be healed or updated.
HEAL_FAILED, UPDATE_FAILED = "heal_failed", "update_failed"

HEALING = ("preheal", "heal", "postheal")
_UPDATE_RELATIONSHIP = f"{RELATIONSHIP_LIFECYCLE}.update"

Instances = Iterable[WorkflowNodeInstance]
BuildSubgraph = Callable[..., SubgraphTask | None]


def heal_node_instances(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    related_nodes: Instances | None = None,
    name_prefix: str = "",
    ignore_failure: bool = False,
) -> None:
    """Heal the instances, each after those that it depends on."""
    chosen = in_order(node_instances)
    _graph(graph, chosen, heal_node_instance_subgraph, name=f"{name_prefix}heal").execute()


def update_node_instances(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    related_nodes: Instances | None = None,
    name_prefix: str = "",
) -> None:
    """Update instances that differ, each after those that it depends on."""
    chosen = in_order(node_instances)
    _graph(graph, chosen, update_node_instance_subgraph, name=f"{name_prefix}update").execute()


@make_or_get_graph
def _graph(
    graph: TaskDependencyGraph, instances: list[WorkflowNodeInstance], build: BuildSubgraph
) -> TaskDependencyGraph:
    subgraphs = {
        instance.id: build(instance, graph) or graph.subgraph(f"stub_{instance.id}") for instance in instances
    }
    for instance in instances:
        for relationship in instance.relationships:
            if relationship.target_id in subgraphs:
                graph.add_dependency(subgraphs[instance.id], subgraphs[relationship.target_id])
    return graph


def heal_node_instance_subgraph(
    instance: WorkflowNodeInstance, graph: TaskContainer, **_: Any
) -> SubgraphTask:
    """Return the subgraph that heals the instance."""
    subgraph: SubgraphTask = graph.subgraph(f"heal_{instance.id}")
    subgraph.sequence().add(
        instance.send_event("Healing"),
        *_operations(instance, HEALING),
        instance.send_event("Healed"),
    )
    subgraph.info["instance_id"] = instance.id
    subgraph.on_success, subgraph.on_failure = on_heal_success, on_heal_failure
    return subgraph


def update_node_instance_subgraph(
    instance: WorkflowNodeInstance, graph: TaskContainer, **_: Any
) -> SubgraphTask | None:
    """Return the subgraph that updates the instance and its relationships as far as they differ; None if
    there is nothing to run.
    """
    steps = update_steps(instance)
    if not steps:
        return None
    subgraph: SubgraphTask = graph.subgraph(f"update_{instance.id}")
    subgraph.sequence().add(instance.send_event("Updating"), *steps, instance.send_event("Updated"))
    subgraph.info["instance_id"] = instance.id
    subgraph.on_success, subgraph.on_failure = on_update_success, on_update_failure
    return subgraph


def update_steps(instance: WorkflowNodeInstance) -> Steps:
    """Return the operations that update what of the instance was found to differ."""
    steps: Steps = []
    if drifted(instance.system_properties.get(DRIFT)):
        steps += _operations(instance, UPDATING)
    sources = instance.system_properties.get(SOURCE_DRIFTS) or {}
    for relationship in instance.relationships:
        targets = relationship.target_node_instance.system_properties.get(TARGET_DRIFTS) or {}
        if drifted(sources.get(relationship.target_id)):
            steps.append(relationship.execute_source_operation(_UPDATE_RELATIONSHIP))
        if drifted(targets.get(instance.id)):
            steps.append(relationship.execute_target_operation(_UPDATE_RELATIONSHIP))
    return [step for step in steps if not step.is_nop()]


def _operations(instance: WorkflowNodeInstance, names: Iterable[str]) -> Steps:
    full = [f"{LIFECYCLE}.{name}" for name in names]
    return [instance.execute_operation(name) for name in full if instance.node.has_operation(name)]


# Handlers: found again by their names when a graph is restored.


def on_heal_success(task: SubgraphTask) -> HandlerResult:
    id = task.info["instance_id"]
    instance = workflow_ctx.get_node_instance(id)
    status = dict(instance.system_properties.get(STATUS) or {}) if instance is not None else {}
    # Until it is checked again it counts as if it had just been installed.
    workflow_ctx.internal.put_system_properties(
        id, {STATUS: status | {"ok": True, "task": None, "healed": True}, HEAL_FAILED: None}
    )
    return HandlerResult.cont()


def on_heal_failure(task: SubgraphTask) -> HandlerResult:
    return _failed(task, HEAL_FAILED)


def on_update_success(task: SubgraphTask) -> HandlerResult:
    id = task.info["instance_id"]
    workflow_ctx.internal.put_system_properties(id, {DRIFT: None, SOURCE_DRIFTS: None, UPDATE_FAILED: None})
    instance = workflow_ctx.get_node_instance(id)
    for relationship in instance.relationships if instance is not None else ():
        target = relationship.target_node_instance
        drifts = dict(target.system_properties.get(TARGET_DRIFTS) or {})
        if drifts.pop(id, None) is not None:
            workflow_ctx.internal.put_system_properties(target.id, {TARGET_DRIFTS: drifts or None})
    return HandlerResult.cont()


def on_update_failure(task: SubgraphTask) -> HandlerResult:
    return _failed(task, UPDATE_FAILED)


def _failed(task: SubgraphTask, key: str) -> HandlerResult:
    if isinstance(task.error, ExecutionCancelled):
        return HandlerResult.fail()
    workflow_ctx.internal.put_system_properties(task.info["instance_id"], {key: workflow_ctx.execution_id})
    return HandlerResult.ignore()


def failed_in(instances: Iterable[WorkflowNodeInstance], key: str) -> list[WorkflowNodeInstance]:
    """Return those that could not be mended in this execution."""
    return [one for one in instances if one.system_properties.get(key) == workflow_ctx.execution_id]
