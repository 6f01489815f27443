"""What marks a function as a workflow, or as a task with a configuration of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, overload

Function = TypeVar("Function", bound=Callable[..., Any])


@overload
def workflow(func: Function) -> Function: ...
@overload
def workflow(
    func: None = None, system_wide: bool = False, resumable: bool = False, **kwargs: Any
) -> Callable[[Function], Function]: ...
def workflow(func: Any = None, system_wide: bool = False, resumable: bool = False, **kwargs: Any) -> Any:
    """Mark a function as a workflow; ``resumable`` says that it may be called again where an earlier run of
    it stopped.
    """
    if func is None:
        return functools.partial(workflow, system_wide=system_wide, resumable=resumable)
    func.workflow_system_wide = system_wide
    func.resumable = resumable
    return func


def task_config(fn: Any = None, **arguments: Any) -> Any:
    """Give a function defaults for ``ctx.local_task``: total_retries, retry_interval, send_task_events,
    ...
    """
    if fn is None:
        return functools.partial(task_config, **arguments)

    @functools.wraps(fn)
    def configured(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    configured.workflow_task_config = arguments  # type: ignore[attr-defined]
    return configured
