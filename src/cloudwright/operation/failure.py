"""From an exception to the ``failure`` of an ``end`` frame: what the user is told."""

from __future__ import annotations

import os
import resource
import traceback
from typing import Any

import cloudwright
from cloudwright.model.json_values import readable
from cloudwright.operation.errors import NonRecoverableError, RecoverableError

_OURS = os.path.dirname(os.path.abspath(cloudwright.__file__)) + os.sep


def describe(error: BaseException) -> dict[str, Any]:
    """The failure (docs/concepts/frames.md) that ``error``, which ended the operation, is told as."""
    return {
        "message": readable(_message(error)),
        "recoverable": not isinstance(error, NonRecoverableError),
        "retry_after": _retry_after(error),
        "kind": type(error).__name__,
        "traceback": readable(_traceback(error)),
    }


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001 - the exception is the user's, and so is its __str__
        text = f"(the exception's message could not be made: {type(second).__name__})"
    match error:
        case SystemExit():
            return f"The operation called sys.exit({error.code!r}) instead of returning."
        case KeyboardInterrupt():
            return "The operation was interrupted (SIGINT)."
        case MemoryError():
            limit = memory_limit("CLOUDWRIGHT_OPERATION_MEMORY")
            return f"The operation ran out of memory{limit}. {text}".rstrip()
        case RecursionError():
            return f"The operation called itself too deep: {text}"
    return text or type(error).__name__


def memory_limit(setting: str) -> str:
    """What this process may take at most and the setting that says so; nothing where there is no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return "" if limit == resource.RLIM_INFINITY else f": it may take {limit >> 20} MiB ({setting})"


def _retry_after(error: BaseException) -> float | None:
    wanted = error.retry_after if isinstance(error, RecoverableError) else None
    try:
        return None if wanted is None else max(0.0, float(wanted))
    except (TypeError, ValueError):
        return None


def _traceback(error: BaseException) -> str:
    """The user's part of it: how our code got there, and what it does inside, helps nobody."""
    summary = traceback.TracebackException.from_exception(error, limit=-100)
    text = "".join(summary.format()) if _keep_users(summary) else ""
    for cause in getattr(error, "causes", None) or ():
        if isinstance(cause, dict):
            text += f"Caused by {cause.get('type')}: {cause.get('message')}\n{cause.get('traceback') or ''}"
    return text


def _keep_users(summary: traceback.TracebackException) -> bool:
    """Drop all other frames; answers whether any of the user's is left, here or in what led to it."""
    kept = [frame for frame in summary.stack if not frame.filename.startswith((_OURS, "<frozen "))]
    summary.stack[:] = kept
    found = bool(kept)
    for earlier in (summary.__cause__, summary.__context__):
        if earlier is not None:
            found = _keep_users(earlier) or found
    return found
