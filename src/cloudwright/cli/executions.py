"""`cfy executions`: start, follow, cancel, resume and look at executions of workflows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.execution_groups import groups
from cloudwright.cli.formatting import columns, took
from cloudwright.cli.identifiers import chosen_execution, require_execution
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.retention import delete_executions
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.summaries import summary_of
from cloudwright.client.records import END_STATUSES, Slice

if TYPE_CHECKING:
    from cloudwright.cli import execution_follower, follower_lines, start_execution
else:
    execution_follower = lazy("cloudwright.cli.execution_follower")
    start_execution = lazy("cloudwright.cli.start_execution")
    follower_lines = lazy("cloudwright.cli.follower_lines")

LIST_COLUMNS = columns(
    "id",
    "workflow_id=workflow",
    "status",
    "deployment_id=deployment",
    "created_at?",
    "started_at?",
    "ended_at?",
    "created_by?",
    "is_dry_run?",
)
#: On a terminal: times as ages, and ids as short as commands take them.
BRIEF_COLUMNS = columns(
    "id",
    "workflow",
    "deployment_id=deployment",
    "status",
    "created_at=age",
    "took?",
    "created_by=by?",
    "error?",
)
GET_COLUMNS = columns(
    "id",
    "workflow_id=workflow",
    "status",
    "error",
    "deployment_id=deployment",
    "blueprint_id=blueprint",
    "is_dry_run=dry run",
    "created_at",
    "scheduled_for",
    "started_at",
    "ended_at",
    "total_operations=tasks",
    "finished_operations=finished tasks",
    "residual_operations",
    "cancel_mode=cancellation",
    "cancel_requested_by",
    "cancel_requested_at",
    "deadline=forced at",
    "visibility",
    "tenant_name=tenant",
    "created_by",
)
OPERATION_COLUMNS = columns(
    "name",
    "instance",
    "state",
    "residual",
    "attempt?",
    "worker?",
    "pid?",
    "started_at?",
    "ended_at?",
    "id?",
)


BRIEF_OPERATION_COLUMNS = columns(
    "operation", "instance", "state", "residual", "took", "attempt?", "pid?", "worker?", "id?"
)

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def read_duration(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """``30s``, ``2m``, ``1h30m``, ``500ms`` or a number of seconds, as seconds."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise click.BadParameter(f"`{value}` is not a duration: write `30s`, `2m` or `1h30m`.")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


@click.group(cls=SuggestingGroup)
@options.shared
def executions() -> None:
    """Start, follow, cancel and resume executions of workflows."""


executions.add_command(summary_of("executions"))
executions.add_command(delete_executions)
executions.add_command(groups)


@executions.command("list")
@options.deployment(required=False, help="Show executions of this deployment only.")
@click.option(
    "--status", "statuses", metavar="STATUS", multiple=True, help="Show executions with this status only."
)
@click.option("--include-system-workflows", is_flag=True, help="Show the manager's own workflows too.")
@options.sliced(newest="created_at", search=False)
@options.standard
@options.extended
@pass_session
def list_executions(
    session: Session,
    deployment_id: str | None,
    statuses: tuple[str, ...],
    include_system_workflows: bool,
    part: Slice,
) -> None:
    """List executions, the newest first."""
    page = session.client.executions.list(
        part,
        deployment_id=deployment_id,
        statuses=statuses,
        include_system_workflows=include_system_workflows,
    )
    where = f" of deployment `{deployment_id}`" if deployment_id else ""
    if not page.items and deployment_id:
        with session.finding("deployment", deployment_id):
            session.client.deployments.get(deployment_id, fields=("id",))
    rows: Sequence[dict[str, Any]] = [dict(item) for item in page.items]
    if not session.out.as_json:
        rows = [{**row, **_brief(row)} for row in rows]
    session.out.records(
        rows, LIST_COLUMNS, noun="executions", total=page.total, where=where, brief=BRIEF_COLUMNS
    )


def _brief(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a list on a terminal that the API does not have."""
    return {
        "workflow": f"{row['workflow_id']} (dry run)" if row.get("is_dry_run") else row["workflow_id"],
        "took": took(row.get("started_at"), row.get("ended_at")),
        "error": (row.get("error") or "").partition("\n")[0],
    }


@executions.command("get")
@chosen_execution()
@options.standard
@options.extended
@pass_session
def get(session: Session, execution_id: str) -> None:
    """Show an execution: its status, its times, its parameters, and what still runs after its end."""
    require_execution(execution_id)
    with session.finding("execution", execution_id):
        execution = session.client.executions.get(execution_id)
    session.out.record(execution, GET_COLUMNS)
    if session.out.as_json:
        return
    session.out.section("parameters", execution.get("parameters") or {}, nothing="It has no parameters.")
    hint = start_execution.residual_hint(execution) if execution["status"] in END_STATUSES else ""
    if hint:
        session.out.say(f"\n{hint}")


@executions.command("start")
@click.argument("workflow_id", shell_complete=completion.workflows)
@options.deployment(required=True)
@options.parameters
@options.allow_custom_parameters
@options.force_concurrent
@options.following
@click.option(
    "--dry-run",
    is_flag=True,
    help="Go through the workflow without running its operations, to see what it would do.",
)
@click.option(
    "--wait-after-fail",
    metavar="SECONDS",
    type=click.IntRange(min=0),
    help="When an operation fails, wait this long for those that run already; 600 if it is not given.",
)
@click.option(
    "--cancel-after",
    metavar="DURATION",
    callback=read_duration,
    help="Cancel it if it has not ended after this long: `30s`, `2m`, `1h30m`.",
)
@click.option(
    "--schedule", metavar="TIME", help="Start it at this time, such as 202412312300+0100, instead of now."
)
@click.option(
    "--queue",
    is_flag=True,
    help="Where another execution of the deployment runs, start after it instead of failing.",
)
@options.standard
@pass_session
def start(
    session: Session,
    workflow_id: str,
    deployment_id: str,
    parameters: dict[str, Any],
    allow_custom_parameters: bool,
    force: bool,
    timeout: int,
    include_logs: bool,
    json_output: bool,
    dry_run: bool,
    wait_after_fail: int | None,
    cancel_after: float | None,
    schedule: str | None,
    queue: bool,
    no_follow: bool,
) -> None:
    """Run a workflow on a deployment, and follow it to its end.

    The exit code is 0 only if it ended well. Ctrl-C asks for its cancellation and continues to follow; again
    forces it to end; a third time kills its operations too.

    \b
    Examples:
      cfy executions start install -d shop
      cfy executions start scale_out -d shop -p 'servers=2;zone=b'
      cfy executions start restart -d shop -p '{node_ids: [web]}' --no-follow
    """
    if queue and (force or dry_run or schedule):
        raise click.UsageError("--queue cannot be given together with --force, --dry-run or --schedule.")
    run = start_execution.Run(
        workflow_id,
        deployment_id,
        parameters=parameters,
        allow_custom_parameters=allow_custom_parameters,
        force=force,
        dry_run=dry_run,
        queue=queue,
        scheduled_time=schedule,
        wait_after_fail=wait_after_fail,
        cancel_after=cancel_after,
    )
    execution = start_execution.start(session, run)
    start_execution.follow_to_end(
        session, execution, start_execution.FollowOptions(timeout, include_logs, json_output, no_follow)
    )


@executions.command("cancel")
@chosen_execution(running=True)
@options.force("End the workflow's process at once; running operations continue.")
@click.option(
    "-k",
    "--kill",
    is_flag=True,
    help="End the workflow's process and the processes of its operations at once.",
)
@click.option("--wait", is_flag=True, help="Return when it is over. Ctrl-C escalates: force, then kill.")
@click.option(
    "--grace",
    metavar="DURATION",
    callback=read_duration,
    help="Force-cancel if it has not ended within this time: `30s`, `2m`, `1h30m`.",
)
@options.standard
@pass_session
def cancel(
    session: Session, execution_id: str, force: bool, kill: bool, wait: bool, grace: float | None
) -> None:
    """Ask an execution to stop.

    Without options this asks its workflow, which may stop, roll back, or continue. A request can be raised
    later (with --force, then with --kill), not lowered. Returns when the request is stored, or with --wait
    when it is over.

    \b
    Examples, from mild to harsh (ID is in `cfy executions list`):
      cfy executions cancel -d shop
      cfy executions cancel ID
      cfy executions cancel ID --grace 30s --wait
      cfy executions cancel ID --force
      cfy executions cancel ID --kill
    """
    require_execution(execution_id)
    if grace is not None and (force or kill):
        raise click.UsageError("--grace is for a cancellation without --force or --kill: those act at once.")
    level = 2 if kill else 1 if force else 0
    action = execution_follower.LADDER[level]
    with session.finding("execution", execution_id):
        execution = session.client.executions.cancel(execution_id, action, grace=grace)
    asked = ("Asked execution {} to cancel", "Forced execution {} to end", "Killed execution {}")[level]
    left = execution.get("residual_operations") or 0
    is_over = execution["status"] in END_STATUSES
    if kill and is_over and not left:
        session.out.say(
            f"Execution {execution_id} is `{execution['status']}`, and no operations are running."
        )
    else:
        session.out.say(f"{asked.format(execution_id)}; its status is `{execution['status']}`.")
    if kill and is_over and left:
        session.out.say(f"Operations that it left running are being ended: {left}.")
    if wait:
        view = follower_lines.Nothing(session.out)
        execution = execution_follower.ExecutionFollower(
            session, execution, view, include_logs=False, asked=level + 1
        ).run()
        session.out.say(f"Execution {execution_id} is over; its status is `{execution['status']}`.")
        hint = start_execution.residual_hint(execution)
        if hint:
            session.out.remark(hint)
    if session.out.as_json:
        session.out.json(execution)


@executions.command("retry-now")
@chosen_execution(running=True)
@options.standard
@pass_session
def retry_now(session: Session, execution_id: str) -> None:
    """Try again at once the operations of an execution that wait for another attempt."""
    require_execution(execution_id)
    with session.finding("execution", execution_id):
        execution = session.client.executions.retry_now(execution_id)
    if session.out.as_json:
        session.out.json(execution)
    session.out.say(f"Execution {execution_id} retries at once what waits for it.")


@executions.command("resume")
@chosen_execution(ended=True)
@click.option(
    "--force",
    "--reset-operations",
    "reset_operations",
    is_flag=True,
    help="Re-run operations whose outcome is unknown instead of waiting for them, and an execution that "
    "brought its manager down three times.",
)
@options.standard
@pass_session
def resume(session: Session, execution_id: str, reset_operations: bool) -> None:
    """Resume an execution that failed or was cancelled, where it stopped."""
    require_execution(execution_id)
    with session.finding("execution", execution_id):
        execution = session.client.executions.resume(execution_id, reset_operations=reset_operations)
    if session.out.as_json:
        session.out.json(execution)
    session.out.say(
        f"Resumed execution {execution_id} (status: `{execution['status']}`).\n"
        f"`cfy events list --tail {execution_id}` follows it."
    )


@executions.group("operations", cls=SuggestingGroup)
@options.shared
def operations() -> None:
    """Look at the operations of executions."""


@operations.command("list")
@chosen_execution()
@click.option(
    "--graph-id", metavar="ID", help="Show the operations of this tasks graph, instead of an execution's."
)
@click.option("--show-internal", is_flag=True, help="Show tasks too that run inside the workflow's process.")
@click.option(
    "--state", metavar="STATE", help="Show operations in this state only, such as `started` or `failed`."
)
@options.standard
@options.extended
@pass_session
def list_operations(
    session: Session, execution_id: str, graph_id: str | None, show_internal: bool, state: str | None
) -> None:
    """List the operations of an execution: how each stands, where it runs and since when."""
    if bool(execution_id) == bool(graph_id):
        raise click.UsageError("Name either an execution, or a tasks graph with --graph-id.")
    if execution_id:
        with session.finding("execution", execution_id):
            session.client.executions.get(execution_id, fields=("id",))
    page = session.client.operations.list(
        execution_id=execution_id or None, graph_id=graph_id, state=state, skip_internal=not show_internal
    )
    where = f" of execution {execution_id}" if execution_id else f" of tasks graph {graph_id}"
    rows: list[dict[str, Any]] = [dict(item) for item in page.items]
    if not session.out.as_json:
        for row in rows:
            row["worker"] = row.get("agent_name") or row.get("manager_name")
            row["instance"] = row.get("node_instance_id")
            if row.get("source_id"):
                row["instance"] = f"{row['source_id']}->{row['target_id']}"
            # The parts of a name that nearly all have in common are left out on a terminal.
            row["operation"] = row["name"].removeprefix("cloudify.interfaces.")
            row["took"] = took(row.get("started_at"), row.get("ended_at"))
    session.out.records(
        rows,
        OPERATION_COLUMNS,
        noun="operations",
        total=page.total,
        where=where,
        brief=BRIEF_OPERATION_COLUMNS,
    )
