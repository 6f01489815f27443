"""What a child reports of an exception that ended its user's code."""

from __future__ import annotations

import importlib
import os
import resource
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cloudwright

_OURS = os.path.dirname(os.path.abspath(cloudwright.__file__)) + os.sep
#: How the engine's frames and those of an import begin.
_NOT_THE_USERS = (_OURS, importlib.__file__, "<frozen ")
#: So many errors that led to another are reported with it.
_MOST_CAUSES = 10


class UserError(NamedTuple):
    """What is worth saying of an exception of the user's code; no frame of the engine is left in it.

    ``place`` is where it was raised: `plugins/p/tasks.py:4, in deep`. ``causes`` are the errors that led to
    it, the nearest first, each with `type`, `message` and `traceback`. All are empty if nothing is known.
    """

    traceback: str = ""
    place: str = ""
    causes: tuple[dict[str, str], ...] = ()


def user_error(error: BaseException, folders: Sequence[str] = ()) -> UserError:
    """Describe ``error``. File names in one of the folders (the first that fits), or in what is installed,
    are relative to it. Of each stack the last 100 frames are looked at.
    """
    try:
        summary = traceback.TracebackException.from_exception(error, limit=-100, compact=True)
        roots = [folder.rstrip(os.sep) + os.sep for folder in folders if folder]
        roots += [path + os.sep for path in sys.path if path.endswith("site-packages")]
        if not _keep_users(summary, roots):
            return UserError()
        # Where the engine defines an exception is of no use to who raised it.
        text = "".join(summary.format()).replace("\ncloudwright.child.errors.", "\n")
        return UserError(text, _place(summary), tuple(_causes(summary)))
    except MemoryError:
        return UserError()


def user_traceback(error: BaseException, folders: Sequence[str] = ()) -> str:
    """Return the traceback of ``error`` and of what led to it; see ``user_error``."""
    return user_error(error, folders).traceback


def memory_limit(setting: str) -> str:
    """Return what memory this process may take, and the setting that says so; "" without a limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return "" if limit == resource.RLIM_INFINITY else f": it may take {limit >> 20} MiB ({setting})"


def _keep_users(summary: traceback.TracebackException, roots: Sequence[str]) -> bool:
    """Drop all other frames; return whether any of the user's is left, here or in what led to it."""
    kept = [frame for frame in summary.stack if not frame.filename.startswith(_NOT_THE_USERS)]
    for frame in kept:
        root = next((root for root in roots if frame.filename.startswith(root)), "")
        if root:
            # Read before the name is changed: by the short one its text would not be found.
            _ = frame.line
            frame.filename = frame.filename[len(root) :]
    summary.stack[:] = kept
    found = bool(kept)
    for earlier in (summary.__cause__, summary.__context__):
        if earlier is not None:
            found = _keep_users(earlier, roots) or found
    return found


def _place(summary: traceback.TracebackException) -> str:
    """Where the user's code was; that of a library that it called is not said if there is some of its own."""
    frames = [frame for frame in summary.stack if not os.path.isabs(frame.filename)] or summary.stack
    if not frames:
        return ""
    frame = frames[-1]
    inside = "" if frame.name.startswith("<") else f", in {frame.name}"
    return f"{frame.filename}:{frame.lineno}{inside}"


def _causes(summary: traceback.TracebackException) -> Iterator[dict[str, str]]:
    for _ in range(_MOST_CAUSES):
        context = None if summary.__suppress_context__ else summary.__context__
        earlier = summary.__cause__ or context
        if earlier is None or not earlier.stack:
            return
        *_, line = earlier.format_exception_only()
        kind, _, message = line.rstrip().partition(": ")
        yield {
            "type": kind.rpartition(".")[2],
            "message": message,
            "traceback": "".join(earlier.stack.format()),
        }
        summary = earlier
