"""``ctx``: the context that a workflow's function is called with."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cloudwright.model.node_packing import Unpacking
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.host_connection import HostConnection
from cloudwright.workflow.importable import import_by_name
from cloudwright.workflow.inline_tasks import SendWorkflowEventTask
from cloudwright.workflow.local_tasks import LocalWorkflowTask
from cloudwright.workflow.manager_questions import ManagerQuestions
from cloudwright.workflow.modification import Modification, ModifiedContext
from cloudwright.workflow.record_view import Record, RecordField, RecordView, nothing
from cloudwright.workflow.runtime import WorkflowRuntime
from cloudwright.workflow.topology import Topology, WorkflowNode, WorkflowNodeInstance


class DeploymentContext(RecordView):
    """The deployment that the workflow runs on."""

    description = RecordField[str | None](nothing, "Its description, or None.")
    inputs = RecordField[dict[str, Any]](dict, "Its inputs.")
    outputs = RecordField[dict[str, Any]](dict, "Its outputs, as they are defined.")
    capabilities = RecordField[dict[str, Any]](dict, "Its capabilities, as they are defined.")
    scaling_groups = RecordField[dict[str, Any]](dict, "Its scaling groups by name.")
    labels = RecordField[Any](list, "Its labels.")
    resource_tags = RecordField[dict[str, Any]](dict, "Tags for the resources that its plugins create.")
    runtime_only_evaluation = RecordField[bool](bool, "Whether functions are evaluated at each use.")

    def __init__(self, record: Mapping[str, Any], workflows: Mapping[str, Any], ctx: ModifiedContext) -> None:
        super().__init__(record)
        self._ctx = ctx
        self._steps = 0
        #: The deployment's workflows by name, as in the plan.
        self.workflows = dict(workflows)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def display_name(self) -> str:
        return str(self.record.get("display_name") or self.id)

    def start_modification(self, nodes: Mapping[str, Any], context: Any = None) -> Modification:
        """Add and remove node instances: those that are added are part of the deployment at once, those that
        are to be removed until the modification is finished.

        A resumed workflow that comes to this step again gets the same modification.

        Parameters:
            nodes: ``{"instances", "removed_ids_include_hint", "removed_ids_exclude_hint"}`` by node or
                scaling group.
            context: Kept with it, as JSON.

        Raises:
            RequestRefused: The numbers are not allowed, or another modification is going on.
        """
        self._steps += 1
        record = self._ctx.internal.call(
            "start_modification", step=self._steps, nodes=dict(nodes), context=context
        )
        self._ctx.refresh_node_instances()
        return Modification(self._ctx, record)

    def stored_modification(self) -> Modification | None:
        """Return what the next step has started in an earlier process of this execution; None if nothing."""
        record = self._ctx.internal.call("stored_modification", step=self._steps + 1)
        if record is None:
            return None
        self._steps += 1
        self._ctx.refresh_node_instances()
        return Modification(self._ctx, record)

    def preview_modification(self, nodes: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what ``start_modification`` would do; nothing is stored.

        It is ``{id, node_id, action, reason}`` of each instance that would be added or removed; what is added
        gets other ids when it is started.
        """
        changes: list[dict[str, Any]] = self._ctx.internal.call("preview_modification", nodes=dict(nodes))
        return changes

    def list_started_modifications(self) -> list[Modification]:
        """Return the modifications of the deployment that are going on."""
        found = self._ctx.internal.call("started_modifications")
        return [Modification(self._ctx, record) for record in found]


class BlueprintContext:
    """The blueprint of the deployment; ``path`` is the folder of its files."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.id = str(record["id"])
        self.path = str(record["path"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class WorkflowContext(ManagerQuestions):
    """The context of a workflow: its execution and deployment, and the tasks that it can run.

    Methods that make a task return the task in graph mode. Otherwise they launch it and return its
    WorkflowTaskResult.

    Any thread of the workflow may use it; one graph is built and executed by one thread.
    """

    def __init__(self, begin: Mapping[str, Any], connection: HostConnection, resumable: bool = False) -> None:
        """``begin`` is the first frame (docs/concepts/frames.md); ``resumable`` is what its function says."""
        self._begin = begin
        self._execution = begin["execution"]
        self.internal = WorkflowRuntime(self, connection, begin, resumable)
        self.deployment = DeploymentContext(begin["deployment"], begin.get("workflows") or {}, self)
        self.blueprint = BlueprintContext(begin["blueprint"])
        #: Whether an earlier process of this execution may have run already.
        self.resume = resumable and bool(begin.get("resume"))
        self._topology = Topology(self, begin["nodes"], begin["node_instances"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.workflow_id} {self.execution_id}>"

    # What it is.

    @property
    def execution_id(self) -> str:
        return str(self._execution["id"])

    @property
    def workflow_id(self) -> str:
        """The workflow's name."""
        return str(self._execution["workflow_id"])

    @property
    def execution_creator_username(self) -> str | None:
        creator: str | None = self._execution.get("created_by")
        return creator

    @property
    def tenant(self) -> dict[str, Any]:
        tenant: dict[str, Any] = self._begin["tenant"]
        return tenant

    @property
    def tenant_name(self) -> str:
        return str(self.tenant["name"])

    @property
    def dry_run(self) -> bool:
        """Whether operations are only named, and nothing is changed."""
        return bool(self._execution.get("dry_run"))

    @property
    def local(self) -> bool:
        """Whether it runs without a manager, by ``cloudify.workflows.local``."""
        return bool(self._begin.get("local"))

    @property
    def wait_after_fail(self) -> float:
        """Seconds for which what runs is waited for after a task failed."""
        return self.internal.wait_after_fail

    @property
    def logger(self) -> logging.Logger:
        return self.internal.logger_of()

    # The deployment's parts.

    @property
    def nodes(self) -> Iterator[WorkflowNode]:
        return self._topology.nodes

    @property
    def node_instances(self) -> Iterator[WorkflowNodeInstance]:
        return self._topology.node_instances

    def get_node(self, node_id: str) -> WorkflowNode | None:
        """Return the node of that name, or None."""
        return self._topology.get_node(node_id)

    def get_node_instance(self, node_instance_id: str) -> WorkflowNodeInstance | None:
        """Return the node instance of that id, or None."""
        return self._topology.get_node_instance(node_instance_id)

    def refresh_node_instances(self) -> None:
        """Read all node instances again; those that were handed out before stay as they were."""
        instances = self.internal.connection.call("node_instances")
        self._topology = Topology(self, self._begin["nodes"], instances)

    def take_updated(self, record: Mapping[str, Any]) -> None:
        """Take the nodes and the deployment as they are after an update by this workflow."""
        unpacking = Unpacking(record["shared"])
        self._begin = {
            **self._begin,
            "nodes": [unpacking.node(node) for node in record["nodes"]],
            "deployment": record["deployment"],
        }
        self.deployment.record.update(record["deployment"])
        self.refresh_node_instances()

    # Tasks and graphs.

    def graph_mode(self) -> TaskDependencyGraph:
        """Go into graph mode: from now on tasks are made without being launched.

        Returns:
            The graph to put them into; an empty one after a graph that was executed and failed.

        Raises:
            RuntimeError: Tasks were launched that have not ended.
        """
        return self.internal.enter_graph_mode()

    def get_tasks_graph(self, name: str) -> TaskDependencyGraph | None:
        """Return the graph that an earlier process of this execution stored under ``name``, or None.

        Raises:
            RuntimeError: A handler that the stored graph names cannot be found.
        """
        return self.internal.restored_graph(name)

    def send_event(
        self,
        event: str,
        event_type: str = "workflow_stage",
        args: Any = None,
        additional_context: dict[str, Any] | None = None,
    ) -> Any:
        """Record an event of the workflow."""
        return self.internal.begin(SendWorkflowEventTask(event, self, event_type, additional_context))

    def local_task(
        self,
        local_task: Callable[..., Any],
        node: Any = None,
        info: Any = None,
        kwargs: dict[str, Any] | None = None,
        task_id: str | None = None,
        name: str | None = None,
        send_task_events: bool = True,
        override_task_config: bool = False,
        total_retries: int | None = None,
        retry_interval: float | None = None,
    ) -> Any:
        """Call a function in this process, in a thread; it is retried as operations are.

        Parameters:
            local_task: The function. It runs again in a resumed execution if it can be imported.
            node: Free for the caller.
            info: Free for the caller.
            kwargs: The function's arguments; JSON, if the task is to be restored.
            task_id: Its id; None for a new one.
            name: Its name in events; None for the function's.
            send_task_events: Whether its start and its end are events.
            override_task_config: Whether these arguments win over those of ``task_config``.
            total_retries: How often it is tried again; -1 for no limit, None for the deployment's.
            retry_interval: Seconds between two attempts; None for the deployment's.
        """
        given: dict[str, Any] = {
            "local_task": local_task,
            "node": node,
            "info": info,
            "kwargs": kwargs,
            "task_id": task_id,
            "name": name,
            "send_task_events": send_task_events,
            "total_retries": total_retries,
            "retry_interval": retry_interval,
        }
        given = {key: value for key, value in given.items() if value is not None}
        own = getattr(local_task, "workflow_task_config", {})
        config = given | own if not override_task_config else own | given
        return self.internal.begin(
            LocalWorkflowTask(workflow_context=self, **(self.internal.get_task_configuration() | config))
        )

    def execute_task(
        self,
        task_name: str,
        local: bool = True,
        kwargs: dict[str, Any] | None = None,
        send_task_events: bool = True,
        total_retries: int | None = None,
        retry_interval: float | None = None,
    ) -> Any:
        """Call the function of that dotted name in this process, as ``local_task`` does.

        Raises:
            ValueError: ``local`` is False. Only operations of node instances run on a worker.
            ImportError, AttributeError: There is no such function.
        """
        if not local:
            raise ValueError(
                f"Task `{task_name}` cannot run on a worker by itself: map it to an operation of a node, and "
                "use instance.execute_operation()."
            )
        module, _, function = task_name.rpartition(".")
        return self.local_task(
            import_by_name(f"{module}:{function}"),
            kwargs=kwargs,
            name=task_name,
            send_task_events=send_task_events,
            total_retries=total_retries,
            retry_interval=retry_interval,
        )

    # Questions.

    def get_execution(self, execution_id: str | None = None) -> Record:
        """This execution, as it is now."""
        return Record(self.internal.connection.call("execution", id=execution_id or self.execution_id))

    def get_deployment(self, deployment_id: str) -> Record:
        return Record(self.internal.connection.call("deployment", id=deployment_id))

    def update_node_instance(
        self,
        node_instance_id: str,
        version: int | None = None,
        state: str | None = None,
        runtime_properties: dict[str, Any] | None = None,
        force: bool = False,
    ) -> Record:
        """Store runtime properties or the state of a node instance, now.

        Parameters:
            node_instance_id: The node instance.
            version: The version that the change was made to; None for any.
            state: Its new state; None leaves it.
            runtime_properties: All its runtime properties; None leaves them.
            force: Whether to store them whatever the version is.

        Returns:
            The node instance as it is stored now.

        Raises:
            RequestRefused: ``version`` is not current, or there is no such node instance.
        """
        stored = self.internal.connection.call(
            "update_node_instance",
            id=node_instance_id,
            version=None if force else version,
            runtime_properties=runtime_properties,
            state=state,
        )
        instance = self.get_node_instance(node_instance_id)
        if instance is not None:
            instance.record.update(stored)
        return Record(stored)

    def download_resource(self, resource_path: str, target_path: str | None = None) -> str:
        """Copy a file of the blueprint.

        Parameters:
            resource_path: Its path in the blueprint.
            target_path: The path of the copy; None for one in a temporary folder.

        Returns:
            The path of the copy.

        Raises:
            RequestRefused: There is no such file.
        """
        source = self.internal.connection.call("read_resource", path=resource_path)
        if target_path is None:
            target_path = str(Path(tempfile.mkdtemp(prefix="resource-")) / Path(resource_path).name)
        shutil.copyfile(source, target_path)
        return target_path
