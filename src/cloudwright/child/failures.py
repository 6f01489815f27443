"""What a child reports of an exception that ended its user's code."""

from __future__ import annotations

import os
import resource
import traceback

import cloudwright

_OURS = os.path.dirname(os.path.abspath(cloudwright.__file__)) + os.sep


def user_traceback(error: BaseException) -> str:
    """Return the traceback of ``error`` and of what led to it, without the engine's own frames.

    It is empty if no frame of the user's code is left. Of each stack the last 100 frames are looked at.
    """
    try:
        summary = traceback.TracebackException.from_exception(error, limit=-100, compact=True)
        return "".join(summary.format()) if _keep_users(summary) else ""
    except MemoryError:
        return ""


def memory_limit(setting: str) -> str:
    """Return what memory this process may take, and the setting that says so; "" without a limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return "" if limit == resource.RLIM_INFINITY else f": it may take {limit >> 20} MiB ({setting})"


def _keep_users(summary: traceback.TracebackException) -> bool:
    """Drop all other frames; return whether any of the user's is left, here or in what led to it."""
    kept = [frame for frame in summary.stack if not frame.filename.startswith((_OURS, "<frozen "))]
    summary.stack[:] = kept
    found = bool(kept)
    for earlier in (summary.__cause__, summary.__context__):
        if earlier is not None:
            found = _keep_users(earlier) or found
    return found
