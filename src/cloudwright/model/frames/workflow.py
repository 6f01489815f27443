"""Frames between a workflow's process and its host."""

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
from cloudwright.model.frames.operation import NodeInstanceFacts, OperationFacts


class WorkflowPlugin(TypedDict):
    """The plugin that a workflow belongs to."""

    name: str
    version: str | None
    path: NotRequired[Annotated[list[str], "folders to put on `sys.path`"]]


class Policy(TypedDict):
    """Retries and waits of a workflow's tasks."""

    task_retries: Annotated[int, "-1 is unlimited"]
    task_retry_interval: Annotated[float, "seconds"]
    task_retry_backoff: NotRequired[Annotated[float, "by how much each further interval is longer"]]
    subgraph_retries: int
    wait_after_fail: Annotated[float, "seconds"]


class StoredTask(TypedDict):
    """A stored task, as a resumed workflow gets it."""

    id: str
    name: str
    kind: str
    depends_on: list[str]
    parameters: dict[str, Any]
    state: str
    attempt: int
    result: Any
    failure: Annotated[dict[str, Any] | None, "see [A failure](#a-failure)"]
    running: Annotated[bool, "an operation from before that still runs, and will be reported"]


class StoredGraph(TypedDict):
    """A stored graph."""

    id: str
    name: str
    tasks: list[StoredTask]


class Begin(TypedDict):
    """First frame, once: which workflow to run, and on what."""

    type: Literal["begin"]
    version: Annotated[int, "of the frames"]
    execution: ExecutionFacts
    mapping: Annotated[str, "dotted path of the workflow function"]
    plugin: Annotated[WorkflowPlugin, "`{name, version, path}`"]
    deployment: DeploymentFacts
    blueprint: BlueprintFacts
    tenant: TenantFacts
    nodes: Annotated[list[dict[str, Any]], "the plan's nodes, packed ([plan.md](../reference/plan.md))"]
    shared: Annotated[dict[str, Any] | None, "what packed nodes share; null if they are not packed"]
    node_instances: list[NodeInstanceFacts]
    workflows: Annotated[dict[str, Any], "the deployment's workflows by name, as in the plan"]
    policy: Annotated[
        Policy,
        "retries and waits, in seconds: `{task_retries, task_retry_interval, ...}`",
    ]
    resume: Annotated[bool, "an earlier process of this execution may have run"]
    resumed: Annotated[int, "how often a user resumed the execution"]
    workflow_entered: Annotated[bool, "the function of a workflow that is not resumable may have been called"]
    cancel: Annotated[str | None, "the mode of a request to cancel that was made already"]
    graphs: Annotated[list[StoredGraph], "see [Stored graphs](#stored-graphs)"]
    parts: NotRequired[Annotated[int, "how many chunks of lists follow, see [Chunks](#chunks)"]]


class Retry(TypedDict):
    """Operations that wait to be tried again are to be tried at once."""

    type: Literal["retry"]
    by: Annotated[str, "the user who asked"]


class OperationUpdate(TypedDict):
    """What became of an operation."""

    type: Literal["operation"]
    id: Annotated[str, "of the operation"]
    attempt: Annotated[int | None, "null if it was refused before it was sent"]
    state: Literal["started", "succeeded", "failed", "cancelled"]
    result: Any
    failure: Annotated[Failure | None, "see [A failure](#a-failure)"]


class Task(TypedDict):
    """A task of a stored graph."""

    id: str
    name: str
    kind: Annotated[str, "`operation`, or the name of a kind of local task"]
    depends_on: NotRequired[Annotated[list[str], "ids of tasks"]]
    parameters: NotRequired[Annotated[dict[str, Any], "of an operation: [the operation](#an-operation)"]]


class EventEntry(TypedDict):
    """An event of the workflow."""

    event_type: str
    message: str
    node_instance_id: NotRequired[str | None]
    operation: NotRequired[str | None]
    operation_id: NotRequired[str | None]
    details: NotRequired[dict[str, Any] | None]


class LogEntry(TypedDict):
    """A log line of the workflow."""

    level: str
    message: str
    logger: str
    node_instance_id: NotRequired[str | None]
    operation: NotRequired[str | None]


#: Entries of a journal are lists, the kind first.
GraphEntry = Annotated[
    tuple[Literal["graph"], Annotated[str, "graph id"], Annotated[str, "name"], list[Task]],
    "store a graph, all its tasks `pending`",
]
TasksEntry = Annotated[
    tuple[Literal["tasks"], Annotated[str, "graph id"], list[Task]], "store tasks added to a stored graph"
]
TaskEntry = Annotated[
    tuple[
        Literal["task"],
        Annotated[str, "task id"],
        Annotated[Literal["pending", "sent", "started", "succeeded", "failed", "cancelled"], "state"],
        Annotated[Any, "result"],
    ],
    "a task that runs inside the workflow's process changed its state; of operations, see Stored graphs",
]
RunEntry = Annotated[
    tuple[Literal["run"], OperationFacts], "run an operation: it is stored as `sent`, then dispatched"
]
StateEntry = Annotated[
    tuple[Literal["state"], Annotated[str, "instance id"], Annotated[str, "state"]],
    "set a node instance's state; `deleted` also empties its runtime properties",
]
SystemEntry = Annotated[
    tuple[Literal["system"], Annotated[str, "instance id"], dict[str, Any]],
    "put these keys into a node instance's system properties; null takes a key out",
]
EventEntryItem = Annotated[tuple[Literal["event"], EventEntry], "record an event"]
LogEntryItem = Annotated[tuple[Literal["log"], LogEntry], "record a log line"]
ENTRIES = (GraphEntry, TasksEntry, TaskEntry, RunEntry, StateEntry, SystemEntry, EventEntryItem, LogEntryItem)
Entry = (
    GraphEntry | TasksEntry | TaskEntry | RunEntry | StateEntry | SystemEntry | EventEntryItem | LogEntryItem
)


class Journal(TypedDict):
    """What the workflow did, in order: applied in one transaction, in the order of frames."""

    type: Literal["journal"]
    aware: Annotated[bool, "the process knew of a request to cancel when it sent this"]
    entries: Annotated[list[Entry], "see [Entries of a journal](#entries-of-a-journal)"]


class WorkflowError(TypedDict):
    """Why a workflow failed."""

    message: Annotated[str, "for the user"]
    kind: Annotated[str, "the exception's class"]
    traceback: Annotated[str, "of the user's code; may be empty"]


class End(TypedDict):
    """Last frame; the process exits right after."""

    type: Literal["end"]
    outcome: Literal["terminated", "cancelled", "failed"]
    result: Annotated[Any, "what the function returned"]
    error: Annotated[WorkflowError | None, "`{message, kind, traceback}` if it failed"]


TO_WORKFLOW = (Begin, Cancel, Retry, OperationUpdate, Reply)
FROM_WORKFLOW = (Journal, Call, End)
check_to_workflow = frame_check(*TO_WORKFLOW)
check_from_workflow = frame_check(*FROM_WORKFLOW)
