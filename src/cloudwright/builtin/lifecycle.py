"""The lives of many node instances together: whose turn comes when, along their relationships."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudwright.builtin.agents import host_pre_stop
from cloudwright.builtin.instances import (
    ignore_failures,
    ignore_task_failure,
    install_node_instance_subgraph,
    rollback_node_instance_subgraph,
    uninstall_node_instance_subgraph,
)
from cloudwright.builtin.steps import (
    COMPONENT,
    LIFECYCLE,
    RELATIONSHIP_LIFECYCLE,
    Steps,
    in_order,
    is_host_node,
    operation,
    relationship_operations,
)
from cloudwright.workflow.current import workflow_ctx
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import make_or_get_graph
from cloudwright.workflow.operation_task import OperationTask
from cloudwright.workflow.task_state import TASK_PENDING
from cloudwright.workflow.tasks import SubgraphTask
from cloudwright.workflow.topology import WorkflowNodeInstance, WorkflowRelationshipInstance

Instances = Iterable[WorkflowNodeInstance]
BuildSubgraph = Callable[..., SubgraphTask]


def install_node_instances(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    related_nodes: Instances | None = None,
    name_prefix: str = "",
) -> None:
    """Install the instances, and establish the relationships that ``related_nodes`` have to them."""
    LifecycleProcessor(graph, node_instances, related_nodes, name_prefix=name_prefix).install()


def uninstall_node_instances(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    ignore_failure: bool = False,
    related_nodes: Instances | None = None,
    name_prefix: str = "",
) -> None:
    """Take the instances down, and unlink the relationships that ``related_nodes`` have to them."""
    LifecycleProcessor(
        graph, node_instances, related_nodes, ignore_failure=ignore_failure, name_prefix=name_prefix
    ).uninstall()


def reinstall_node_instances(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    ignore_failure: bool = False,
    related_nodes: Instances | None = None,
) -> None:
    """Take the instances down and install them again."""
    ids = [instance.id for instance in in_order(node_instances)]
    related_ids = [instance.id for instance in in_order(related_nodes or ())]
    uninstall_node_instances(graph, _find(ids), ignore_failure, _find(related_ids), name_prefix="reinstall-")
    # What was taken down has other states and properties now.
    workflow_ctx.refresh_node_instances()
    install_node_instances(graph, _find(ids), _find(related_ids), name_prefix="reinstall-")


def rollback_node_instances(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    related_nodes: Instances | None = None,
    name_prefix: str = "",
    ignore_failure: bool = True,
) -> None:
    """Take instances that stopped half-way back to the last state that they can stay in."""
    LifecycleProcessor(
        graph, node_instances, related_nodes, ignore_failure=ignore_failure, name_prefix=name_prefix
    ).rollback()


def execute_establish_relationships(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    related_nodes: Instances | None = None,
    modified_relationship_ids: Mapping[str, Any] | None = None,
) -> None:
    """Establish the instances' relationships to the nodes that ``modified_relationship_ids`` names for
    their nodes.
    """
    LifecycleProcessor(
        graph,
        related_nodes=node_instances,
        modified_relationship_ids=modified_relationship_ids,
        name_prefix="establish-",
    ).install()


def execute_unlink_relationships(
    graph: TaskDependencyGraph,
    node_instances: Instances,
    related_nodes: Instances | None = None,
    modified_relationship_ids: Mapping[str, Any] | None = None,
) -> None:
    """Unlink the instances' relationships to the nodes that ``modified_relationship_ids`` names for their
    nodes.
    """
    LifecycleProcessor(
        graph,
        related_nodes=node_instances,
        modified_relationship_ids=modified_relationship_ids,
        name_prefix="unlink-",
    ).uninstall()


def _find(ids: Iterable[str]) -> list[WorkflowNodeInstance]:
    found = (workflow_ctx.get_node_instance(id) for id in ids)
    return [instance for instance in found if instance is not None]


class LifecycleProcessor:
    """Builds and executes one graph for ``node_instances``; ``related_nodes`` stay, but for their
    relationships.
    """

    def __init__(
        self,
        graph: TaskDependencyGraph,
        node_instances: Instances | None = None,
        related_nodes: Instances | None = None,
        modified_relationship_ids: Mapping[str, Any] | None = None,
        ignore_failure: bool = False,
        name_prefix: str = "",
    ) -> None:
        self.graph = graph
        self.node_instances = in_order(node_instances or ())
        self.intact_nodes = in_order(related_nodes or ())
        self.modified_relationship_ids = modified_relationship_ids or {}
        self.ignore_failure = ignore_failure
        self._name_prefix = name_prefix
        self._ids = {instance.id for instance in self.node_instances}

    def install(self) -> None:
        graph = self._build(
            name=f"{self._name_prefix}install", build=install_node_instance_subgraph, install=True
        )
        if workflow_ctx.resume:
            clean_up_before_resume(graph, self.node_instances)
        graph.execute()

    def uninstall(self) -> None:
        self._build(
            name=f"{self._name_prefix}uninstall", build=uninstall_node_instance_subgraph, install=False
        ).execute()

    def rollback(self) -> None:
        self._build(
            name=f"{self._name_prefix}rollback", build=rollback_node_instance_subgraph, install=False
        ).execute()

    @make_or_get_graph
    def _build(self, build: BuildSubgraph, install: bool) -> TaskDependencyGraph:
        subgraphs = {
            instance.id: build(instance, self.graph, ignore_failure=self.ignore_failure)
            for instance in self.node_instances
        }
        for instance in self.intact_nodes:
            subgraphs[instance.id] = self.graph.subgraph(f"stub_{instance.id}")
        for instance in [*self.node_instances, *self.intact_nodes]:
            relationships = list(instance.relationships)
            for relationship in relationships if install else reversed(relationships):
                if relationship.target_id in subgraphs:
                    self._order(subgraphs, relationship, install)
        for instance in self.intact_nodes:
            self._relate(subgraphs[instance.id], instance, subgraphs, install)
        return self.graph

    def _order(
        self, subgraphs: Mapping[str, SubgraphTask], relationship: WorkflowRelationshipInstance, install: bool
    ) -> None:
        """Let one end of the relationship wait for the other."""
        source, target = subgraphs[relationship.source_id], subgraphs[relationship.target_id]
        if not install:
            self.graph.add_dependency(target, source)
            return
        awaited = relationship.relationship.properties.get("operation")
        if not awaited:
            self.graph.add_dependency(source, target)
            return
        # Only as far as the named operation of the target, and what is said right after it.
        name = f"{LIFECYCLE}.{awaited}"
        for task in target.tasks.values():
            if isinstance(task, OperationTask) and task.operation["name"] == name:
                for follower in task.dependents:
                    self.graph.add_dependency(source, follower)
                return

    def _relate(
        self,
        stub: SubgraphTask,
        instance: WorkflowNodeInstance,
        subgraphs: Mapping[str, SubgraphTask],
        install: bool,
    ) -> None:
        """Run what the relationships of an instance that stays need because their targets do not."""
        name = f"{RELATIONSHIP_LIFECYCLE}.{'establish' if install else 'unlink'}"
        sequence = stub.sequence()
        modified = self.modified_relationship_ids.get(instance.node_id, {})
        relationships = list(instance.relationships)
        for relationship in relationships if install else reversed(relationships):
            target = relationship.target_node_instance
            if target.id not in subgraphs or (target.id not in self._ids and target.node_id not in modified):
                continue
            for task in relationship_operations(relationship, name):
                if not install:
                    ignore_task_failure(task, instance)
                sequence.add(task)


# Resuming an installation.


def clean_up_before_resume(graph: TaskDependencyGraph, instances: Iterable[WorkflowNodeInstance]) -> None:
    """Undo what an interrupted ``create`` or ``start`` may have done, before it is run again.

    One whose process was lost is left alone: whether it can continue by itself, only its function knows. So
    is a component: its operations continue the executions below, which would be undone here. An undoing that
    was interrupted itself is in the graph, and continues.
    """
    installing = {task.name: task for task in graph.tasks if isinstance(task, SubgraphTask)}
    for instance in instances:
        subgraph = installing.get(f"install_{instance.id}")
        if subgraph is None or COMPONENT in instance.node.type_hierarchy:
            continue
        undoing = installing.get(_undoing(instance))
        if undoing is not None:
            # What waits for it is not stored.
            _put_before(graph, subgraph, undoing)
            continue
        if instance.state == "starting" and _would_run_again(subgraph, f"{LIFECYCLE}.start"):
            steps = _stop_again(instance)
        elif instance.state == "creating" and _would_run_again(subgraph, f"{LIFECYCLE}.create"):
            steps = _delete_again(instance)
        else:
            continue
        if steps:
            _run_before(graph, subgraph, instance, steps)


def _would_run_again(subgraph: SubgraphTask, name: str) -> bool:
    return any(
        isinstance(task, OperationTask)
        and task.operation["name"] == name
        and task.get_state() == TASK_PENDING
        and task.attempt > 1
        and not task.resume
        for task in subgraph.tasks.values()
    )


def _stop_again(instance: WorkflowNodeInstance) -> Steps:
    steps = operation(instance, f"{LIFECYCLE}.prestop")
    if is_host_node(instance):
        steps += host_pre_stop(instance)
    return steps + operation(instance, f"{LIFECYCLE}.stop")


def _delete_again(instance: WorkflowNodeInstance) -> Steps:
    return operation(instance, f"{LIFECYCLE}.delete") + operation(instance, f"{LIFECYCLE}.postdelete")


def _undoing(instance: WorkflowNodeInstance) -> str:
    return f"clean_up_{instance.id}"


def _run_before(
    graph: TaskDependencyGraph, subgraph: SubgraphTask, instance: WorkflowNodeInstance, steps: Steps
) -> None:
    before = graph.subgraph(_undoing(instance))
    before.sequence().add(
        instance.send_event("Undoing what was begun before the interruption"),
        *steps,
        instance.send_event("Undone; the installation continues"),
    )
    ignore_failures(before, instance)
    _put_before(graph, subgraph, before)


def _put_before(graph: TaskDependencyGraph, subgraph: SubgraphTask, before: SubgraphTask) -> None:
    """Let ``subgraph`` wait for ``before``, which waits for what ``subgraph`` waited for."""
    for blocker in list(subgraph.blockers):
        graph.add_dependency(before, blocker)
    graph.add_dependency(subgraph, before)
