"""Nodes, node instances and relationships, as a workflow sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from cloudwright.workflow.inline_tasks import (
    NOPLocalWorkflowTask,
    SendNodeEventTask,
    SetNodeInstanceStateTask,
)
from cloudwright.workflow.local_tasks import GetNodeInstanceStateTask
from cloudwright.workflow.operation_task import operation_task
from cloudwright.workflow.protocols import TaskContext
from cloudwright.workflow.record_view import RecordField, RecordView, nothing
from cloudwright.workflow.tasks import WorkflowTask

CONTAINED_IN = "cloudify.relationships.contained_in"


def is_implemented(operations: Mapping[str, Any], name: str) -> bool:
    """Return whether a table of operations of a plan has an implementation of the operation."""
    return bool((operations.get(name) or {}).get("operation"))


class Deployment(Protocol):
    """The deployment of a workflow, as its topology uses it."""

    @property
    def id(self) -> str: ...


class TopologyContext(TaskContext[WorkflowTask], Protocol):
    """The context of a workflow, as its topology uses it."""

    @property
    def deployment(self) -> Deployment: ...

    def get_node(self, node_id: str) -> WorkflowNode | None: ...


class WorkflowRelationship(RecordView):
    """A relationship of a node. ``relationship`` is as in the plan."""

    source_operations = RecordField[dict[str, Any]](dict, "Its operations on the source, by name.")
    target_operations = RecordField[dict[str, Any]](dict, "Its operations on the target, by name.")
    properties = RecordField[dict[str, Any]](dict, "Its properties, evaluated.")

    def __init__(self, node: WorkflowNode, relationship: dict[str, Any], topology: Topology) -> None:
        super().__init__(relationship)
        self.ctx = node.ctx
        self.node = node
        self._topology = topology

    @property
    def type(self) -> str:
        return str(self.record["type"])

    @property
    def target_id(self) -> str:
        """The name of the node that the relationship points at."""
        return str(self.record["target_id"])

    @property
    def target_node(self) -> WorkflowNode | None:
        return self._topology.get_node(self.target_id)

    @property
    def type_hierarchy(self) -> list[str]:
        return self.record.get("type_hierarchy") or [self.type]

    def is_derived_from(self, other_relationship: str) -> bool:
        """Return whether it is of that type, or of one that derives from it."""
        return other_relationship in self.type_hierarchy


class WorkflowRelationshipInstance:
    """A relationship between two node instances; ``index`` is its place among the source's relationships."""

    def __init__(
        self,
        node_instance: WorkflowNodeInstance,
        relationship: WorkflowRelationship,
        record: dict[str, Any],
        index: int,
        topology: Topology,
    ) -> None:
        self.ctx = node_instance.ctx
        self.node_instance = node_instance
        self.relationship = relationship
        self.index = index
        self._relationship_instance = record
        self._topology = topology

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.source_id}->{self.target_id} ({self.type})>"

    @property
    def type(self) -> str:
        return str(self._relationship_instance["type"])

    @property
    def source_id(self) -> str:
        """The id of the node instance that has the relationship."""
        return self.node_instance.id

    @property
    def target_id(self) -> str:
        """The id of the node instance that the relationship points at."""
        return str(self._relationship_instance["target_id"])

    @property
    def target_node_instance(self) -> WorkflowNodeInstance:
        target = self._topology.get_node_instance(self.target_id)
        if target is None:
            raise RuntimeError(
                f"`{self.source_id}` has a relationship to `{self.target_id}`, which does not exist."
            )
        return target

    def operation_subject(self, side: str | None) -> tuple[dict[str, Any], str | None]:
        """Return the keys that name it in an operation, and the host instance of the end that runs it."""
        runs = self.node_instance if side == "source" else self.target_node_instance
        about = {"source": self.source_id, "target": self.target_id, "relationship": self.index, "side": side}
        return about, runs.host_id

    def execute_source_operation(
        self,
        operation: str,
        kwargs: dict[str, Any] | None = None,
        allow_kwargs_override: bool | None = False,
        send_task_events: bool = True,
    ) -> Any:
        """Run an operation of the relationship on its source; see WorkflowNodeInstance.execute_operation."""
        return self._execute(
            "source",
            self.relationship.source_operations,
            operation,
            kwargs,
            allow_kwargs_override,
            send_task_events,
        )

    def execute_target_operation(
        self,
        operation: str,
        kwargs: dict[str, Any] | None = None,
        allow_kwargs_override: bool | None = False,
        send_task_events: bool = True,
    ) -> Any:
        """Run an operation of the relationship on its target; see WorkflowNodeInstance.execute_operation."""
        return self._execute(
            "target",
            self.relationship.target_operations,
            operation,
            kwargs,
            allow_kwargs_override,
            send_task_events,
        )

    def _execute(
        self,
        side: str,
        operations: dict[str, Any],
        name: str,
        kwargs: dict[str, Any] | None,
        override: bool | None,
        events: bool,
    ) -> Any:
        return self.ctx.internal.begin(
            operation_task(self.ctx, name, operations, self, kwargs, override, events, side)
        )


class WorkflowNodeInstance(RecordView):
    """A node instance. Equal to itself however often it was read.

    Its attributes are as of the execution's beginning, or of the last ``ctx.refresh_node_instances()``, but
    for the states that this workflow set.
    """

    index = RecordField[int | None](nothing, "Its number among the instances of its node, from 1.")
    host_id = RecordField[str | None](nothing, "The id of the node instance that it is hosted on, or None.")
    runtime_properties = RecordField[dict[str, Any]](dict, "The runtime properties that operations stored.")
    system_properties = RecordField[dict[str, Any]](dict, "The properties that the manager stored.")
    scaling_groups = RecordField[list[dict[str, Any]]](list, "The instances of scaling groups that it is in.")
    modification = RecordField[str | None](
        nothing, 'Its part in a deployment modification: "added", "removed" or None.'
    )

    def __init__(self, node: WorkflowNode, record: Mapping[str, Any], topology: Topology) -> None:
        super().__init__(record)
        # Workflows of others read the record under this name.
        self._node_instance = self.record
        self.ctx = node.ctx
        self._node = node
        self._contained_instances: list[WorkflowNodeInstance] = []
        self._relationship_instances: list[WorkflowRelationshipInstance] = []
        for index, relationship in enumerate(record.get("relationships") or ()):
            definition = node.relationship_to(relationship["target_name"], relationship["type"])
            if definition is not None:
                self._relationship_instances.append(
                    WorkflowRelationshipInstance(self, definition, relationship, index, topology)
                )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkflowNodeInstance) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} ({self.state})>"

    # What it is.

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def node_id(self) -> str:
        """The name of its node."""
        return str(self.record["node_id"])

    @property
    def node(self) -> WorkflowNode:
        return self._node

    @property
    def state(self) -> str:
        return str(self.record["state"])

    @property
    def version(self) -> int:
        """Grows with every change of its runtime properties."""
        return int(self.record.get("version") or 1)

    @property
    def deployment_id(self) -> str | None:
        return self.record.get("deployment_id") or self.ctx.deployment.id

    @property
    def relationships(self) -> Iterator[WorkflowRelationshipInstance]:
        return iter(self._relationship_instances)

    @property
    def logger(self) -> logging.Logger:
        """A logger whose lines are about this node instance."""
        return self.ctx.internal.logger_of(self.id)

    @property
    def contained_instances(self) -> list[WorkflowNodeInstance]:
        """The node instances that are contained in it directly."""
        return self._contained_instances

    def get_contained_subgraph(self) -> set[WorkflowNodeInstance]:
        """Return it, and everything that is contained in it, directly or not."""
        found: set[WorkflowNodeInstance] = set()
        pending = [self]
        while pending:
            instance = pending.pop()
            if instance not in found:
                found.add(instance)
                pending.extend(instance.contained_instances)
        return found

    def record_state(self, state: str) -> None:
        """Show the state that the workflow has set."""
        self.record["state"] = state

    def record_system_properties(self, values: Mapping[str, Any]) -> None:
        """Show system properties that the workflow has put; None takes one out."""
        properties = self.system_properties | dict(values)
        self.record["system_properties"] = {
            name: value for name, value in properties.items() if value is not None
        }

    # What can be done with it: a task in graph mode, else its result.

    def set_state(self, state: str, message: str | None = None) -> Any:
        """Set its state.

        Parameters:
            state: The new state; ``deleted`` also empties its runtime properties.
            message: An event to record with it, or None.

        Returns:
            A task in graph mode, else its WorkflowTaskResult.
        """
        if self.ctx.dry_run:
            return (
                self.send_event(message)
                if message
                else self.ctx.internal.begin(NOPLocalWorkflowTask(self.ctx))
            )
        return self.ctx.internal.begin(SetNodeInstanceStateTask(self.id, state, self.ctx, message))

    def get_state(self) -> Any:
        """Read its state as it is when the task runs.

        Returns:
            A task in graph mode, else its WorkflowTaskResult. The result is the state.
        """
        return self.ctx.internal.begin(GetNodeInstanceStateTask(self.id, self.ctx))

    def send_event(self, event: str, additional_context: dict[str, Any] | None = None) -> Any:
        """Record an event about it.

        Parameters:
            event: The message.
            additional_context: More about it, as JSON.

        Returns:
            A task in graph mode, else its WorkflowTaskResult.
        """
        return self.ctx.internal.begin(SendNodeEventTask(self.id, event, self.ctx, additional_context))

    def execute_operation(
        self,
        operation: str,
        kwargs: dict[str, Any] | None = None,
        allow_kwargs_override: bool | None = False,
        send_task_events: bool = True,
    ) -> Any:
        """Run an operation of its node; one that is not implemented succeeds at once.

        Parameters:
            operation: Its full name, such as ``cloudify.interfaces.lifecycle.create``.
            kwargs: More inputs.
            allow_kwargs_override: Whether ``kwargs`` may have inputs that the blueprint has.
            send_task_events: Whether its start and its end are events.

        Returns:
            A task in graph mode, else its WorkflowTaskResult. The result is what the operation returned.

        Raises:
            RuntimeError: ``kwargs`` has an input that the blueprint has, and may not.
        """
        task = operation_task(
            self.ctx, operation, self._node.operations, self, kwargs, allow_kwargs_override, send_task_events
        )
        return self.ctx.internal.begin(task)

    def operation_subject(self, side: str | None) -> tuple[dict[str, Any], str | None]:
        """Return the keys that name the instance in an operation, and its host instance."""
        return {"instance": self.id}, self.host_id


class WorkflowNode(RecordView):
    """A node of the deployment. ``record`` is as in the plan (docs/reference/plan.md)."""

    properties = RecordField[dict[str, Any]](dict, "Its properties, evaluated.")
    operations = RecordField[dict[str, Any]](dict, "Its operations by name, as in the plan.")
    plugins = RecordField[list[dict[str, Any]]](list, "The plugins that its operations use.")
    plugins_to_install = RecordField[list[dict[str, Any]]](list, "The plugins that its host needs.")
    host_id = RecordField[str | None](nothing, "The name of the node that it is hosted on, or None.")

    def __init__(self, ctx: TopologyContext, record: Mapping[str, Any], topology: Topology) -> None:
        super().__init__(record)
        # Workflows of others read the record under this name.
        self._node = self.record
        self.ctx = ctx
        self._relationships = [
            WorkflowRelationship(self, relationship, topology)
            for relationship in record.get("relationships") or ()
        ]
        self._by_target = {(item.target_id, item.type): item for item in reversed(self._relationships)}
        self._node_instances: dict[str, WorkflowNodeInstance] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    @property
    def id(self) -> str:
        """Its name."""
        return str(self.record.get("id") or self.record["name"])

    @property
    def type(self) -> str:
        return str(self.record["type"])

    @property
    def type_hierarchy(self) -> list[str]:
        """Its type and the types that it derives from, the root first."""
        return self.record.get("type_hierarchy") or [self.type]

    @property
    def host_node(self) -> WorkflowNode | None:
        return self.ctx.get_node(self.host_id) if self.host_id else None

    @property
    def number_of_instances(self) -> int:
        return self._scale("current_instances", "number_of_instances")

    @property
    def planned_number_of_instances(self) -> int:
        return self._scale("planned_instances", "planned_number_of_instances")

    @property
    def relationships(self) -> Iterator[WorkflowRelationship]:
        return iter(self._relationships)

    @property
    def instances(self) -> Iterator[WorkflowNodeInstance]:
        return iter(self._node_instances.values())

    def has_operation(self, operation_interface: str) -> bool:
        """Return whether the operation, by its full name, is implemented."""
        return is_implemented(self.operations, operation_interface)

    def get_relationship(self, target_id: str) -> WorkflowRelationship | None:
        """Return the first relationship to that node, or None."""
        return next((item for item in self._relationships if item.target_id == target_id), None)

    def relationship_to(self, target_id: str, type: str) -> WorkflowRelationship | None:
        """Return the relationship of that type to the node, else the first to it, or None."""
        return self._by_target.get((target_id, type)) or self.get_relationship(target_id)

    def _scale(self, property_name: str, key: str) -> int:
        if self.record.get(key) is not None:
            return int(self.record[key])
        scalable = ((self.record.get("capabilities") or {}).get("scalable") or {}).get("properties") or {}
        count = scalable.get(property_name)
        return len(self._node_instances) if count is None else int(count)


class Topology:
    """Nodes and node instances, and the way from one to another."""

    def __init__(
        self, ctx: TopologyContext, nodes: Iterable[Mapping[str, Any]], instances: Iterable[Mapping[str, Any]]
    ) -> None:
        self._nodes = {node.id: node for node in (WorkflowNode(ctx, record, self) for record in nodes)}
        self._node_instances: dict[str, WorkflowNodeInstance] = {}
        for record in instances:
            node = self._nodes.get(record["node_id"])
            if node is None:
                raise RuntimeError(
                    f"Node instance `{record['id']}` is of node `{record['node_id']}`, which does not exist."
                )
            instance = WorkflowNodeInstance(node, record, self)
            node._node_instances[instance.id] = instance
            self._node_instances[instance.id] = instance
        for instance in self._node_instances.values():
            for relationship in instance.relationships:
                target = self._node_instances.get(relationship.target_id)
                if target is not None and relationship.relationship.is_derived_from(CONTAINED_IN):
                    target._contained_instances.append(instance)

    @property
    def nodes(self) -> Iterator[WorkflowNode]:
        return iter(self._nodes.values())

    @property
    def node_instances(self) -> Iterator[WorkflowNodeInstance]:
        return iter(self._node_instances.values())

    def get_node(self, node_id: str) -> WorkflowNode | None:
        return self._nodes.get(node_id)

    def get_node_instance(self, node_instance_id: str) -> WorkflowNodeInstance | None:
        return self._node_instances.get(node_instance_id)
