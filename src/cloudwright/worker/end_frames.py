"""An operation's end as a frame and in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cloudwright.errors import InvalidInput
from cloudwright.model.operation import Failure
from cloudwright.process.child import ExitStatus
from cloudwright.process.runner import OperationEnd


def end_frame(end: OperationEnd) -> dict[str, Any]:
    status = end.exit_status
    return {
        "state": end.state,
        "result": end.result,
        "failure": None if end.failure is None else asdict(end.failure),
        "updates": [dict(update) for update in end.updates],
        "exit": None if status is None else [status.code, status.signal],
        "tree_gone": end.tree_gone,
    }


def read_end(frame: Mapping[str, Any]) -> OperationEnd:
    """Return the end that a frame holds. Raises InvalidInput if it holds none."""
    try:
        if frame["state"] not in ("succeeded", "failed", "cancelled"):
            raise ValueError("state")
        failure, status = frame["failure"], frame["exit"]
        return OperationEnd(
            frame["state"],
            frame["result"],
            None if failure is None else Failure(**failure),
            list(frame["updates"]),
            None if status is None else ExitStatus(*status),
            bool(frame["tree_gone"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"the worker's report of an end has no usable `{error}`") from error
