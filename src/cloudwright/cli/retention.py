"""`cfy executions delete` and `cfy events delete`: what happened, deleted by age and by number."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click

from cloudwright.cli import completion, options
from cloudwright.cli.downloading import written_whole
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.times import TIMES, as_utc, read_age, read_time
from cloudwright.client.records import Slice

_PAGE = 1000

_until = options.together(
    click.option(
        "-u", "--to-datetime", metavar="TIME", help="Delete what is from until then (ISO 8601, UTC)."
    ),
    click.option(
        "--before",
        metavar="AGE",
        callback=read_age,
        help="Delete what is older than this: `2 weeks`, `36 hours`.",
    ),
)


@click.command("delete")
@_until
@click.option("--keep-last", metavar="N", type=click.IntRange(min=1), help="Delete all but the newest N.")
@options.all_tenants
@options.standard
@pass_session
def delete_executions(
    session: Session,
    to_datetime: str | None,
    before: str | None,
    keep_last: int | None,
    all_tenants: bool,
) -> None:
    """Delete executions that are over, with their events and operations.

    Without options, all that are over. Those stay of which an operation still runs, that created a
    deployment that exists, and of updates and modifications.
    """
    if sum(value is not None for value in (to_datetime, before, keep_last)) > 1:
        raise click.UsageError("Give one of --to-datetime, --before and --keep-last.")
    count = session.client.executions.delete_old(
        until=to_datetime or before, keep_last=keep_last, all_tenants=all_tenants
    )
    _tell(session, count, "executions")


@click.command("delete")
@click.argument("deployment_id", shell_complete=completion.deployments)
@click.option("--include-logs/--no-logs", default=True, show_default=True, help="Delete log messages too.")
@click.option(
    "-f",
    "--from-datetime",
    metavar="TIME",
    callback=read_time,
    help=f"Delete what is from then on: {TIMES}.",
)
@_until
@click.option("--store-before", is_flag=True, help="Write them to --output-path first, as lines of JSON.")
@click.option("-o", "--output-path", metavar="FILE", help="The file to write them to.")
@options.standard
@pass_session
def delete_events(
    session: Session,
    deployment_id: str,
    include_logs: bool,
    from_datetime: str | None,
    to_datetime: str | None,
    before: str | None,
    store_before: bool,
    output_path: str | None,
) -> None:
    """Delete the events of a deployment's executions."""
    if to_datetime is not None and before is not None:
        raise click.UsageError("Give one of --to-datetime and --before.")
    if store_before != (output_path is not None):
        raise click.UsageError("--store-before and --output-path belong together.")
    with session.finding("deployment", deployment_id):
        session.client.deployments.get(deployment_id, fields=("id",))
    # What is stored first is what is deleted: later events stay.
    until = to_datetime or before or as_utc(datetime.now(UTC))
    if output_path is not None:
        with written_whole(Path(output_path)) as file:
            _write(session, file, deployment_id, include_logs, from_datetime, until)
    count = session.client.events.delete(
        deployment_id, include_logs=include_logs, since=from_datetime, until=until
    )
    _tell(session, count, "events")


def _write(
    session: Session,
    file: IO[bytes],
    deployment_id: str,
    include_logs: bool,
    since: str | None,
    until: str,
) -> None:
    offset = 0
    while True:
        page = session.client.events.list(
            Slice(size=_PAGE, offset=offset),
            include_logs=include_logs,
            since=since,
            until=until,
            deployment_id=deployment_id,
        )
        for event in page.items:
            file.write(json.dumps(event).encode() + b"\n")
        offset += len(page.items)
        if not page.items or offset >= page.total:
            return


def _tell(session: Session, count: int, noun: str) -> None:
    session.out.say(f"Deleted {count} {noun}." if count else f"There are no {noun} to delete.")
    if session.out.as_json:
        session.out.json({"deleted": count})
