"""The operation's process: from its ``begin`` frame to its ``end`` frame."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from cloudwright.child.current import current_ctx
from cloudwright.child.errors import NonRecoverableError
from cloudwright.model.json_values import offence
from cloudwright.operation import warm_imports
from cloudwright.operation.context import Context
from cloudwright.operation.failure_report import describe
from cloudwright.operation.host_connection import HostConnection
from cloudwright.operation.mapping import add_paths, arguments, load_function
from cloudwright.operation.scripts.process import ProcessException
from cloudwright.process.channel import Channel
from cloudwright.process.frames import MAX_FROM_CHILD, FrameError


def main(channel: Channel) -> None:
    """Run one operation: receive ``begin``, call the plugin's function, send ``end``.

    The process ends when this returns, without waiting for threads that the function left behind.
    Raises ChannelClosed if the supervisor is gone.
    """
    supervisor = HostConnection(channel)
    try:
        begin = channel.receive_begin()
    except FrameError as error:
        message = f"The operation's process did not understand what it is to do: {error}."
        supervisor.end(_failed(describe(NonRecoverableError(message))))
        return
    ctx = Context(begin, supervisor)
    folders = [begin["blueprint"]["path"], *((begin.get("plugin") or {}).get("path") or ())]
    result: Any = None
    failure: dict[str, Any] | None = None
    torn = False
    try:
        result = _run(begin, ctx, supervisor)
    except BaseException as error:  # noqa: BLE001 - whatever ends the user's code is the operation's end
        failure = describe(error, folders)
        torn = isinstance(error, ProcessException) and error.exit_code < 0
    updates, failure = changed_instances(ctx, failure)
    sys.stdout.flush()
    sys.stderr.flush()
    outcome = "failed" if failure else "succeeded"
    end = {
        "outcome": outcome,
        "result": None if failure else result,
        "failure": failure,
        "updates": updates,
    }
    loaded = warm_imports.newly_loaded(begin["operation"]["mapping"])
    if loaded is not None:
        end["loaded"] = loaded
    _end(supervisor, end)
    if torn:
        # A signal ended its script, so a signal ends this process too: its supervisor then ends what the
        # script had started, which was not left running on purpose.
        os.kill(os.getpid(), signal.SIGKILL)


def _failed(failure: dict[str, Any]) -> dict[str, Any]:
    return {"outcome": "failed", "result": None, "failure": failure, "updates": []}


def _run(begin: dict[str, Any], ctx: Context, supervisor: HostConnection) -> Any:
    operation, plugin = begin["operation"], begin.get("plugin") or {}
    # From here on the user's code runs: importing the plugin does, too.
    supervisor.begun(operation["attempt"])
    paths = list(plugin.get("path") or ())
    add_paths(paths)
    mapping = operation["mapping"]
    function = load_function(mapping, plugin.get("name") or "", paths)
    if operation.get("resume") and not _may_run_again(function, operation.get("inputs") or {}):
        raise NonRecoverableError(
            "An earlier run of this operation was interrupted, and what it had done by then is not known. "
            f"It is not run again by itself, because `{mapping}` is not marked with "
            "@operation(resumable=True), or its script with `process: {resumable: true}`; resume the "
            "execution to run it again."
        )
    inputs = operation.get("inputs") or {}
    current_ctx.share(ctx, inputs)
    result = function(**arguments(function, inputs, ctx, mapping))
    if ctx.operation._operation_retry is not None:
        raise ctx.operation._operation_retry
    found = offence(result, "result")
    if found:
        raise NonRecoverableError(
            f"`{mapping}` did its work, but what it returned cannot be stored, because {found}. An operation "
            "can return what JSON can hold: text, numbers, true, false, null, lists and dictionaries."
        )
    return result


def _may_run_again(function: Any, inputs: dict[str, Any]) -> bool:
    """Return whether a function is marked as resumable; a script is resumable if its inputs say so."""
    marked = getattr(function, "resumable", False)
    return bool(marked(inputs) if callable(marked) else marked)


def changed_instances(
    ctx: Context, failure: dict[str, Any] | None
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return the runtime properties to store with the end, and the failure with what could not be stored."""
    updates = []
    for instance in _instances(ctx):
        try:
            changed = instance.changes()
        except Exception as error:  # noqa: BLE001 - properties are the user's objects, and may fail in any way
            if failure is None:
                failure = describe(error)
            else:
                failure["message"] += f" (Besides: {error})"
        else:
            if changed is not None:
                updates.append(changed)
    return updates, failure


def _instances(ctx: Context) -> list[Any]:
    if ctx._source is not None:
        return [ctx._source.instance, ctx._target.instance]
    return [ctx._instance] if ctx._instance is not None else []


def _end(supervisor: HostConnection, end: dict[str, Any]) -> None:
    try:
        supervisor.end(end)
    except FrameError:
        end = _too_large("result") | {"updates": end["updates"]}
        try:
            supervisor.end(end)
        except FrameError:
            supervisor.end(_too_large("changed runtime properties"))


def _too_large(what: str) -> dict[str, Any]:
    error = NonRecoverableError(
        f"The operation did its work, but its {what} cannot be stored: all that it says at its end may have "
        f"{MAX_FROM_CHILD // 2**20} MiB. Keep large data in a file, and its path in a runtime property."
    )
    return _failed(describe(error))
