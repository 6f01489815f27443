"""`cfy deployments schedule`: have workflows of deployments started at given times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import time_expressions
    from cloudwright.model.rest import ExecutionSchedule
else:
    time_expressions = lazy("cloudwright.cli.time_expressions")

COLUMNS = columns(
    "id",
    "deployment_id=deployment",
    "workflow_id=workflow",
    "status",
    "next_occurrence=next run",
    "latest_execution_status=last run",
    "since?",
    "until?",
    "enabled?",
    "stop_on_fail?",
    "created_by?",
)
GET_COLUMNS = columns(
    "id",
    "deployment_id=deployment",
    "workflow_id=workflow",
    "status",
    "next_occurrence=next run",
    "latest_execution_id=last execution",
    "latest_execution_status=its status",
    "rule",
    "since",
    "until",
    "timezone",
    "slip=slip (minutes)",
    "stop_on_fail",
    "parameters",
    "execution_arguments",
    "created_at",
    "created_by",
    "visibility",
    "tenant_name=tenant",
)


@click.group("schedule", cls=SuggestingGroup)
@options.shared
def schedule() -> None:
    """Start workflows of a deployment at given times."""


def _days(ctx: click.Context, parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    return tuple(day.strip() for given in value for day in given.split(",") if day.strip())


def _times(
    *, required: bool = False, lead: str = "it runs", since: Sequence[str] = ("-s", "--since")
) -> options.Decorator:
    how = "`2030-12-31 23:59`, `23:59` (today), or from now: `+2 weeks`, `+1day+10min`"
    return options.together(
        click.option(*since, metavar="TIME", required=required, help=f"The earliest time {lead}: {how}."),
        click.option("-u", "--until", metavar="TIME", help=f"The latest time {lead}."),
        click.option(
            "--tz",
            metavar="ZONE",
            help="The time zone of these times, such as `Europe/Rome`; this machine's if it is not given.",
        ),
    )


_rule = options.together(
    click.option(
        "-r", "--recurrence", metavar="SPAN", help="Run it again after this time, such as `2 weeks` or `1d`."
    ),
    click.option("-c", "--count", metavar="N", type=click.IntRange(min=1), help="Run it N times at most."),
    click.option(
        "--weekdays",
        metavar="DAYS",
        multiple=True,
        callback=_days,
        help="Run it on these days only, such as `su,mo`; `1su,l-fr` are the first Sunday and the last Friday"
        " of a month.",
    ),
    click.option(
        "--rrule",
        metavar="RULE",
        help="Run it by a rule of iCalendar, such as `FREQ=DAILY;INTERVAL=3`, in place of these three.",
    ),
    click.option(
        "--slip",
        metavar="MINUTES",
        type=click.IntRange(min=0),
        help="Start a run that is so late at most; 5 if it is not given.",
    ),
)
_deployment_id = click.argument("deployment_id", shell_complete=completion.deployments)


@schedule.command("create")
@_deployment_id
@click.argument("workflow_id")
@click.option("-n", "--schedule-name", metavar="NAME", help="What to call it; the workflow if not given.")
@_times(required=True)
@_rule
@click.option("--stop-on-fail", is_flag=True, help="Start it no more after a run has failed.")
@options.parameters
@options.allow_custom_parameters
@options.force("Start it even though another execution of the deployment runs; otherwise it waits for that.")
@click.option("--dry-run", is_flag=True, help="Run no operations.")
@click.option(
    "--wait-after-fail",
    metavar="SECONDS",
    type=click.IntRange(min=0),
    default=600,
    show_default=True,
    help="Wait so long for tasks that run, after one has failed.",
)
@options.standard
@pass_session
def create(
    session: Session,
    /,
    deployment_id: str,
    workflow_id: str,
    schedule_name: str | None,
    parameters: dict[str, Any],
    allow_custom_parameters: bool,
    force: bool,
    dry_run: bool,
    wait_after_fail: int,
    stop_on_fail: bool,
    **timing: Any,
) -> None:
    """Start a workflow of a deployment at given times.

    Without --recurrence and --rrule it runs once.
    """
    if not timing["recurrence"] and not timing["rrule"] and timing["count"] is None:
        timing["count"] = 1
    name = schedule_name or workflow_id
    with session.finding("deployment", deployment_id):
        made = session.client.execution_schedules.create(
            deployment_id,
            name,
            workflow_id,
            stop_on_fail=stop_on_fail,
            parameters=parameters,
            execution_arguments={
                "allow_custom_parameters": allow_custom_parameters,
                "force": force,
                "dry_run": dry_run,
                "wait_after_fail": wait_after_fail,
            },
            **_timing(timing),
        )
    _said(session, made, f"Schedule `{name}` of deployment `{deployment_id}` is created.")
    if session.selection is not None and session.selection.is_local:
        session.out.remark(
            "The manager of this machine stays up for it. After a restart of the machine, `cloudwright up` or"
            " any `cfy` command starts it again."
        )


@schedule.command("update")
@_deployment_id
@click.argument("schedule_id")
@_times()
@_rule
@click.option(
    "--stop-on-fail/--continue-on-fail", default=None, help="Whether to start it no more after a failed run."
)
@options.standard
@pass_session
def update(
    session: Session,
    /,
    deployment_id: str,
    schedule_id: str,
    stop_on_fail: bool | None,
    **timing: Any,
) -> None:
    """Change a schedule. What is not given stays; a changed rule begins again."""
    changes = {**_timing(timing), "stop_on_fail": stop_on_fail}
    if all(value in (None, ()) for value in changes.values()):
        raise click.UsageError(
            "Say what to change: `cfy deployments schedule update --help` shows what can be."
        )
    changed = session.client.execution_schedules.change(deployment_id, schedule_id, **changes)
    _said(session, changed, f"Schedule `{schedule_id}` of deployment `{deployment_id}` is changed.")


@schedule.command("enable")
@_deployment_id
@click.argument("schedule_id")
@options.standard
@pass_session
def enable(session: Session, deployment_id: str, schedule_id: str) -> None:
    """Let a schedule go on that was disabled, or that stopped at a failure."""
    changed = session.client.execution_schedules.change(deployment_id, schedule_id, enabled=True)
    _said(session, changed, f"Schedule `{schedule_id}` of deployment `{deployment_id}` is enabled.")


@schedule.command("disable")
@_deployment_id
@click.argument("schedule_id")
@options.standard
@pass_session
def disable(session: Session, deployment_id: str, schedule_id: str) -> None:
    """Start nothing by a schedule until it is enabled. What it started continues."""
    changed = session.client.execution_schedules.change(deployment_id, schedule_id, enabled=False)
    _said(session, changed, f"Schedule `{schedule_id}` of deployment `{deployment_id}` is disabled.")


@schedule.command("delete")
@_deployment_id
@click.argument("schedule_id")
@options.standard
@pass_session
def delete(session: Session, deployment_id: str, schedule_id: str) -> None:
    """Delete a schedule. What it started continues."""
    session.client.execution_schedules.delete(deployment_id, schedule_id)
    session.out.say(f"Schedule `{schedule_id}` of deployment `{deployment_id}` is deleted.")


@schedule.command("list")
@click.argument("deployment_id", required=False, shell_complete=completion.deployments)
@_times(lead="to show runs of", since=("--since",))
@options.sliced(sort="next_occurrence")
@options.standard
@options.extended
@pass_session
def list_schedules(
    session: Session,
    deployment_id: str | None,
    since: str | None,
    until: str | None,
    tz: str | None,
    part: Slice,
) -> None:
    """List schedules, of one deployment or of all, the next to run first."""
    page = session.client.execution_schedules.list(part, deployment_id=deployment_id)
    where = f" of deployment `{deployment_id}`" if deployment_id else ""
    earliest, latest = _moment(since, tz), _moment(until, tz)
    if earliest is None and latest is None:
        session.out.records(page.items, COLUMNS, noun="schedules", total=page.total, where=where)
        return
    found = [item for item in page.items if _runs_between(item, earliest, latest)]
    session.out.records(found, COLUMNS, noun="schedules", where=f"{where} with a run in that time")


@schedule.command("get")
@_deployment_id
@click.argument("schedule_id")
@click.option("--preview", metavar="N", type=click.IntRange(1, 100), help="Show the next N runs.")
@options.standard
@options.extended
@pass_session
def get(session: Session, deployment_id: str, schedule_id: str, preview: int | None) -> None:
    """Show a schedule, and the runs of it that did not happen."""
    found = session.client.execution_schedules.of_deployment(deployment_id, schedule_id)
    session.out.record(found, GET_COLUMNS)
    if session.out.as_json:
        return
    for skip in found["skipped"][:10]:
        many = f"{skip['count']} runs from {skip['first_due']} to" if skip["count"] > 1 else "The run at"
        session.out.line(f"{many} {skip['last_due']} did not happen: {skip['reason']}.")
    if preview:
        times = found["all_next_occurrences"][:preview]
        session.out.line("The next runs (UTC):" if times else "No run is to come.")
        for time in times:
            session.out.line(f"  {time}")


def _timing(given: dict[str, Any]) -> dict[str, Any]:
    """Return what the options of times and rules say, as the client takes it."""
    zone = given.pop("tz")
    now = datetime.now(UTC)
    for name in ("since", "until"):
        if given[name]:
            given[name], zone = time_expressions.parse(given[name], zone, now)
    return {**given, "timezone": zone}


def _moment(text: str | None, zone: str | None) -> datetime | None:
    if not text:
        return None
    given = time_expressions.parse(text, zone, datetime.now(UTC))
    return time_expressions.to_moment(given)


def _runs_between(item: ExecutionSchedule, since: datetime | None, until: datetime | None) -> bool:
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in item["all_next_occurrences"]]
    return any((since is None or time >= since) and (until is None or time <= until) for time in times)


def _said(session: Session, made: ExecutionSchedule, text: str) -> None:
    if session.out.as_json:
        session.out.json(made)
        return
    next_run = made["next_occurrence"]
    session.out.say(f"{text} Its next run is at {next_run}." if next_run else text)
