"""`cfy status`: how the manager is."""

from __future__ import annotations

from typing import Any

import click

from cloudwright.cli import options
from cloudwright.cli.failure import FAILED, Silent
from cloudwright.cli.formatting import byte_text, columns
from cloudwright.cli.session import Session, pass_session

WELL = "OK"
SERVICE_COLUMNS = columns("service", "status")


@click.command()
@options.standard
@pass_session
def status(session: Session) -> None:
    """Show where the manager is and whether it and its parts are well.

    The exit code is 1 if it is not.
    """
    client = session.client
    found = client.status(disk=True)
    if session.out.as_json:
        session.out.json(found)
    else:
        session.out.fields(
            {
                "manager": client.target.url,
                "version": client.version().get("version"),
                "user": client.target.username or "of the token",
                "tenant": client.target.tenant,
                "chosen by": session.selection.origin if session.selection else None,
                "processes tracked by": _told(found, "Workflow engine", "processes_tracked_by"),
                "event loop lag": _lag(found),
                "disk": _disk(found),
                "status": found["status"],
            }
        )
        trouble = _told(found, "Database", "trouble")
        if trouble:
            session.out.line("")
            session.out.line(
                f"The database takes no writes: {trouble}. What is to be stored waits until it does, and "
                "commands wait with it. Requests to stop are carried out meanwhile, and stored then."
            )
        session.out.line("")
        services = [{"service": name, **part} for name, part in found["services"].items()]
        session.out.records(services, SERVICE_COLUMNS, noun="services")
    if found["status"] != WELL:
        raise Silent(FAILED)


def _disk(found: dict[str, Any]) -> str | None:
    """What the manager's home takes, the largest first; None if the manager does not say."""
    disk = (found["services"].pop("Disk", None) or {}).get("extra_info")
    if not disk:
        return None
    used = sorted(disk["used_bytes"].items(), key=lambda part: -part[1])
    total = byte_text(sum(size for _, size in used))
    parts = ", ".join(f"{name} {byte_text(size)}" for name, size in used[:3])
    return f"{total} ({parts}); {byte_text(disk['free_bytes'])} free"


def _told(found: dict[str, Any], service: str, name: str) -> Any:
    """What the manager tells besides of a part of it; None if it does not say."""
    part = found["services"].get(service) or {}
    return (part.get("extra_info") or {}).get(name)


def _lag(found: dict[str, Any]) -> str | None:
    """How late the manager comes to what it has to do."""
    lag = _told(found, "REST API", "event_loop_lag_ms")
    if not lag:
        return None
    return f"{lag['last']} ms (largest of the last minute: {lag['largest_of_last_minute']} ms)"
