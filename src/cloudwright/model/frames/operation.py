"""Frames between an operation's process and its runner."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from cloudwright.model.frames.checking import frame_check
from cloudwright.model.frames.common import (
    BlueprintFacts,
    Call,
    Cancel,
    DeploymentFacts,
    ExecutionFacts,
    Failure,
    Reply,
    TenantFacts,
)


class OperationFacts(TypedDict):
    """One attempt of an operation, as its workflow asked for it."""

    id: Annotated[str, "the same in all attempts"]
    name: Annotated[str, "full name, `cloudify.interfaces.lifecycle.create`"]
    graph_id: Annotated[str | None, "of the stored graph that it is part of"]
    attempt: Annotated[int, "counts from 1, and never goes back"]
    max_retries: Annotated[int, "-1 is unlimited"]
    retry_number: Annotated[int, "retries of this run of the workflow: the plugin sees it"]
    resume: Annotated[bool, "the attempt before was lost: run only what is marked as resumable"]
    instance: NotRequired[Annotated[str, "node instance that an ordinary operation works on"]]
    source: NotRequired[Annotated[str, "source instance of a relationship's operation"]]
    target: NotRequired[Annotated[str, "target instance"]]
    relationship: NotRequired[Annotated[int, "index in the source instance's relationships"]]
    side: NotRequired[Annotated[Literal["source", "target"], "end of the relationship that it belongs to"]]
    plugin: Annotated[str, "the plugin's name"]
    mapping: Annotated[str, "`module.function`"]
    executor: Annotated[str, "`central_deployment_agent` or `host_agent`"]
    inputs: Annotated[dict[str, Any], "evaluated in a `begin` frame, as in the plan in a journal"]
    evaluate: Annotated[bool, "whether inputs in a journal hold intrinsic functions"]
    timeout: Annotated[float | None, "seconds"]
    timeout_recoverable: bool
    task: NotRequired[
        Annotated[dict[str, Any], "what the workflow needs to restore the task from a stored graph"]
    ]


class NodeInstanceFacts(TypedDict):
    """A node instance."""

    id: str
    node_id: str
    deployment_id: str
    host_id: str | None
    index: Annotated[int, "counts a node's instances from 1"]
    state: str
    version: Annotated[int, "grows with every stored change"]
    runtime_properties: dict[str, Any]
    relationships: list[Any]
    scaling_groups: list[Any]
    system_properties: dict[str, Any]


class Subject(TypedDict):
    """One end of a relationship."""

    node: Annotated[dict[str, Any], "as in the plan, without its relationships"]
    instance: NodeInstanceFacts


class PluginFacts(TypedDict):
    """The plugin that an operation belongs to."""

    name: str
    version: str | None
    path: Annotated[list[str], "folders to put on `sys.path`"]
    properties: dict[str, Any]


class AgentFacts(TypedDict):
    """The agent that an operation runs on."""

    name: str
    host_id: str


class Begin(TypedDict):
    """First frame, once: what to run."""

    type: Literal["begin"]
    version: Annotated[int, "of the frames"]
    operation: Annotated[OperationFacts, "see [An operation](#an-operation); inputs are evaluated"]
    execution: ExecutionFacts
    deployment: DeploymentFacts
    blueprint: BlueprintFacts
    tenant: TenantFacts
    plugin: Annotated[PluginFacts, "`{name, version, path, properties}`"]
    workdir: Annotated[
        str, "the plugin's folder for this deployment; the operation makes it when it needs it"
    ]
    agent: Annotated[AgentFacts | None, "`{name, host_id}`; null on the manager"]
    node: NotRequired[
        Annotated[dict[str, Any], "as in the plan, without its relationships; see `node` in Methods"]
    ]
    instance: NotRequired[Annotated[NodeInstanceFacts, "of an ordinary operation, with `node`"]]
    source: NotRequired[Annotated[Subject, "`{node, instance}` of a relationship's operation"]]
    target: NotRequired[Annotated[Subject, "the same"]]


class Begun(TypedDict):
    """The user's code begins now. Until then an end of the execution waits for it."""

    type: Literal["begun"]
    attempt: Annotated[int, "the attempt that begins"]


class Log(TypedDict):
    """One log line."""

    type: Literal["log"]
    level: Annotated[str, "`debug`, `info`, `warning`, `error`, `critical`, or a plugin's own"]
    message: str
    logger: Annotated[str, "the logger's name; `stdout` is what the process printed"]


class Event(TypedDict):
    """One event."""

    type: Literal["event"]
    message: str
    event_type: str


class PropertiesUpdate(TypedDict):
    """Runtime properties that an operation changed."""

    id: Annotated[str, "of the node instance"]
    version: Annotated[int, "that was changed; the operation fails, recoverably, if it is not current"]
    runtime_properties: dict[str, Any]


class Loaded(TypedDict):
    """What an operation loaded of its plugin and the libraries of that."""

    modules: Annotated[list[str], "names of Python modules"]
    models: Annotated[list[list[str]], "descriptions of services of AWS, by what botocore was asked for"]


class End(TypedDict):
    """Last frame; the process exits right after."""

    type: Literal["end"]
    outcome: Literal["succeeded", "failed"]
    result: Annotated[Any, "what the function returned; null if it failed"]
    failure: Annotated[Failure | None, "see [A failure](#a-failure); null if it succeeded"]
    updates: Annotated[
        list[PropertiesUpdate], "`[{id, version, runtime_properties}]`, stored together with the end"
    ]
    loaded: NotRequired[
        Annotated[Loaded, "`{modules, models}`: what later processes of the environment could have before"]
    ]


TO_OPERATION = (Begin, Cancel, Reply)
FROM_OPERATION = (Begun, Log, Event, Call, End)
check_to_operation = frame_check(*TO_OPERATION)
check_from_operation = frame_check(*FROM_OPERATION)
