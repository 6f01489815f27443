"""`cfy auditlog`: who changed what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

COLUMNS = columns(
    "created_at", "creator_name=user", "action", "ref_object=what", "address=from?", "execution_id=execution?"
)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_creator = click.option("-c", "--creator-name", metavar="NAME", help="Changes of this user.")
_execution = click.option("-e", "--execution-id", metavar="ID", help="Changes that this execution made.")


def _read_time(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return a time as the manager reads it: `now`, an age (`10h`, `5d`, `2w`), `@SECONDS`, or a time."""
    if value is None:
        return None
    now = datetime.now(UTC)
    if value == "now":
        return now.isoformat()
    if age := re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", value, re.IGNORECASE):
        return (now - timedelta(**{_UNITS[age[2].lower()]: float(age[1])})).isoformat()
    if seconds := re.fullmatch(r"@(\d{1,11})", value):
        return datetime.fromtimestamp(int(seconds[1]), UTC).isoformat()
    return value


@click.group(cls=SuggestingGroup)
@options.shared
def auditlog() -> None:
    """Show who changed what, when and from where."""


@auditlog.command("list")
@_creator
@_execution
@click.option(
    "-i",
    "--since",
    metavar="TIME",
    callback=_read_time,
    help="Changes since then: an age (`10h`, `5d`, `2w`), or a time in UTC.",
)
@click.option(
    "--sort-by", metavar="FIELD", default="created_at", show_default=True, help="Sort by this field."
)
@click.option("--descending", is_flag=True, help="Sort from the highest to the lowest.")
@options.pagination
@options.extended
@options.shared
@pass_session
def list_records(
    session: Session,
    creator_name: str | None,
    execution_id: str | None,
    since: str | None,
    sort_by: str,
    descending: bool,
    pagination_offset: int,
    pagination_size: int,
) -> None:
    """List changes, the oldest first."""
    part = Slice(size=pagination_size, offset=pagination_offset, sort=sort_by, descending=descending)
    page = session.client.audit_log.list(
        part, creator_name=creator_name, execution_id=execution_id, since=since
    )
    rows = [{**record, "ref_object": _object(dict(record))} for record in page.items]
    session.out.records(rows, COLUMNS, noun="changes", total=page.total)


@auditlog.command("truncate")
@click.option(
    "-b",
    "--before",
    metavar="TIME",
    required=True,
    callback=_read_time,
    help="Delete changes before then: an age (`10h`, `5d`, `2w`), `now`, or a time in UTC.",
)
@_creator
@_execution
@options.shared
@pass_session
def truncate(session: Session, before: str, creator_name: str | None, execution_id: str | None) -> None:
    """Delete old records of the audit log; that is recorded in it."""
    deleted = session.client.audit_log.truncate(before, creator_name=creator_name, execution_id=execution_id)
    session.out.say(f"{deleted} records are deleted.")
    if session.out.as_json:
        session.out.json({"deleted": deleted})


def _object(record: dict[str, Any]) -> str:
    """Return what was changed in one word: `default_tenant:blueprints:app`."""
    tenant = record["ref_identifier"].get("tenant_name")
    parts = [tenant, record["ref_table"], record["ref_id"]]
    return ":".join(str(part) for part in parts if part is not None)
