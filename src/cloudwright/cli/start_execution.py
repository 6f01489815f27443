"""Starting an execution, following it and reporting how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from cloudwright.cli.dry_run import PlanView
from cloudwright.cli.event_lines import TRACEBACK
from cloudwright.cli.execution_follower import ExecutionFollower, View
from cloudwright.cli.failure import FAILED, Failure, Silent, refused
from cloudwright.cli.follower_lines import open_view
from cloudwright.cli.session import Session
from cloudwright.client.errors import BadParameters, ClientError, NoSuchWorkflow

if TYPE_CHECKING:
    from cloudwright.model.rest import Execution


@dataclass(frozen=True, slots=True)
class Run:
    """What to start."""

    workflow_id: str
    deployment_id: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    allow_custom_parameters: bool = False
    force: bool = False
    dry_run: bool = False
    queue: bool = False
    scheduled_time: str | None = None
    wait_after_fail: int | None = None
    cancel_after: float | None = None


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """How to follow it. ``timeout`` is in seconds."""

    timeout: int
    include_logs: bool
    json_output: bool
    no_follow: bool = False


def start(session: Session, run: Run) -> Execution:
    """Raises ClientError, or Failure if the deployment, the workflow or a parameter is not known."""
    with session.finding("deployment", run.deployment_id), _suggesting_known_names(session, run):
        execution = session.client.executions.start(
            run.workflow_id,
            run.deployment_id,
            parameters=run.parameters,
            allow_custom_parameters=run.allow_custom_parameters,
            force=run.force,
            dry_run=run.dry_run,
            queue=run.queue,
            scheduled_time=run.scheduled_time,
            wait_after_fail=run.wait_after_fail,
            timeout=run.cancel_after,
        )
    session.out.say(f"Execution {execution['id']}: `{run.workflow_id}` on deployment `{run.deployment_id}`.")
    return execution


@contextmanager
def _suggesting_known_names(session: Session, run: Run) -> Iterator[None]:
    """Add the known workflows or parameters to the block's error about unknown ones."""
    try:
        yield
    except NoSuchWorkflow as error:
        close = get_close_matches(run.workflow_id, _workflows(session, run.deployment_id), n=1)
        hint = f"`cfy workflows list -d {run.deployment_id}` shows what exists."
        raise refused(error, f"Did you mean `{close[0]}`? {hint}" if close else hint) from error
    except BadParameters as error:
        hint = f"`cfy workflows get {run.workflow_id} -d {run.deployment_id}` shows what it takes."
        if error.code == "illegal_execution_parameters_error":
            hint += "\n--allow-custom-parameters takes those too that it does not declare."
        raise refused(error, hint) from error


def _workflows(session: Session, deployment_id: str) -> list[str]:
    try:
        deployment = session.client.deployments.get(deployment_id)
    except ClientError:
        # Only a hint is lost; the error that asked for it is what the user must see.
        return []
    return [workflow["name"] for workflow in deployment.get("workflows") or []]


def follow_to_end(session: Session, execution: Execution, how: FollowOptions) -> None:
    """Show an execution until it is over, and report how it ended. Raises Failure if it did not end well, or
    if it cannot be followed that far. One that is queued or scheduled is not followed.
    """
    if how.no_follow or execution["status"] in ("queued", "scheduled"):
        if session.out.as_json:
            session.out.json(execution)
        state = "" if how.no_follow else f"It is {execution['status']}; "
        session.out.say(f"{state}`cfy events list --tail {execution['id']}` follows it.")
        return
    plan = None
    if execution.get("is_dry_run") and not (how.json_output or session.out.as_json or session.out.verbosity):
        plan = PlanView(session.out)
    shown: AbstractContextManager[View] = open_view(session.out, execution, json_lines=how.json_output)
    if plan is not None:
        shown = nullcontext(plan)
    with shown as view:
        following = ExecutionFollower(
            session, execution, view, include_logs=how.include_logs, timeout=how.timeout
        )
        execution = following.run()
    if session.out.as_json:
        session.out.json_line(execution) if how.json_output else session.out.json(execution)
    if plan is not None and execution["status"] == "terminated":
        plan.tell()
        return
    require_success(session, execution)


def require_success(session: Session, execution: Execution) -> None:
    """Report how an execution ended. Raises Failure if it did not end well."""
    title = f"Execution {execution['id']} of {subject(execution)}"
    residual = residual_hint(execution)
    if execution["status"] == "terminated":
        session.out.say(f"{title} has ended well{_duration(execution)}.")
        if residual:
            session.out.remark(residual)
        return
    if session.out.as_json:
        # The document on standard output says how it ended.
        raise Silent(FAILED)
    id = execution["id"]
    hints = [f"`cfy events list {id}` shows what happened."]
    if execution.get("is_resumable"):
        hints.append(f"`cfy executions resume {id}` continues where it stopped.")
    if residual:
        hints.append(residual)
    if execution["status"] == "cancelled":
        note = f" {execution['error']}" if execution.get("error") else ""
        raise Failure(f"{title} was cancelled{_duration(execution)}.{note}", "\n".join(hints))
    error, mark, trace = (execution.get("error") or "it does not say why").partition(TRACEBACK)
    raise Failure(
        f"{title} failed{_duration(execution)}: {error}",
        "\n".join(hints),
        cause=f"{mark}{trace}".strip(),
    )


def subject(execution: Execution) -> str:
    """What an execution does, for a message."""
    deployment_id = execution.get("deployment_id")
    return f"`{execution['workflow_id']}`" + (f" on deployment `{deployment_id}`" if deployment_id else "")


def residual_hint(execution: Execution) -> str:
    """What to do about operations that run on after the end; nothing if there are none."""
    count = execution.get("residual_operations") or 0
    if not count:
        return ""
    still = "1 operation of it still runs" if count == 1 else f"{count} operations of it still run"
    id = execution["id"]
    return (
        f"{still}.\n`cfy executions operations list {id}` says what and where.\n"
        f"`cfy executions cancel {id} --kill` ends what still runs."
    )


def _duration(execution: Execution) -> str:
    started, ended = execution.get("started_at"), execution.get("ended_at")
    if not started or not ended:
        return ""
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    return f" after {seconds:.1f} s"
