"""``ctx``: what an operation knows about itself, and what it can do."""

from __future__ import annotations

import logging
import warnings
from functools import cached_property
from typing import Any

from cloudwright.child import rest
from cloudwright.child.errors import NonRecoverableError
from cloudwright.child.rest import Record
from cloudwright.operation.context.agent import AgentContext
from cloudwright.operation.context.capabilities import ContextCapabilities
from cloudwright.operation.context.deployment import BlueprintContext, BootstrapContext, DeploymentContext
from cloudwright.operation.context.instance import NodeInstanceContext, RelationshipSubjectContext
from cloudwright.operation.context.manager import ManagerQuestions
from cloudwright.operation.context.node import NodeContext
from cloudwright.operation.context.operation import OperationContext, PluginContext
from cloudwright.operation.context.workdir import DeploymentWorkdir
from cloudwright.operation.host_connection import HostConnection
from cloudwright.operation.logger import FrameHandler, operation_logger
from cloudwright.operation.resources import Resources, render

DEPLOYMENT = "deployment"
NODE_INSTANCE = "node-instance"
RELATIONSHIP_INSTANCE = "relationship-instance"


class Context(ManagerQuestions, DeploymentWorkdir):
    """``begin`` is the frame that began the operation's process (docs/concepts/frames.md).

    Most operations look at few parts of it, so each part is made when it is looked at: a child that was just
    forked pays for every function that it runs, and for every object that it makes.
    """

    def __init__(self, begin: dict[str, Any], supervisor: HostConnection) -> None:
        self._supervisor = supervisor
        self._begin = begin
        self._execution: dict[str, Any] = begin.get("execution") or {}
        self._task: dict[str, Any] = begin.get("operation") or {}
        self.tenant: dict[str, Any] = begin.get("tenant") or {}
        self._operation = OperationContext(self._task)
        self._logger: logging.Logger | None = None
        self._node: Any = None
        self._instance: Any = None
        self._source: Any = None
        self._target: Any = None
        if "source" in begin:
            self._source = RelationshipSubjectContext(*self._subject(begin["source"]))
            self._target = RelationshipSubjectContext(*self._subject(begin["target"]))
        elif begin.get("instance"):
            self._node, self._instance = self._subject(begin)

    def _subject(self, described: dict[str, Any]) -> tuple[NodeContext, NodeInstanceContext]:
        record = described["instance"]
        node = NodeContext(record["node_id"], record["id"], self._supervisor, described.get("node"))
        return node, NodeInstanceContext(record["id"], node, self._supervisor, record, modifiable=True)

    @cached_property
    def _context(self) -> dict[str, Any]:
        """Plugins' shared code reads and writes this; nothing of ours does."""
        return {
            "blueprint_id": self.blueprint.id,
            "deployment_id": self.deployment.id,
            "execution_id": self.execution_id,
            "workflow_id": self.workflow_id,
            "tenant": self.tenant,
        }

    # What it is about.

    @property
    def type(self) -> str:
        """What the operation works on: `node-instance`, `relationship-instance` or `deployment`."""
        if self._source is not None:
            return RELATIONSHIP_INSTANCE
        return NODE_INSTANCE if self._instance is not None else DEPLOYMENT

    def _expect(self, kind: str, names: str) -> None:
        if self.type != kind:
            raise NonRecoverableError(
                f"{names}: there in operations of a {kind}, but this is an operation of a {self.type}."
            )

    @property
    def node(self) -> Any:
        """The node, a NodeContext. Raises NonRecoverableError in other operations than a node's."""
        self._expect(NODE_INSTANCE, "ctx.node and ctx.instance")
        return self._node

    @property
    def instance(self) -> Any:
        """The node instance, a NodeInstanceContext. Raises NonRecoverableError as ``node`` does."""
        self._expect(NODE_INSTANCE, "ctx.node and ctx.instance")
        return self._instance

    @property
    def source(self) -> Any:
        """The source's node and instance. Raises NonRecoverableError in other operations than a
        relationship's.
        """
        self._expect(RELATIONSHIP_INSTANCE, "ctx.source and ctx.target")
        return self._source

    @property
    def target(self) -> Any:
        """The target's node and instance. Raises NonRecoverableError as ``source`` does."""
        self._expect(RELATIONSHIP_INSTANCE, "ctx.source and ctx.target")
        return self._target

    @property
    def capabilities(self) -> Any:
        """Deprecated: use ``ctx.instance.relationships``."""
        warnings.warn(
            "ctx.capabilities is deprecated: use ctx.instance.relationships", DeprecationWarning, stacklevel=2
        )
        return ContextCapabilities(self.source.instance if self._source is not None else self.instance)

    @cached_property
    def blueprint(self) -> BlueprintContext:
        """The blueprint of the deployment: its ``id``."""
        return BlueprintContext(self._begin.get("blueprint") or {})

    @cached_property
    def deployment(self) -> DeploymentContext:
        """The deployment: its ``id``, ``display_name``, ``inputs`` and ``resource_tags``."""
        return DeploymentContext(
            self._begin.get("deployment") or {}, self.tenant_name, self.execution_creator_username
        )

    @property
    def agent(self) -> AgentContext:
        """How an agent gets onto the machine that this operation makes."""
        self._expect(NODE_INSTANCE, "ctx.agent")
        return AgentContext(self.node, self.instance.id, self._supervisor.call)

    @cached_property
    def plugin(self) -> PluginContext:
        """The plugin that the operation belongs to."""
        return PluginContext(self._begin.get("plugin") or {}, self._begin.get("workdir"))

    @property
    def operation(self) -> OperationContext:
        """The operation itself: its name and its retries."""
        return self._operation

    @property
    def task_id(self) -> str | None:
        """The operation's id, the same in all of its attempts."""
        return self._task.get("id")

    @property
    def task_name(self) -> str | None:
        """The full name of the function that runs, `module.function`."""
        return self._task.get("mapping")

    @property
    def task_type(self) -> str:
        """Always `operation`."""
        return "operation"

    @property
    def task_target(self) -> str | None:
        """The name of the agent that it runs on, or None on the manager."""
        return (self._begin.get("agent") or {}).get("name")

    task_queue = task_target

    @property
    def timeout(self) -> float | None:
        """Seconds after which the operation is ended, or None if it may take any time."""
        return self._task.get("timeout")

    @property
    def timeout_recoverable(self) -> bool:
        """Whether an operation that was ended by its timeout is retried."""
        return bool(self._task.get("timeout_recoverable"))

    @property
    def resume(self) -> bool:
        """Whether the attempt before this one was interrupted, so that some of the work may be done."""
        return bool(self._task.get("resume"))

    @property
    def execution_id(self) -> str | None:
        """The id of the execution that runs the operation."""
        return self._execution.get("id")

    @property
    def workflow_id(self) -> str | None:
        """The name of the workflow that runs the operation, such as `install`."""
        return self._execution.get("workflow_id")

    @property
    def workflow_parameters(self) -> dict[str, Any]:
        """The execution's parameters, by name."""
        return self._execution.get("parameters") or {}

    @property
    def execution_creator_username(self) -> str | None:
        """The name of the user who started the execution."""
        return self._execution.get("created_by")

    @property
    def tenant_name(self) -> str | None:
        """The name of the tenant that the deployment belongs to."""
        return self.tenant.get("name")

    # What it can do.

    @cached_property
    def _resources(self) -> Resources:
        blueprint = self._begin.get("blueprint") or {}
        return Resources(blueprint.get("path"), self._supervisor, blueprint.get("imported") or ())

    @property
    def logger(self) -> logging.Logger:
        """A standard logger, from DEBUG on. Its records appear as log lines among the execution's events.

        A message is cut to 65,536 characters. Logging waits while too many lines wait to be stored.
        """
        if self._logger is None:
            self._logger = operation_logger(str(self.task_id), FrameHandler(self._supervisor))
        return self._logger

    def send_event(self, event: str) -> None:
        """Record ``event``, as text, among the execution's events (type `plugin_event`)."""
        self._supervisor.event(str(event), "plugin_event")

    def has_cancel_request(self) -> bool:
        """Return whether a cancellation of the execution was requested.

        An operation that takes long can look now and then, and end early. It does not wait.
        """
        return self._supervisor.cancel_requested()

    def get_resource(self, resource_path: str) -> bytes:
        """Return the content of a file of the blueprint; ``resource_path`` is relative to the blueprint.

        Raises HttpException, which is not recoverable, if there is none.
        """
        return self._resources.read(resource_path)

    def get_resource_and_render(
        self, resource_path: str, template_variables: dict[str, Any] | None = None
    ) -> bytes:
        """Return a file of the blueprint, rendered by Jinja with ``template_variables`` and ``ctx``.

        Raises HttpException if there is no such file, NonRecoverableError if the template cannot be rendered.
        """
        variables = self._variables(template_variables)
        return render(self._resources.read(resource_path), variables, resource_path)

    def download_resource(self, resource_path: str, target_path: str | None = None) -> str:
        """Copy a file of the blueprint to ``target_path``, or into a new folder; returns the copy's path.

        Raises HttpException if there is no such file.
        """
        return self._resources.download(resource_path, target_path)

    def download_resource_and_render(
        self,
        resource_path: str,
        target_path: str | None = None,
        template_variables: dict[str, Any] | None = None,
    ) -> str:
        """Copy a file as ``download_resource`` does, rendered as ``get_resource_and_render`` renders it."""
        variables = self._variables(template_variables)
        target = self.download_resource(resource_path, target_path)
        with open(target, "rb") as stream:
            content = stream.read()
        rendered = render(content, variables, resource_path)
        if rendered != content:
            with open(target, "wb") as stream:
                stream.write(rendered)
        return target

    def download_directory(self, directory_path: str, target_path: str | None = None) -> str:
        """Copy a folder of the blueprint to ``target_path``, or to a new one; returns the copy's path.

        Raises HttpException if there is no such folder.
        """
        return self._resources.download_folder(directory_path, target_path)

    def _variables(self, template_variables: dict[str, Any] | None) -> dict[str, Any]:
        variables = dict(template_variables or {})
        if "ctx" in variables:
            raise NonRecoverableError(
                "A template's variables cannot have one called `ctx`: it is there anyway."
            )
        return variables | {"ctx": self}

    # What it can ask the manager.

    def get_execution(self, execution_id: str | None = None) -> Record:
        """Return an execution as the REST API shows it; by default the one that runs this operation.

        Raises RequestRefused, with status_code 404, if there is none.
        """
        return rest.record(self._supervisor.call, f"/executions/{execution_id or self.execution_id}")

    def get_operation(self) -> Record:
        """Return this operation as the REST API shows it."""
        return rest.record(self._supervisor.call, f"/operations/{self.task_id}")

    @property
    def provider_context(self) -> dict[str, Any]:
        """Always empty; kept for plugins that read it."""
        return {}

    @property
    def bootstrap_context(self) -> BootstrapContext:
        return BootstrapContext({})
