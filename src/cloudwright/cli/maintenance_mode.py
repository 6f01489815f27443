"""`cfy maintenance-mode`: a manager in which no execution begins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from cloudwright.cli import options
from cloudwright.cli.failure import Failure
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session

if TYPE_CHECKING:
    from cloudwright.model.rest import Maintenance

COLUMNS = columns("status", "activated_at", "activation_requested_at", "requested_by")
EXECUTION_COLUMNS = columns("id", "workflow_id=workflow", "deployment_id=deployment", "status")
POLL_SECONDS = 1.0


@click.group("maintenance-mode", cls=SuggestingGroup)
@options.shared
def maintenance_mode() -> None:
    """Keep executions from beginning, for work on the manager."""


@maintenance_mode.command("status")
@options.shared
@options.extended
@pass_session
def status(session: Session) -> None:
    """Show the maintenance mode, and what still runs."""
    state = session.client.administration.maintenance()
    session.out.record(state, COLUMNS)
    remaining = state.get("remaining_executions") or []
    if remaining and not session.out.as_json:
        session.out.records(remaining, EXECUTION_COLUMNS, noun="executions")


@maintenance_mode.command("activate")
@click.option("--wait", is_flag=True, help="Return when no execution runs any more.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="With --wait: fail after this long; 0 waits for as long as it takes. The mode stays.",
)
@options.shared
@pass_session
def activate(session: Session, wait: bool, timeout: int) -> None:
    """Let no execution begin, and refuse changes. What runs continues."""
    if timeout and not wait:
        raise click.UsageError("--timeout is for --wait.")
    session.client.administration.set_maintenance(True)
    state = _await(session, timeout) if wait else session.client.administration.maintenance()
    if session.out.as_json:
        session.out.json(state)
    remaining = len(state.get("remaining_executions") or ())
    still = f"; {remaining} executions still run" if state["status"] == "activating" else ""
    session.out.say(f"The maintenance mode is {state['status']}{still}.")


@maintenance_mode.command("deactivate")
@options.shared
@pass_session
def deactivate(session: Session) -> None:
    """End the maintenance mode, and start what waits."""
    session.client.administration.set_maintenance(False)
    session.out.say("The maintenance mode is off.")


def _await(session: Session, timeout: int) -> Maintenance:
    deadline = time.monotonic() + timeout
    while True:
        state = session.client.administration.maintenance()
        if state["status"] != "activating":
            return state
        if timeout and time.monotonic() >= deadline:
            raise Failure(
                f"Executions still run after {timeout} s; the mode stays, and no other begins.",
                "`cfy maintenance-mode status` lists them.",
            )
        time.sleep(POLL_SECONDS)
