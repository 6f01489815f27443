"""`cfy executions groups`: one workflow on many deployments, followed and stopped as one."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import options
from cloudwright.cli.failure import INTERRUPTED, Failure
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.errors import ClientError
from cloudwright.client.records import END_STATUSES, Slice

if TYPE_CHECKING:
    from cloudwright.model.rest import ExecutionGroup

COLUMNS = columns(
    "id",
    "workflow_id=workflow",
    "deployment_group_id=deployment group",
    "status",
    "executions",
    "created_at?",
    "created_by?",
)
DETAIL_COLUMNS = columns(
    "id",
    "workflow_id=workflow",
    "deployment_group_id=deployment group",
    "status",
    "executions",
    "concurrency",
    "success_group_id=success group",
    "failure_group_id=failure group",
    "cancel_mode=asked to",
    "cancel_requested_by=asked by",
    "created_at",
    "created_by",
)
MEMBER_COLUMNS = columns("id", "deployment_id=deployment", "status", "error?")
#: Seconds between two looks at a group that is followed.
LOOK_INTERVAL = 0.5
#: What a Ctrl-C asks for, each time more, and what is said of it.
LADDER = {
    "cancel": "Asked the group to cancel: nothing more of it starts. Ctrl-C again forces what runs to end.",
    "force-cancel": "Forced the workflows to end; operations continue. Ctrl-C again kills them too.",
    "kill": "Killed the workflows and their operations. Ctrl-C again stops following.",
}


@click.group("groups", cls=SuggestingGroup)
@options.shared
def groups() -> None:
    """Run a workflow on every deployment of a group."""


_group_id = click.argument("group_id")


@groups.command("list")
@options.sliced(newest="created_at")
@options.standard
@options.extended
@pass_session
def list_groups(session: Session, part: Slice) -> None:
    """List groups of executions."""
    page = session.client.execution_groups.list(part)
    shown = page.items if session.out.as_json else [_counted(item) for item in page.items]
    session.out.records(shown, COLUMNS, noun="execution groups", total=page.total)


@groups.command("get")
@_group_id
@options.standard
@options.extended
@pass_session
def get(session: Session, group_id: str) -> None:
    """Show a group of executions."""
    found = session.client.execution_groups.get(group_id)
    session.out.record(found if session.out.as_json else _counted(found), DETAIL_COLUMNS)


@groups.command("details")
@_group_id
@options.standard
@options.extended
@pass_session
def details(session: Session, group_id: str) -> None:
    """Show a group and each of its executions."""
    found = session.client.execution_groups.get(group_id)
    members = session.client.executions.list(Slice(size=10_000), execution_group_id=group_id).items
    if session.out.as_json:
        session.out.json({**found, "executions": members})
        return
    session.out.record(_counted(found), DETAIL_COLUMNS)
    session.out.records(members, MEMBER_COLUMNS, noun="executions")


@groups.command("start")
@click.argument("workflow_id")
@click.option("-g", "--deployment-group", metavar="ID", required=True, help="The group of deployments.")
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Run it on N deployments at a time.",
)
@options.parameters
@options.force_concurrent
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    help="Stop following after this long; the group continues, and the exit code is 1.",
)
@click.option("--no-follow", is_flag=True, help="Return when it is started; do not wait for its end.")
@options.standard
@pass_session
def start(
    session: Session,
    workflow_id: str,
    deployment_group: str,
    concurrency: int,
    parameters: dict[str, Any],
    force: bool,
    timeout: int,
    no_follow: bool,
) -> None:
    """Run a workflow on every deployment of a group.

    It is followed to its end. Ctrl-C asks the group to cancel; again forces it, a third time kills it.
    """
    group = session.client.execution_groups.start(
        deployment_group,
        workflow_id,
        default_parameters=parameters,
        force=force,
        concurrency=concurrency,
    )
    if not session.out.as_json:
        session.out.say(
            f"Execution group {group['id']} runs `{workflow_id}` on {len(group['execution_ids'])}"
            f" deployments, {concurrency} at a time."
        )
    if not no_follow:
        group = _follow(session, group, timeout)
    if session.out.as_json:
        session.out.json(group)
    if not no_follow and group["status"] != "terminated":
        raise Failure(
            f"Execution group {group['id']} is {group['status']}: {_summary(group)}. "
            f"`cfy executions groups details {group['id']}` shows each."
        )


@groups.command("cancel")
@_group_id
@options.force("End the workflows at once; operations that run go on.")
@click.option("-k", "--kill", is_flag=True, help="End the workflows and their operations.")
@options.standard
@pass_session
def cancel(session: Session, group_id: str, force: bool, kill: bool) -> None:
    """Ask all of a group to stop. Nothing of it starts any more."""
    how = "kill" if kill else "force-cancel" if force else "cancel"
    group = session.client.execution_groups.cancel(group_id, how)
    _said(session, group, f"Asked execution group {group_id} to {how}: {_summary(group)}.")


@groups.command("resume")
@_group_id
@click.option(
    "--reset-operations", is_flag=True, help="Run operations again that were started and did not fail."
)
@options.standard
@pass_session
def resume(session: Session, group_id: str, reset_operations: bool) -> None:
    """Resume what failed or was cancelled of a group."""
    group = session.client.execution_groups.resume(group_id, reset_operations=reset_operations)
    _said(session, group, f"Resumed execution group {group_id}: {_summary(group)}.")


@groups.command("set-concurrency")
@_group_id
@click.argument("concurrency", type=click.IntRange(min=1))
@options.standard
@pass_session
def set_concurrency(session: Session, group_id: str, concurrency: int) -> None:
    """Change how many executions of a group run at a time. What runs continues."""
    group = session.client.execution_groups.change(group_id, concurrency=concurrency)
    _said(session, group, f"Execution group {group_id} runs {concurrency} at a time.")


@groups.command("set-success-group")
@_group_id
@click.argument("success_group_id")
@options.standard
@pass_session
def set_success_group(session: Session, group_id: str, success_group_id: str) -> None:
    """Have deployments come into a group when their execution ends well."""
    group = session.client.execution_groups.change(group_id, success_group_id=success_group_id)
    _said(session, group, f"Deployments whose execution ends well come into `{success_group_id}`.")


@groups.command("set-failure-group")
@_group_id
@click.argument("failure_group_id")
@options.standard
@pass_session
def set_failure_group(session: Session, group_id: str, failure_group_id: str) -> None:
    """Have deployments come into a group when their execution fails."""
    group = session.client.execution_groups.change(group_id, failure_group_id=failure_group_id)
    _said(session, group, f"Deployments whose execution fails come into `{failure_group_id}`.")


def _follow(session: Session, group: ExecutionGroup, timeout: int) -> ExecutionGroup:
    """Say how many executions have which status whenever that changes, until all are over."""
    deadline, shown = time.monotonic() + timeout, ""
    with _interrupts() as asked:
        while True:
            text = _summary(group)
            if text != shown and not session.out.as_json:
                session.out.say(f"  {text}")
            shown = text
            if group["status"] in END_STATUSES:
                return group
            if time.monotonic() > deadline:
                raise Failure(
                    f"Execution group {group['id']} has not ended after {timeout} s, and is still running. "
                    f"`cfy executions groups cancel {group['id']}` stops it."
                )
            _escalate(session, group, asked())
            time.sleep(LOOK_INTERVAL)
            group = session.client.execution_groups.get(group["id"])


def _escalate(session: Session, group: ExecutionGroup, how: list[str]) -> None:
    """Ask for what the user's Ctrl-C meant."""
    for action in how:
        if action not in LADDER:
            raise Failure(f"Execution group {group['id']} is still running.", exit_code=INTERRUPTED)
        try:
            session.client.execution_groups.cancel(group["id"], action)
        except ClientError as error:
            session.out.remark(str(error))
        else:
            session.out.remark(LADDER[action])


@contextmanager
def _interrupts() -> Iterator[Callable[[], list[str]]]:
    """Yield what returns the requests that Ctrl-C made since it was last called."""
    ladder = iter([*LADDER, *(["stop"] * 100)])
    heard: list[str] = []

    def hear(signum: int, frame: FrameType | None) -> None:
        heard.append(next(ladder))

    def asked() -> list[str]:
        taken = list(heard)
        del heard[: len(taken)]
        return taken

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _counted(item: ExecutionGroup) -> dict[str, Any]:
    return {**item, "executions": _summary(item)}


def _summary(group: ExecutionGroup) -> str:
    counts = group["executions_by_status"]
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no executions"


def _said(session: Session, group: ExecutionGroup, text: str) -> None:
    if session.out.as_json:
        session.out.json(group)
    else:
        session.out.say(text)
