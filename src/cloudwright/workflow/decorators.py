"""Decorators of workflow functions, and of functions for ``ctx.local_task``."""

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
    """Mark a function as a workflow.

    Parameters:
        system_wide: Accepted for compatibility with Cloudify.
        resumable: Whether the function may be called again after an earlier call of the same execution was
            interrupted.
    """
    if func is None:
        return functools.partial(workflow, system_wide=system_wide, resumable=resumable)
    func.workflow_system_wide = system_wide
    func.resumable = resumable
    return func


def task_config(fn: Any = None, **arguments: Any) -> Any:
    """Give a function defaults for the arguments of ``ctx.local_task``.

    Parameters:
        arguments: ``total_retries``, ``retry_interval`` (seconds), ``send_task_events``, ``info``, ``name``.
    """
    if fn is None:
        return functools.partial(task_config, **arguments)

    @functools.wraps(fn)
    def configured(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    configured.workflow_task_config = arguments  # type: ignore[attr-defined]
    return configured
