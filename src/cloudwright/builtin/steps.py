"""Pieces that the life of a node instance is put together from: an operation, and what is said before and
after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from cloudwright.model.hosts import COMPUTE
from cloudwright.workflow.tasks import SubgraphTask, TaskContainer, WorkflowTask, forkjoin
from cloudwright.workflow.topology import (
    WorkflowNodeInstance,
    WorkflowRelationshipInstance,
    is_implemented,
)

LIFECYCLE = "cloudify.interfaces.lifecycle"
RELATIONSHIP_LIFECYCLE = "cloudify.interfaces.relationship_lifecycle"
#: The type of a node that stands for another deployment.
COMPONENT = "cloudify.nodes.Component"

#: What a sequence takes: tasks and forkjoins.
Steps = list[Any]


def is_host_node(node_instance: WorkflowNodeInstance) -> bool:
    return COMPUTE in node_instance.node.type_hierarchy


def skip_nop_operations(task: Any, pre: Any = None, post: Any = None) -> Steps:
    """``pre``, ``task`` and ``post`` in this order, or nothing if ``task`` would do nothing."""
    if task is None or task.is_nop():
        return []
    return [*_listed(pre), task, *_listed(post)]


def _listed(steps: Any) -> Steps:
    if steps is None:
        return []
    return steps if isinstance(steps, list) else [steps]


def operation(
    instance: WorkflowNodeInstance,
    name: str,
    *,
    before: tuple[str | None, str] | None = None,
    after: tuple[str | None, str] | None = None,
) -> Steps:
    """Return an operation of the instance; nothing if it is not implemented.

    ``before`` and ``after`` are each a state to set, or None, and what to say.
    """
    if not instance.node.has_operation(name):
        return []
    return [*announce(instance, before), instance.execute_operation(name), *announce(instance, after)]


def announce(instance: WorkflowNodeInstance, what: tuple[str | None, str] | None) -> Steps:
    """Set the state, or none, and say something, or nothing."""
    if what is None:
        return []
    state, message = what
    return [instance.send_event(message) if state is None else instance.set_state(state, message)]


def relationship_operations(relationship: WorkflowRelationshipInstance, name: str) -> list[WorkflowTask]:
    """Return the operation on both ends, as far as it is implemented."""
    ends = (
        (relationship.relationship.source_operations, relationship.execute_source_operation),
        (relationship.relationship.target_operations, relationship.execute_target_operation),
    )
    return [execute(name) for operations, execute in ends if is_implemented(operations, name)]


def relationships_operations(
    graph: TaskContainer, node_instance: WorkflowNodeInstance, operation: str, reverse: bool = False
) -> SubgraphTask | None:
    """Return a subgraph that runs the operation for all relationships of the instance, or None if there is
    nothing to run.

    Relationships with instances of the same node side by side; else one after another, as the blueprint has
    them.
    """
    groups: list[forkjoin] = []
    for _, members in groupby(node_instance.relationships, key=lambda item: item.relationship.target_id):
        tasks = [task for member in members for task in relationship_operations(member, operation)]
        if tasks:
            groups.append(forkjoin(*tasks))
    if not groups:
        return None
    subgraph: SubgraphTask = graph.subgraph(f"{operation}_{node_instance.id}")
    subgraph.sequence().add(*(reversed(groups) if reverse else groups))
    return subgraph


def in_order(instances: Iterable[WorkflowNodeInstance]) -> list[WorkflowNodeInstance]:
    """Return the instances without repetition, in an order that is the same every time, even if they came as
    a set.
    """
    if isinstance(instances, set | frozenset):
        return sorted(instances, key=lambda item: (item.node_id, item.index or 0, item.id))
    return list(dict.fromkeys(instances))
