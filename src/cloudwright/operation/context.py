"""``ctx``: what an operation is told about itself, and what it can ask for."""

from __future__ import annotations

import logging
import warnings
from functools import cached_property
from typing import Any

from cloudwright.child.errors import NonRecoverableError
from cloudwright.operation.context_parts import (
    BlueprintContext,
    BootstrapContext,
    DeploymentContext,
    OperationContext,
    PluginContext,
)
from cloudwright.operation.host_connection import HostConnection
from cloudwright.operation.logger import FrameHandler, operation_logger
from cloudwright.operation.node import (
    ContextCapabilities,
    NodeContext,
    NodeInstanceContext,
    RelationshipSubjectContext,
)
from cloudwright.operation.resources import Resources, render
from cloudwright.operation.rest_client import Record, RestClient

DEPLOYMENT = "deployment"
NODE_INSTANCE = "node-instance"
RELATIONSHIP_INSTANCE = "relationship-instance"


class AgentContext:
    """``ctx.agent``: how an agent gets onto a machine that an operation makes."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def init_script(self, agent_config: dict[str, Any] | None = None) -> str | None:
        """The script that installs an agent when a machine first starts; None where the node wants none.

        Raises NonRecoverableError where it wants one: agents of this kind connect by themselves once they
        are installed.
        """
        node = self._ctx.node
        properties = node.properties
        method = (properties.get("agent_config") or {}).get("install_method")
        if method not in ("init_script", "provided", "plugin") or properties.get("install_agent") is False:
            return None
        raise NonRecoverableError(
            f"Node `{node.name}` wants its agent installed by `{method}`, for which there is no script. Put "
            "the agent onto the machine's image, and set agent_config.install_method to `none`."
        )


class Context:
    """``begin`` is the frame that began the operation's process (docs/concepts/frames.md).

    Most operations look at few parts of it, so a part is made when somebody looks: a child that was just
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
        """Plugins' shared code looks in here, and writes into it; nothing of ours does."""
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
        """NODE_INSTANCE, RELATIONSHIP_INSTANCE or DEPLOYMENT: what the operation works on."""
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
        self._expect(NODE_INSTANCE, "ctx.node and ctx.instance")
        return self._node

    @property
    def instance(self) -> Any:
        self._expect(NODE_INSTANCE, "ctx.node and ctx.instance")
        return self._instance

    @property
    def source(self) -> Any:
        self._expect(RELATIONSHIP_INSTANCE, "ctx.source and ctx.target")
        return self._source

    @property
    def target(self) -> Any:
        self._expect(RELATIONSHIP_INSTANCE, "ctx.source and ctx.target")
        return self._target

    @property
    def capabilities(self) -> Any:
        """Older than, and better written as, ``ctx.instance.relationships``."""
        warnings.warn(
            "ctx.capabilities is deprecated: use ctx.instance.relationships", DeprecationWarning, stacklevel=2
        )
        return ContextCapabilities(self.source.instance if self._source is not None else self.instance)

    @cached_property
    def blueprint(self) -> BlueprintContext:
        return BlueprintContext(self._begin.get("blueprint") or {})

    @cached_property
    def deployment(self) -> DeploymentContext:
        return DeploymentContext(
            self._begin.get("deployment") or {}, self.tenant_name, self.execution_creator_username
        )

    @property
    def agent(self) -> AgentContext:
        self._expect(NODE_INSTANCE, "ctx.agent")
        return AgentContext(self)

    @cached_property
    def plugin(self) -> PluginContext:
        return PluginContext(self._begin.get("plugin") or {}, self._begin.get("workdir"))

    @property
    def operation(self) -> OperationContext:
        return self._operation

    @property
    def task_id(self) -> str | None:
        """The operation's id: the same in all of its attempts."""
        return self._task.get("id")

    @property
    def task_name(self) -> str | None:
        """The function's full name."""
        return self._task.get("mapping")

    @property
    def task_type(self) -> str:
        return "operation"

    @property
    def task_target(self) -> str | None:
        """The name of the agent that it runs on; None on the manager."""
        return (self._begin.get("agent") or {}).get("name")

    task_queue = task_target

    @property
    def timeout(self) -> float | None:
        """The operation is ended when it takes longer than this (seconds); None: it is not."""
        return self._task.get("timeout")

    @property
    def timeout_recoverable(self) -> bool:
        """Whether it is tried again when it took too long."""
        return bool(self._task.get("timeout_recoverable"))

    @property
    def resume(self) -> bool:
        """Whether the run before this one was interrupted, so that some of the work may be done already."""
        return bool(self._task.get("resume"))

    @property
    def execution_id(self) -> str | None:
        return self._execution.get("id")

    @property
    def workflow_id(self) -> str | None:
        """The name of the workflow that runs the operation."""
        return self._execution.get("workflow_id")

    @property
    def workflow_parameters(self) -> dict[str, Any]:
        return self._execution.get("parameters") or {}

    @property
    def execution_creator_username(self) -> str | None:
        return self._execution.get("created_by")

    @property
    def tenant_name(self) -> str | None:
        return self.tenant.get("name")

    # What it can do.

    @cached_property
    def _resources(self) -> Resources:
        blueprint = self._begin.get("blueprint") or {}
        return Resources(blueprint.get("path"), self._supervisor, blueprint.get("imported") or ())

    @property
    def logger(self) -> logging.Logger:
        """Everything logged here is seen in the execution's events."""
        if self._logger is None:
            self._logger = operation_logger(str(self.task_id), FrameHandler(self._supervisor))
        return self._logger

    def send_event(self, event: str) -> None:
        """Have the execution's events say ``event``."""
        self._supervisor.event(str(event), "plugin_event")

    def has_cancel_request(self) -> bool:
        """Whether the execution was asked to stop.

        An operation that takes long can look now and then, and end early.
        """
        return self._supervisor.cancel_requested()

    def get_resource(self, resource_path: str) -> bytes:
        """What a file of the blueprint holds. Raises HttpException where there is none."""
        return self._resources.read(resource_path)

    def get_resource_and_render(
        self, resource_path: str, template_variables: dict[str, Any] | None = None
    ) -> bytes:
        """The same for a Jinja template, filled with ``template_variables`` and ``ctx``."""
        variables = self._variables(template_variables)
        return render(self._resources.read(resource_path), variables, resource_path)

    def download_resource(self, resource_path: str, target_path: str | None = None) -> str:
        """Copy a file of the blueprint, to a new folder unless it is said; answers where it is."""
        return self._resources.download(resource_path, target_path)

    def download_resource_and_render(
        self,
        resource_path: str,
        target_path: str | None = None,
        template_variables: dict[str, Any] | None = None,
    ) -> str:
        """The same for a Jinja template, filled with ``template_variables`` and ``ctx``."""
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
        """Copy a folder of the blueprint, to a new one unless it is said; answers where it is."""
        return self._resources.download_folder(directory_path, target_path)

    def _variables(self, template_variables: dict[str, Any] | None) -> dict[str, Any]:
        variables = dict(template_variables or {})
        if "ctx" in variables:
            raise NonRecoverableError(
                "A template's variables cannot have one called `ctx`: it is there anyway."
            )
        return variables | {"ctx": self}

    # What it can ask the manager.

    @property
    def _rest(self) -> RestClient:
        return RestClient(self._supervisor.call)

    def get_execution(self, execution_id: str | None = None) -> Record:
        """An execution as the REST API shows it; None: the one that this operation belongs to."""
        return self._rest.executions.get(execution_id or str(self.execution_id))

    def get_operation(self) -> Record:
        """This operation as the REST API shows it."""
        return self._rest.operations.get(str(self.task_id))

    @property
    def provider_context(self) -> dict[str, Any]:
        """Always empty: what one shares with all blueprints is a secret or a shared deployment now."""
        return {}

    @property
    def bootstrap_context(self) -> BootstrapContext:
        return BootstrapContext({})
