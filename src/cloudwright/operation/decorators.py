"""Marks that a plugin puts on its operations."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from cloudwright.child.current import current_ctx
from cloudwright.child.errors import SerializationRetry

Function = Callable[..., Any]


def operation(func: Function | None = None, resumable: bool = False, **_: Any) -> Any:
    """Mark a function as an operation; used as ``@operation`` or ``@operation(resumable=True)``.

    ``resumable``: an attempt that was interrupted, as by a crash of the manager, may be run again by itself;
    ``ctx.resume`` is true then. Other operations fail instead, and run again when the execution is resumed.
    Functions need no mark otherwise. Returns the function itself.
    """
    if func is None:
        return functools.partial(operation, resumable=resumable)
    func.resumable = resumable  # type: ignore[attr-defined]
    return func


def serial_operation(
    threshold: int = 0,
    workflows: list[str] | None = None,
    states: list[str] | None = None,
    **marks: Any,
) -> Callable[[Function], Function]:
    """Run the operation for a node's instances one after the other, by their index.

    An instance has its turn when every instance before it is in one of ``states`` (by default `started`);
    until then its operation is retried. Once ``threshold`` instances are in them (0: never), the others go
    together. Only ``workflows`` (by default `install`) take turns. ``marks`` are those of ``operation``.
    """
    serial = workflows or ["install"]
    ready = states or ["started"]

    def decorate(func: Function) -> Function:
        @functools.wraps(func)
        def take_turns(*args: Any, **kwargs: Any) -> Any:
            ctx = kwargs.get("ctx") or current_ctx.get_ctx()
            if ctx.workflow_id in serial:
                _await_turn(ctx, threshold, ready)
            return func(*args, **kwargs)

        return operation(take_turns, **marks)  # type: ignore[no-any-return]

    return decorate


def _await_turn(ctx: Any, threshold: int, ready: list[str]) -> None:
    instances = [each for each in ctx._supervisor.call("node_instances") if each["node_id"] == ctx.node.id]
    done = sum(each["state"] in ready for each in instances)
    if threshold and done >= threshold:
        return
    before = [each for each in instances if each["index"] < ctx.instance.index and each["state"] not in ready]
    if before:
        names = ", ".join(f"`{each['id']}` ({each['state']})" for each in before)
        raise SerializationRetry(f"`{ctx.instance.id}` waits for its turn: before it come {names}.")
