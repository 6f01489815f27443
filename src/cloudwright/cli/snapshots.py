"""`cfy snapshots`: all data of a manager in one file, made and restored."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloudwright.cli import options
from cloudwright.cli.downloading import written_whole
from cloudwright.cli.failure import Failure
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.model.rest import Execution

COLUMNS = columns("id", "created_at", "status", "error", "visibility?", "tenant_name=tenant?", "created_by")
POLL_SECONDS = 0.2


@click.group(cls=SuggestingGroup)
@options.shared
def snapshots() -> None:
    """Make snapshots of all data of the manager, and restore them."""


@snapshots.command("create")
@click.argument("snapshot_id", required=False)
@click.option("--exclude-logs", is_flag=True, help="Leave out log messages of executions.")
@click.option("--exclude-events", is_flag=True, help="Leave out events of executions.")
@click.option("--wait-for-status", is_flag=True, help="Return when it is made.")
@options.standard
@pass_session
def create(
    session: Session,
    snapshot_id: str | None,
    exclude_logs: bool,
    exclude_events: bool,
    wait_for_status: bool,
) -> None:
    """Make a snapshot. No execution may run meanwhile."""
    identifier = snapshot_id or f"snapshot_{uuid.uuid4().hex[:8]}"
    execution = session.client.snapshots.create(
        identifier, include_events=not exclude_events, include_logs=not exclude_logs
    )
    _follow(session, execution, wait_for_status, f"Snapshot `{identifier}`", "made")


@snapshots.command("restore")
@click.argument("snapshot_id")
@options.force("Replace the blueprints and deployments that there are.")
@click.option("--wait-for-status", is_flag=True, help="Return when it is restored.")
@options.standard
@pass_session
def restore(session: Session, snapshot_id: str, force: bool, wait_for_status: bool) -> None:
    """Put the data of a snapshot in the place of the manager's.

    If it fails, everything is as before. You keep your password and your tokens.
    """
    execution = session.client.snapshots.restore(snapshot_id, force=force)
    _follow(session, execution, wait_for_status, f"Snapshot `{snapshot_id}`", "restored")


@snapshots.command("list")
@options.sliced(newest="created_at")
@options.standard
@options.extended
@pass_session
def list_snapshots(session: Session, part: Slice) -> None:
    """List snapshots."""
    page = session.client.snapshots.list(part)
    session.out.records(page.items, COLUMNS, noun="snapshots", total=page.total)


@snapshots.command("status")
@options.shared
@pass_session
def status(session: Session) -> None:
    """Say whether a snapshot is being restored."""
    running = session.client.snapshots.is_restoring()
    if session.out.as_json:
        session.out.json({"status": "running" if running else "not-running"})
    session.out.say(f"{'A' if running else 'No'} snapshot is being restored.")


@snapshots.command("download")
@click.argument("snapshot_id")
@click.option("-o", "--output-path", metavar="PATH", help="The file or the folder to write it to.")
@options.standard
@pass_session
def download(session: Session, snapshot_id: str, output_path: str | None) -> None:
    """Download a snapshot."""
    path = Path(output_path or f"{snapshot_id}.zip")
    if path.is_dir():
        path /= f"{snapshot_id}.zip"
    with written_whole(path) as file:
        size = session.client.snapshots.download(snapshot_id, file)
    session.out.say(f"Snapshot `{snapshot_id}` is in {path} ({size} bytes).")
    if session.out.as_json:
        session.out.json({"id": snapshot_id, "path": str(path), "size": size})


@snapshots.command("upload")
@click.argument("snapshot_path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-s", "--snapshot-id", metavar="ID", help="The id to give it.")
@options.standard
@pass_session
def upload(session: Session, snapshot_path: Path, snapshot_id: str | None) -> None:
    """Upload a snapshot."""
    identifier = snapshot_id or f"snapshot_{uuid.uuid4().hex[:8]}"
    with snapshot_path.open("rb") as file:
        made = session.client.snapshots.upload(identifier, file)
    session.out.say(f"Snapshot `{identifier}` is uploaded.")
    if session.out.as_json:
        session.out.json(made)


@snapshots.command("delete")
@click.argument("snapshot_id")
@options.standard
@pass_session
def delete(session: Session, snapshot_id: str) -> None:
    """Delete a snapshot."""
    session.client.snapshots.delete(snapshot_id)
    session.out.say(f"Snapshot `{snapshot_id}` is deleted.")


def _follow(session: Session, execution: Execution, wait: bool, subject: str, done: str) -> None:
    """Say what was begun or, if it is waited for, how it ended. Raises Failure."""
    while wait and execution["status"] == "started":
        time.sleep(POLL_SECONDS)
        execution = session.client.executions.get(execution["id"])
    if session.out.as_json:
        session.out.json(execution)
    if execution["status"] == "failed":
        raise Failure(f"{subject} could not be {done}: {execution.get('error')}")
    if execution["status"] == "started":
        session.out.say(f"{subject} is being {done}: execution {execution['id']}.")
    else:
        session.out.say(f"{subject} is {done}.")
