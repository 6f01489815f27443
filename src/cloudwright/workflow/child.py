"""A workflow's process: from its ``begin`` frame to its ``end`` frame."""

from __future__ import annotations

import gc
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudwright.child.failures import memory_limit, user_error
from cloudwright.model.frames.workflow import check_to_workflow
from cloudwright.model.json_values import plain
from cloudwright.model.node_packing import SHARED, Unpacking
from cloudwright.model.operation import headline
from cloudwright.process.channel import Channel, ChannelClosed
from cloudwright.process.frames import FrameError
from cloudwright.workflow.api import EXECUTION_CANCELLED_RESULT
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.current import current_workflow_ctx
from cloudwright.workflow.errors import ExecutionCancelled, WorkflowFailed
from cloudwright.workflow.host_connection import HostConnection


class WorkflowNotRun(Exception):
    """The workflow's function cannot be called: it is not there, or it may not be, or not like this."""


class WorkflowEntered(Exception):
    """The function ran before, and is not marked as resumable."""


def main(channel: Channel) -> None:
    """Run the workflow that the first frame names. Returns when its end was sent, or the host is gone."""
    collect_rarely()
    try:
        try:
            begin = channel.receive_begin(check_to_workflow)
        except FrameError as error:
            channel.send({"type": "end", **_end("failed", error=_not_understood(error))})
            return
        connection = HostConnection(channel)
        try:
            end = run(begin, connection)
            connection.flush()
        finally:
            connection.close()
        _send_end(channel, end)
    except ChannelClosed:
        # The host is gone: nothing is left to report to.
        return


def collect_rarely() -> None:
    """Look for garbage less often than Python does by itself: a large graph is many objects, and none of it
    garbage.
    """
    gc.set_threshold(20_000, 10, 10)


def run(begin: Mapping[str, Any], connection: HostConnection) -> dict[str, Any]:
    """Call the workflow's function, and return the ``end`` frame without its type. Raises ChannelClosed
    only.
    """
    connection.cancellation.requested = begin.get("cancel")
    try:
        begin = briefed(begin, connection)
        result = perform(begin, connection)
    except WorkflowEntered:
        return _not_resumable(begin)
    except ChannelClosed:
        raise
    except ExecutionCancelled:
        return _end("cancelled")
    except BaseException as error:  # noqa: BLE001 - whatever the user's code does is how the workflow ended
        folders = [begin["blueprint"]["path"], *(begin["plugin"].get("path") or ())]
        return _end("failed", error=explain(error, folders))
    return _end("terminated", result=plain(result))


def perform(begin: Mapping[str, Any], connection: HostConnection, *, share: bool = True) -> Any:
    """Call the workflow's function, wait for its tasks, and return its result.

    ``share``: its context is that of the whole process, and not of this thread only. Raises what the function
    raises, ExecutionCancelled, and WorkflowEntered if it may not be called again.
    """
    function = load(begin)
    resumable = bool(getattr(function, "resumable", False))
    if begin.get("workflow_entered") and not resumable:
        raise WorkflowEntered
    ctx = WorkflowContext(begin, connection, resumable)
    parameters = dict(begin["execution"].get("parameters") or {})
    if share:
        current_workflow_ctx.share(ctx, parameters)
        return _performed(function, ctx, parameters, connection, resumable)
    with current_workflow_ctx.push(ctx, parameters):
        return _performed(function, ctx, parameters, connection, resumable)


def _performed(
    function: Callable[..., Any],
    ctx: WorkflowContext,
    parameters: dict[str, Any],
    connection: HostConnection,
    resumable: bool,
) -> Any:
    if not resumable:
        # Stored before it is called: what it does from here on is not known once its process is gone.
        connection.call("begin")
    result = _call(function, ctx, parameters)
    if isinstance(result, str) and result == EXECUTION_CANCELLED_RESULT:
        raise ExecutionCancelled
    ctx.internal.wait_for_all()
    return result


def briefed(begin: Mapping[str, Any], connection: HostConnection) -> dict[str, Any]:
    """Return the ``begin`` frame with the parts that it leaves out, and its nodes made whole. Raises
    RequestRefused.
    """
    whole = dict(begin)
    for number in range(whole.get("parts") or 0):
        part = connection.call("context_chunk", part=number)
        found: Any = whole
        for step in part["path"]:
            found = found[step]
        found.extend(part["items"])
    unpacking = Unpacking(whole.pop(SHARED, None))
    whole["nodes"] = [unpacking.node(node) for node in whole["nodes"]]
    return whole


def _end(outcome: str, result: Any = None, error: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"outcome": outcome, "result": result, "error": error}


def _send_end(channel: Channel, end: dict[str, Any]) -> None:
    try:
        channel.send({"type": "end", **end})
    except FrameError:
        # Only a result can be that large; that the workflow has ended matters more.
        channel.send({"type": "end", **end, "result": None})


# Finding and calling the function.


def load(begin: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the workflow's function. Raises WorkflowNotRun saying what was looked for, and where."""
    plugin = begin["plugin"]
    for folder in reversed(plugin.get("path") or ()):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    mapping = str(begin["mapping"])
    module_name, _, name = mapping.rpartition(".")
    workflow = begin["execution"]["workflow_id"]
    whose = f"Workflow `{workflow}` is mapped to `{mapping}` of plugin `{plugin['name']}`"
    if not module_name:
        raise WorkflowNotRun(f"{whose}, which is not a dotted path to a function: write `module.function`.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name != missing and not module_name.startswith(f"{missing}."):
            raise WorkflowNotRun(
                f"{whose}. Module `{module_name}` needs module `{missing}`, which is not installed."
            ) from error
        folders = ", ".join(path for path in sys.path if path) or "nowhere"
        raise WorkflowNotRun(
            f"{whose}, but there is no module `{missing}`. It was looked for in: {folders}."
        ) from error
    except Exception as error:
        raise WorkflowNotRun(
            f"{whose}. Importing module `{module_name}` failed: {type(error).__name__}: {error}"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        where = getattr(module, "__file__", None) or module_name
        what = "has no function" if function is None else "has something other than a function under the name"
        raise WorkflowNotRun(f"{whose}, but module `{module_name}` ({where}) {what} `{name}`.")
    return function  # type: ignore[no-any-return]


def _not_resumable(begin: Mapping[str, Any]) -> dict[str, Any]:
    if begin.get("cancel"):
        # It was asked to stop, and its process is gone: that is as stopped as it can be.
        return _end("cancelled")
    execution = begin["execution"]
    error = WorkflowNotRun(
        f"Workflow `{execution['workflow_id']}` ran before and cannot be resumed: its function "
        f"`{begin['mapping']}` is not marked as resumable. Start it again; or, if it may be called again "
        "after it stopped on the way, mark it with @workflow(resumable=True)."
    )
    return _end("failed", error=explain(error))


def _call(function: Callable[..., Any], ctx: WorkflowContext, parameters: dict[str, Any]) -> Any:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function(ctx=ctx, **parameters)
    takes_any = any(item.kind is item.VAR_KEYWORD for item in signature.parameters.values())
    arguments = parameters | {"ctx": ctx} if takes_any or "ctx" in signature.parameters else parameters
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise WorkflowNotRun(
            f"Workflow `{ctx.workflow_id}` cannot be called with parameters {sorted(parameters)}: {error}. "
            f"Its function is {getattr(function, '__name__', function)}{signature}."
        ) from error
    return function(**arguments)


# Saying what went wrong.


def _not_understood(error: FrameError) -> dict[str, Any]:
    message = f"The workflow's process did not understand what it is to do: {error}."
    return {"message": message, "kind": type(error).__name__, "traceback": ""}


def explain(error: BaseException, folders: Sequence[str] = ()) -> dict[str, Any]:
    """``{"message", "kind", "traceback"}`` for an ``end`` frame: what the user wrote, and nothing of the
    engine. ``folders`` are those of the blueprint and of the plugin: file names are relative to them.
    """
    kind = type(error).__name__
    if isinstance(error, WorkflowFailed):
        return {"message": str(error), "kind": kind, "traceback": error.traceback}
    if isinstance(error, WorkflowNotRun):
        cause = error.__cause__
        return {
            "message": str(error),
            "kind": kind,
            "traceback": user_error(cause, folders).traceback if cause is not None else "",
        }
    said, message = user_error(error, folders), str(error) or kind
    if isinstance(error, SystemExit):
        message = f"the workflow called sys.exit({error.code!r}) instead of returning"
    elif isinstance(error, KeyboardInterrupt):
        message = "the workflow was interrupted (KeyboardInterrupt)"
    elif isinstance(error, MemoryError):
        message = f"the workflow ran out of memory{memory_limit('CLOUDWRIGHT_WORKFLOW_MEMORY')} (MemoryError)"
    elif said.traceback or not isinstance(error, (ValueError, RuntimeError)):
        # Without a frame of a user's code it is a built-in workflow that refuses: the words are enough.
        message = headline(kind, message, said.place)
    return {"message": message, "kind": kind, "traceback": said.traceback}
