"""The end of an operation as a worker on another machine reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cloudwright.errors import InvalidInput
from cloudwright.manager.operation_run import OperationRun
from cloudwright.model.frames.operation import check_from_operation
from cloudwright.model.operation import Failure
from cloudwright.process.runner import OperationEnd
from cloudwright.worker.end_frames import read_end


def reported_end(run: OperationRun, content: Mapping[str, Any]) -> OperationEnd:
    """Return the end that a worker reported of ``run``; a failure if the report cannot be used."""
    try:
        end = read_end(content)
        outcome = "succeeded" if end.state == "succeeded" else "failed"
        problem = check_from_operation(
            {
                "type": "end",
                "outcome": outcome,
                **{k: content[k] for k in ("result", "failure", "updates")},
            }
        )
        own = set(run.scope.values())
        if problem is None and any(update["id"] not in own for update in end.updates):
            problem = "it changes runtime properties of another node instance"
    except InvalidInput as error:
        end, problem = OperationEnd("failed"), str(error)
    if problem is None:
        return end
    failure = Failure(
        f"The agent's report of the operation's end cannot be used: {problem}.", kind="InvalidEnd"
    )
    return replace(end, state="failed", result=None, failure=failure, updates=())
