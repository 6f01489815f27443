"""The methods that a child may call, with their arguments."""

from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

from cloudwright.model.frames.checking import Check, object_check


class NoArguments(TypedDict):
    """No arguments."""


class ById(TypedDict):
    """One thing by its id."""

    id: str


class DeploymentById(TypedDict):
    """A deployment of the tenant; none: the execution's."""

    id: NotRequired[str | None]


class ExecutionById(TypedDict):
    """An execution of the tenant; without an id, the current one."""

    id: NotRequired[str | None]


class AwaitedExecution(TypedDict):
    """An execution of the tenant to wait for."""

    id: str
    timeout: NotRequired[Annotated[float | None, "seconds; none: as long as it takes"]]
    events_after: NotRequired[
        Annotated[int | None, "the id of an event: later ones end the waiting too; none: no event does"]
    ]


class PropertiesOfInstance(TypedDict):
    """What to store of a node instance."""

    id: str
    version: NotRequired[Annotated[int | None, "the change is refused if another one is stored"]]
    runtime_properties: NotRequired[dict[str, Any] | None]
    state: NotRequired[str | None]


class Evaluation(TypedDict):
    """A value that may hold intrinsic functions."""

    value: Any
    instance: NotRequired[Annotated[str | None, "SELF"]]


class ByPath(TypedDict):
    """A file of the blueprint."""

    path: str


class RestRequest(TypedDict):
    """A request to the REST API."""

    method: str
    path: Annotated[str, "below `/api/v3.1`, or below the root if `from_root`"]
    params: NotRequired[dict[str, Any] | None]
    body: NotRequired[Any]
    content: NotRequired[Annotated[str | None, "sent in place of `body`: base64, as `content_type`"]]
    content_type: NotRequired[str | None]
    tenant: NotRequired[Annotated[str | None, "another one than the execution's"]]
    from_root: NotRequired[bool]
    aware: NotRequired[Annotated[bool, "a workflow knows of the request to cancel; of an operation, ignored"]]


class ModifyNodes(TypedDict):
    """How many instances there are to be."""

    step: Annotated[int, "its number among the steps of the workflow: a resumed one gets the same answer"]
    nodes: Annotated[
        dict[str, Any],
        "`{instances, removed_ids_include_hint, removed_ids_exclude_hint}` by node or scaling group",
    ]
    context: NotRequired[Any]


class NodesToModify(TypedDict):
    """How many instances there would be."""

    nodes: Annotated[dict[str, Any], "as for `start_modification`"]


class StepByNumber(TypedDict):
    """A step of the workflow."""

    step: int


class RollbackOf(TypedDict):
    """A modification to take back."""

    id: str
    reason: NotRequired[str | None]


class Chunk(TypedDict):
    """One of the chunks that ``begin`` left out."""

    part: int


class Import(TypedDict):
    """An import of a blueprint."""

    reference: Annotated[str, "as it is written, without its namespace"]
    version: Annotated[str, "of the blueprint's DSL, such as `1_4`"]


class Method(NamedTuple):
    """``args`` is a TypedDict, ``returns`` what the value of the reply is."""

    args: type
    returns: str


#: What workflows and operations may call.
METHODS = {
    "node_instance": Method(ById, "a node instance of the deployment"),
    "node_instances": Method(NoArguments, "all node instances of the deployment"),
    "node": Method(ById, "a node's dictionary, with its relationships"),
    "update_node_instance": Method(PropertiesOfInstance, "the instance as it is stored then"),
    "evaluate": Method(Evaluation, "the value, with its intrinsic functions evaluated"),
    "execution": Method(ExecutionById, "`{id, status, workflow_id, parameters}`"),
    "await_execution": Method(
        AwaitedExecution,
        "`{id, status, over, error, cancel_requested_by}` as it is when the waiting ends",
    ),
    "deployment": Method(DeploymentById, "`{id, display_name, inputs, blueprint_id}`"),
    "read_resource": Method(ByPath, "a path on this machine"),
    "rest": Method(
        RestRequest,
        "`{status, body}`, or `{status, content, headers}` for what is no JSON; it has the rights of the "
        "execution's user",
    ),
}
#: What only a workflow may call.
WORKFLOW_METHODS = {
    "context_chunk": Method(Chunk, "`{path, items}`, see Chunks"),
    "begin": Method(
        NoArguments,
        "null, once it is stored that a workflow that cannot be resumed is called",
    ),
    "start_modification": Method(ModifyNodes, "a modification, see [Modifications](#modifications)"),
    "preview_modification": Method(
        NodesToModify, "what a modification would add and remove: its `changes`; nothing is stored"
    ),
    "stored_modification": Method(StepByNumber, "the modification that this step has started, or null"),
    "started_modifications": Method(NoArguments, "the deployment's modifications that are going on"),
    "deployment_update": Method(NoArguments, "the update that the execution carries out, see Updates"),
    "add_updated_nodes": Method(NoArguments, "null, once new nodes and instances are there"),
    "switch_update": Method(NoArguments, "`{nodes, shared, deployment}` as they are once the new plan holds"),
    "finish_update": Method(NoArguments, "null, once the update is stored as successful"),
    "finish_modification": Method(ById, "the modification as it is stored then"),
    "rollback_modification": Method(RollbackOf, "the modification as it is stored then"),
}
#: What a parser may call.
PARSER_METHODS = {
    "resolve_import": Method(Import, "`{location, path or text, folder, extra}`, see Imports"),
}

# Made at the first call of each.
_CHECKS: dict[type, Check] = {}


def call_problem(method: str, args: dict[str, Any], methods: dict[str, Method]) -> str | None:
    """Return why a call of one of ``methods`` cannot be answered, as a sentence, or None if it can."""
    known = methods.get(method)
    if known is None:
        return f"There is no method `{method}`."
    check = _CHECKS.get(known.args)
    if check is None:
        check = _CHECKS[known.args] = object_check(known.args)
    problem = check(args)
    if problem is None:
        return None
    return f"The argument `{problem[0].lstrip('.')}` of `{method}` {problem[1]}."
