"""`cfy events`: what happened in executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudwright.cli import options
from cloudwright.cli.identifiers import chosen_execution, require_execution
from cloudwright.cli.identifiers import execution_id as whole_execution_id
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.retention import delete_events
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.times import TIMES, read_age, read_time
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import execution_follower, follower_lines, start_execution
else:
    execution_follower = lazy("cloudwright.cli.execution_follower")
    start_execution = lazy("cloudwright.cli.start_execution")
    follower_lines = lazy("cloudwright.cli.follower_lines")


@click.group(cls=SuggestingGroup)
@options.shared
def events() -> None:
    """Show what happened in executions."""


events.add_command(delete_events)


@events.command("list")
@chosen_execution()
@click.option(
    "-e",
    "--execution-id",
    "execution_id_option",
    metavar="ID",
    help="The execution, if it is not an argument.",
)
@click.option(
    "--include-logs/--no-logs", default=True, show_default=True, help="Show log messages, or events only."
)
@click.option("--json-output", is_flag=True, help="Print each event as a line of JSON.")
@click.option("--tail", is_flag=True, help="Continue to show events until the execution is over.")
@click.option(
    "--from", "since", metavar="TIME", callback=read_time, help=f"Show events from this time on: {TIMES}."
)
@click.option(
    "--to", "until", metavar="TIME", callback=read_time, help=f"Show events up to this time: {TIMES}."
)
@click.option(
    "--before",
    metavar="AGE",
    callback=read_age,
    help="Show events that are at least this old: `30 minutes`, `2 days ago`.",
)
@click.option("--node", "node_id", metavar="NAME", help="Show events of this node's instances only.")
@click.option("--operation", metavar="NAME", help="Show events of this operation only.")
@options.pagination
@options.standard
@pass_session
def list_events(
    session: Session,
    execution_id: str,
    execution_id_option: str | None,
    include_logs: bool,
    json_output: bool,
    tail: bool,
    since: str | None,
    until: str | None,
    before: str | None,
    node_id: str | None,
    operation: str | None,
    pagination_offset: int,
    pagination_size: int,
) -> None:
    """Show the events and log messages of an execution.

    With --tail it continues until the execution is over, and the exit code says whether it ended well. Ctrl-C
    then ends this command only, and not the execution.
    """
    execution_id = _only_one(session, execution_id, execution_id_option)
    if tail and (until or before or since or node_id or operation or pagination_offset):
        raise click.UsageError("--tail shows everything as it happens: it takes no range and no filter.")
    if tail:
        _tail(session, execution_id, include_logs, json_output)
        return
    part = Slice(size=pagination_size, offset=pagination_offset, sort="timestamp")
    with session.finding("execution", execution_id):
        session.client.executions.get(execution_id, fields=("id",))
    page = session.client.events.list(
        part,
        execution_id=execution_id,
        include_logs=include_logs,
        since=since,
        until=until or before,
        node_id=node_id,
        operation=operation,
    )
    if session.out.as_json and not json_output:
        session.out.json(page.items)
        return
    view = follower_lines.JsonLines(session.out) if json_output else follower_lines.Lines(session.out)
    for event in page.items:
        view.event(event)
    if not page.items and not json_output:
        session.out.say(f"There are no events of execution {execution_id} that fit.")
    elif len(page.items) < page.total:
        session.out.remark(f"Showing {len(page.items)} of {page.total} events; -s and -o show more.")


def _only_one(session: Session, execution_id: str, option: str | None) -> str:
    if execution_id and option:
        raise click.UsageError("Name the execution once: as an argument, with -e, or with -d and --last.")
    if option:
        return whole_execution_id(session, option)
    require_execution(execution_id)
    return execution_id


def _tail(session: Session, execution_id: str, include_logs: bool, json_output: bool) -> None:
    with session.finding("execution", execution_id):
        execution = session.client.executions.get(execution_id)
    as_lines = json_output or session.out.as_json
    lines = follower_lines.JsonLines if as_lines else follower_lines.Lines
    view = lines(session.out, followed=True)
    execution = execution_follower.ExecutionFollower(
        session, execution, view, include_logs=include_logs, escalates=False
    ).run()
    start_execution.require_success(session, execution)
