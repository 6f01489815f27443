"""`cfy deployments update` and its kin: change a deployment, and go back."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
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
    "-r", "--reinstall-list", metavar="INSTANCE", multiple=True, help="Recreate this instance as well."
)
@_switch("--skip-install", "Install nothing that is new.")
@_switch("--skip-uninstall", "Uninstall nothing that goes.")
@_switch("--skip-reinstall", "Recreate nothing but what --reinstall-list names.")
@_switch("--skip-drift-check", "Do not look what differs: recreate what changed.")
@_switch("--skip-heal", "Do not check what stays, nor heal it.")
@_switch("--force-reinstall", "Recreate what changed even if it could be updated.")
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
    no_follow: bool,
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

    def start(**how: Any) -> DeploymentUpdate:
        return session.client.deployment_updates.start(deployment_id, **wanted, **how)

    _run(
        session,
        deployment_id,
        start,
        preview,
        yes,
        start_execution.FollowOptions(timeout, include_logs, json_output, no_follow),
    )


@click.command("rollback")
@click.argument("deployment_id")
@_switch("--preview", "Show what would be done, and change nothing.")
@click.option(
    "--skip",
    multiple=True,
    metavar="INSTANCE",
    help="Leave this node instance as it is, and list it in the deployment as left behind. Can be repeated.",
)
@_switch("--yes", "Do not ask before something is destroyed.")
@options.following
@options.standard
@pass_session
def rollback(
    session: Session,
    deployment_id: str,
    preview: bool,
    skip: tuple[str, ...],
    yes: bool,
    timeout: int,
    include_logs: bool,
    json_output: bool,
    no_follow: bool,
) -> None:
    """Update a deployment to what it was before its last update.

    After a rollback that did not end well it goes on to where that one was to lead. On a terminal the plan
    is shown first, and asked about if something is destroyed.
    """

    def start(**how: Any) -> DeploymentUpdate:
        return session.client.deployment_updates.rollback(deployment_id, skip=skip, **how)

    _run(
        session,
        deployment_id,
        start,
        preview,
        yes,
        start_execution.FollowOptions(timeout, include_logs, json_output, no_follow),
    )


def _run(
    session: Session,
    deployment_id: str,
    start: Callable[..., DeploymentUpdate],
    preview: bool,
    yes: bool,
    how: start_execution.FollowOptions,
) -> None:
    """Show the plan, ask, and do what was shown; or only the first or the last of it.

    ``start`` takes ``preview``, and the ``digest`` of what was shown.
    """
    digest = None
    if preview or (sys.stdin.isatty() and not yes):
        with session.finding("deployment", deployment_id):
            plan = start(preview=True)
        if preview and session.out.as_json:
            session.out.json(plan)
            return
        show_plan(session, plan)
        if preview:
            return
        digest = plan["digest"]
        if destroys(plan) and not click.confirm("Do this?", err=True):
            raise click.Abort
    with session.finding("deployment", deployment_id):
        started = start(digest=digest)
    follow_update(session, started, how)


def follow_update(session: Session, started: DeploymentUpdate, how: start_execution.FollowOptions) -> None:
    """Follow an update to its end. Raises Failure if it does not end well."""
    session.out.say(f"Deployment update {started['id']} of deployment `{started['deployment_id']}`.")
    execution = session.client.executions.get(str(started["execution_id"]))
    start_execution.follow_to_end(session, execution, how)


@click.command("history")
@options.deployment(required=False, help="Show updates of this deployment only.")
@options.sliced(sort="created_at", search=False)
@options.standard
@options.extended
@pass_session
def history(session: Session, deployment_id: str | None, part: Slice) -> None:
    """List the updates of deployments."""
    if deployment_id:
        with session.finding("deployment", deployment_id):
            session.client.deployments.get(deployment_id, fields=("id",))
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


_SIGNS = {"replace": "-/+", "add": "+", "update": "~", "remove": "-", "modify": "~"}
_WORDS = {"replace": "to recreate", "add": "to add", "update": "to change", "remove": "to remove"}
_PARTS = {"capabilities": "numbers of instances", "plugins_to_install": "plugins"}
_CHECK = "cloudify.interfaces.validation.check_status"


def plan_lines(plan: DeploymentUpdate) -> list[str]:
    """Return a plan as text: first how much of what, then each instance with the reason, then what changes
    beside instances.
    """
    changes = plan["instance_changes"]
    counts = Counter(str(change["action"]) for change in changes)
    total = [f"{counts[action]} {words}" for action, words in _WORDS.items() if counts[action]]
    shown = {change["node_id"] for change in changes}
    lines = [f"Instances: {', '.join(total) or 'none changes'}."]
    lines += [_line(change["action"], f"{change['id']} ({change['reason']})") for change in changes]
    lines += [
        _line("modify", f"node {node} ({', '.join(_PARTS.get(part, part) for part in what)})")
        for node, what in plan["changed"].items()
        if node not in shown
    ]
    return lines + [
        _line(str(step["action"]), ":".join(step["entity_id"]))
        for step in plan["steps"]
        if step["entity_id"][0] != "nodes"
    ]


def _line(action: str, what: str) -> str:
    return f"  {_SIGNS.get(action, '~'):3} {what}"


def show_plan(session: Session, plan: DeploymentUpdate) -> None:
    """Print what an update would do."""
    # What is asked about is shown, whatever standard output is for.
    say = session.out.warn if session.out.as_json else session.out.say
    for line in plan_lines(plan):
        say(line)
    nodes = plan["deployment_update_nodes"]
    if not plan["options"].get("skip_heal") and any(_has_check(node) for node in nodes):
        say("What stays is checked first; what is ill is healed or recreated, unless --skip-heal is given.")


def _has_check(node: Mapping[str, Any]) -> bool:
    return bool((node.get("operations", {}).get(_CHECK) or {}).get("operation"))


def destroys(plan: DeploymentUpdate) -> bool:
    """Return whether the update is to take something down."""
    return any(change["action"] in ("replace", "remove") for change in plan["instance_changes"])
