"""What the frames of several kinds of children have in common."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict


class Call(TypedDict):
    """A question of a child to its supervisor."""

    type: Literal["call"]
    id: Annotated[int, "a number that the child gives to this call only"]
    method: Annotated[str, "what is asked for, see [Methods](#methods)"]
    args: Annotated[dict[str, Any], "the method's arguments by name"]


class ReplyError(TypedDict):
    """Why a call was refused."""

    kind: Annotated[str, "name of a class of `cloudwright.errors`, or of an unexpected exception"]
    message: Annotated[str, "for the user"]


class Reply(TypedDict):
    """The reply to a call: ``value``, or ``error`` if it was refused."""

    type: Literal["reply"]
    id: Annotated[int, "of the call"]
    value: NotRequired[Annotated[Any, "what the method returns"]]
    error: NotRequired[Annotated[ReplyError, "`{kind, message}`; the call was refused"]]


class Cancel(TypedDict):
    """A standard cancellation was requested. Force and kill are signals, not frames."""

    type: Literal["cancel"]
    mode: Annotated[str, "`cancel`, or the stronger mode that the request was raised to"]


class Cause(TypedDict):
    """An error that led to another one."""

    type: str
    message: str
    traceback: str


class Failure(TypedDict):
    """Why an attempt of an operation did not succeed."""

    message: Annotated[str, "for the user"]
    recoverable: Annotated[bool, "whether a retry may help"]
    retry_after: Annotated[float | None, "seconds; null leaves it to the retry policy"]
    kind: Annotated[str, "the exception's class, or the supervisor's name for what happened"]
    traceback: Annotated[str, "of the user's code, and of the errors that led to it; may be empty"]
    place: NotRequired[Annotated[str, "where it was raised: `plugins/p/tasks.py:4, in deep`"]]
    causes: NotRequired[
        Annotated[list[Cause], "errors that led to it, the nearest first: `{type, message, traceback}`"]
    ]


class ExecutionFacts(TypedDict):
    """The execution that a child works for."""

    id: str
    workflow_id: Annotated[str, "the workflow's name"]
    deployment_id: str
    parameters: dict[str, Any]
    dry_run: bool
    created_by: Annotated[str | None, "user name"]
    is_system_workflow: bool


class DeploymentFacts(TypedDict):
    """The deployment that the execution is about."""

    id: str
    display_name: str
    description: str | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    capabilities: dict[str, Any]
    scaling_groups: dict[str, Any]
    labels: Any
    resource_tags: dict[str, Any] | None
    runtime_only_evaluation: bool


class BlueprintFacts(TypedDict):
    """The blueprint of the deployment."""

    id: str
    path: Annotated[str, "folder of the blueprint's files"]
    imported: Annotated[
        list[str], "namespaces of imported blueprints; their files are read with `read_resource`"
    ]


class TenantFacts(TypedDict):
    """The tenant of the deployment."""

    name: str
