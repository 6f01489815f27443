"""`cfy deployments update` and its kin: change a deployment, and go back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import start_execution
    from cloudwright.model.rest import DeploymentUpdate
else:
    start_execution = lazy("cloudwright.cli.start_execution")

COLUMNS = columns(
    "id",
    "deployment_id=deployment",
    "state",
    "old_blueprint_id=from",
    "new_blueprint_id=to",
    "execution_id=execution",
    "created_at?",
)


def _switch(name: str, help: str) -> options.Decorator:
    return click.option(name, is_flag=True, help=help)


@click.command("update")
@click.argument("deployment_id")
@options.blueprint(help="The blueprint to update it to; its own if none is given.")
@options.deployment_inputs
@click.option(
    "-r", "--reinstall-list", metavar="INSTANCE", multiple=True, help="Make this instance anew as well."
)
@_switch("--skip-install", "Install nothing that is new.")
@_switch("--skip-uninstall", "Uninstall nothing that goes.")
@_switch("--skip-reinstall", "Make nothing anew but what --reinstall-list names.")
@_switch("--skip-drift-check", "Do not look what differs: make anew what changed.")
@_switch("--skip-heal", "Do not check what stays, nor heal it.")
@_switch("--force-reinstall", "Make anew what changed even if it could be updated.")
@_switch("--ignore-failure", "Continue even if something cannot be taken down.")
@_switch("--install-first", "Install what is new before what goes is taken down.")
@_switch("--preview", "Show what would be done, and change nothing.")
@_switch("--yes", "Do not ask before something is destroyed.")
@options.force("Start it even though another execution of the deployment runs.")
@click.option(
    "--runtime-only-evaluation/--no-runtime-only-evaluation",
    default=None,
    help="Evaluate intrinsic functions only when operations run.",
)
@_switch("--auto-correct-types", "For Cloudify's scripts; types of inputs are always corrected.")
@_switch("--reevaluate-active-statuses", "Accepted and without effect: no update is ever in the way.")
@options.following
@options.standard
@pass_session
def update(
    session: Session,
    /,
    deployment_id: str,
    blueprint_id: str | None,
    inputs: dict[str, Any],
    reinstall_list: tuple[str, ...],
    preview: bool,
    yes: bool,
    auto_correct_types: bool,
    reevaluate_active_statuses: bool,
    timeout: int,
    include_logs: bool,
    json_output: bool,
    **switches: Any,
) -> None:
    """Update a deployment to another blueprint, other inputs, or both.

    On a terminal the plan is shown first, and asked about if something is destroyed.
    """
    wanted = {
        "blueprint_id": blueprint_id,
        "inputs": inputs,
        "reinstall_list": list(reinstall_list),
        # On a command line all is text: `-i port=8080`.
        "auto_correct_types": True,
        **{name: value for name, value in switches.items() if value is not None},
    }
    digest = None
    if preview or (sys.stdin.isatty() and not yes):
        with session.finding("deployment", deployment_id):
            plan = session.client.deployment_updates.start(deployment_id, preview=True, **wanted)
        if preview and session.out.as_json:
            session.out.json(plan)
            return
        for line in plan_lines(plan, reinstall_list):
            session.out.say(line)
        if preview:
            return
        digest = plan["digest"]
        if destroys(plan, reinstall_list) and not click.confirm("Do this?", err=True):
            raise click.Abort
    with session.finding("deployment", deployment_id):
        started = session.client.deployment_updates.start(deployment_id, digest=digest, **wanted)
    _follow(session, started, timeout, include_logs, json_output)


@click.command("rollback")
@click.argument("deployment_id")
@options.following
@options.standard
@pass_session
def rollback(
    session: Session, deployment_id: str, timeout: int, include_logs: bool, json_output: bool
) -> None:
    """Update a deployment to what it was before its last update."""
    with session.finding("deployment", deployment_id):
        started = session.client.deployment_updates.rollback(deployment_id)
    _follow(session, started, timeout, include_logs, json_output)


@click.command("history")
@options.deployment(required=False, help="Show updates of this deployment only.")
@options.sliced(sort="created_at", search=False)
@options.standard
@options.extended
@pass_session
def history(session: Session, deployment_id: str | None, part: Slice) -> None:
    """List the updates of deployments."""
    page = session.client.deployment_updates.list(part, deployment_id=deployment_id)
    where = f" of deployment `{deployment_id}`" if deployment_id else ""
    session.out.records(page.items, COLUMNS, noun="deployment updates", total=page.total, where=where)


@click.command("get-update")
@click.argument("update_id")
@options.standard
@options.extended
@pass_session
def get_update(session: Session, update_id: str) -> None:
    """Show an update of a deployment, with its steps."""
    found = session.client.deployment_updates.get(update_id)
    session.out.record(found, COLUMNS)
    if not session.out.as_json:
        for line in plan_lines(found):
            session.out.say(line)


def plan_lines(plan: DeploymentUpdate, reinstall_list: Sequence[str] = ()) -> list[str]:
    """Return a plan as text: what is added, changed and removed, what is made anew because ``reinstall_list``
    asks for it, and first how much of each.
    """
    instances = plan["deployment_update_node_instances"]
    added = [str(one["id"]) for one in instances["added_and_related"]]
    removed = [str(one["id"]) for one in instances["removed_and_related"]]
    changed = plan["changed"]
    others = [
        f"  {_MARKS.get(step['action'], '~')} {step['entity_id']}"
        for step in plan["steps"]
        if not str(step["entity_id"]).startswith("nodes:")
    ]
    return [
        f"{len(added)} instances to add, {len(changed)} nodes to change, {len(removed)} instances to remove.",
        *(f"  + {id}" for id in added),
        *(f"  ~ {node}: {', '.join(what)}" for node, what in changed.items()),
        *(f"  -/+ {id}: in --reinstall-list" for id in reinstall_list),
        *(f"  - {id}" for id in removed),
        *others,
    ]


_MARKS = {"add": "+", "remove": "-", "modify": "~"}


def destroys(plan: DeploymentUpdate, reinstall_list: Sequence[str]) -> bool:
    """Return whether the update may take something down that exists."""
    return bool(
        reinstall_list or plan["changed"] or plan["deployment_update_node_instances"]["removed_and_related"]
    )


def _follow(
    session: Session, started: DeploymentUpdate, timeout: int, include_logs: bool, json_output: bool
) -> None:
    session.out.say(f"Deployment update {started['id']} of deployment `{started['deployment_id']}`.")
    execution = session.client.executions.get(str(started["execution_id"]))
    start_execution.follow_to_end(
        session,
        execution,
        start_execution.FollowOptions(timeout, include_logs, json_output),
    )
