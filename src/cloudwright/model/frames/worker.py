"""Frames between a worker on another machine and the manager."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from cloudwright.model.frames.checking import frame_check
from cloudwright.model.frames.common import ReplyError

#: The version of these frames: a manager refuses a worker of another one.
PROTOCOL = 2


class HeldOperation(TypedDict):
    """An operation that a worker knows of."""

    operation: Annotated[str, "its id"]
    attempt: int
    state: Annotated[
        Literal["accepted", "told", "begun", "ended", "died", "left"],
        "`accepted`: its process waits for `go`; `told`: it got it in time; `begun`; `ended`: its end is on"
        " its way; `died` with an earlier life of the worker; `left`: processes of it could not be ended",
    ]


class Hello(TypedDict):
    """First frame of a worker, once in each connection."""

    type: Literal["hello"]
    protocol: Annotated[int, "version of these frames"]
    version: Annotated[str, "of the worker's program"]
    life: Annotated[str, "new at each start of the worker's process"]
    machine: Annotated[str, "identifies the machine"]
    system: Annotated[str, "operating system, processor and Python"]
    host: Annotated[str, "the machine's name"]
    capacity: Annotated[int, "how many operations it runs at once"]


class Inventory(TypedDict):
    """Second frame of a worker: all that it runs or has to report."""

    type: Literal["inventory"]
    operations: list[HeldOperation]
    journal_broken: Annotated[bool, "what earlier lives had accepted is not known"]


class Asks(TypedDict):
    """An operation's process waits to begin. An earlier `go` for it is void."""

    type: Literal["asks"]
    operation: str
    attempt: int
    asking: Annotated[int, "counts the askings of this operation"]


class Received(TypedDict):
    """A `kill` arrived."""

    type: Literal["received"]
    operation: str
    attempt: int


class WorkerCall(TypedDict):
    """A call of an operation's process."""

    type: Literal["call"]
    operation: str
    attempt: int
    id: Annotated[int, "the same if it is sent again"]
    method: str
    args: dict[str, Any]


class Report(TypedDict):
    """What happened to an operation. Sent again in the next connection until `stored` names its number."""

    type: Literal["report"]
    number: Annotated[int, "counts the reports of a life"]
    operation: str
    attempt: int
    kind: Literal["installing", "installed", "started", "begun", "message", "signalled", "ended"]
    content: Annotated[
        dict[str, Any], "of seconds, a process id, a `log` or `event` frame, a signal, or an end"
    ]


class Heartbeat(TypedDict):
    """Sent by both sides when nothing else was sent for some seconds."""

    type: Literal["heartbeat"]


class Goodbye(TypedDict):
    """The worker ends in good order: it runs nothing any more."""

    type: Literal["goodbye"]


class Welcome(TypedDict):
    """First frame of the manager: the worker's token is right."""

    type: Literal["welcome"]
    session: Annotated[int, "grows with each connection of the worker"]
    worker: Annotated[str, "the worker's name"]
    manager: Annotated[str, "new at each start of the manager"]
    silence: Annotated[float, "after so many seconds without a frame the worker is unreachable"]


class Refused(TypedDict):
    """First and last frame of the manager: the worker is not let in."""

    type: Literal["refused"]
    reason: Literal["unknown", "protocol", "duplicate", "deleted"]
    message: Annotated[str, "for the worker's log"]


class WheelFile(TypedDict):
    """A wheel that the manager has."""

    name: Annotated[str, "of the file"]
    digest: Annotated[str, "its SHA-256, by which it is fetched by HTTP"]
    size: Annotated[int, "bytes"]


class PluginInstallation(TypedDict):
    """What the environment of a plugin is made of, on the host and without a package index."""

    key: Annotated[str, "the same wheels have the same key"]
    plugin: str
    version: str | None
    wheels: list[WheelFile]
    pip: Annotated[WheelFile | None, "what installs them, if the manager has it"]


class RunOperation(TypedDict):
    """Accept an operation: write it to the journal, fork its process, ask to begin."""

    type: Literal["run"]
    operation: str
    attempt: int
    begin: Annotated[dict[str, Any], "the `begin` frame of its process, without `type` and `version`"]
    resources: Annotated[str, "key of the blueprint's files, fetched by HTTP"]
    files: Annotated[str | None, "key of the plugin's own files, if they are not the blueprint's"]
    code: Annotated[list[str], "folders of the plugin's code, relative to its files or the blueprint's"]
    installation: Annotated[PluginInstallation | None, "what has to be installed before it is forked"]
    timeout: float | None
    timeout_recoverable: bool
    memory_limit: Annotated[int | None, "bytes"]


class Go(TypedDict):
    """The operation may begin, if this comes within three seconds of its asking."""

    type: Literal["go"]
    operation: str
    attempt: int
    asking: Annotated[int, "of the asking that is answered"]


class Revoke(TypedDict):
    """The operation is not to begin."""

    type: Literal["revoke"]
    operation: str
    attempt: int


class CancelOperation(TypedDict):
    """The operation's execution was asked to stop."""

    type: Literal["cancel"]
    operation: str
    mode: str


class Kill(TypedDict):
    """End all that the operation started."""

    type: Literal["kill"]
    operation: str
    attempt: int
    reason: str


class ReplyToCall(TypedDict):
    """The reply to a call."""

    type: Literal["reply"]
    id: int
    value: NotRequired[Any]
    error: NotRequired[Annotated[ReplyError, "`{kind, message}`; the call was refused"]]


class Stored(TypedDict):
    """These reports are stored."""

    type: Literal["stored"]
    numbers: list[int]


class Stop(TypedDict):
    """End everything that runs, and do not come back."""

    type: Literal["stop"]
    reason: str


TO_WORKER = (
    Welcome,
    Refused,
    RunOperation,
    Go,
    Revoke,
    CancelOperation,
    Kill,
    ReplyToCall,
    Stored,
    Stop,
    Heartbeat,
)
FROM_WORKER = (Hello, Inventory, Asks, Received, WorkerCall, Report, Heartbeat, Goodbye)
check_to_worker = frame_check(*TO_WORKER)
check_from_worker = frame_check(*FROM_WORKER)
