"""`cfy uninstall`: the end of an application, its deployment and its blueprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.lazy import lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import start_execution
else:
    start_execution = lazy("cloudwright.cli.start_execution")


@click.command()
@click.argument("deployment_id", shell_complete=completion.deployments)
@options.workflow("uninstall")
@options.force(
    "Start it even though another execution runs, and delete the deployment whatever is left of it."
)
@click.option(
    "--recursive",
    is_flag=True,
    help="Uninstall and delete deployments that are a part of it (label csys-obj-parent) before it.",
)
@options.parameters
@options.allow_custom_parameters
@options.following
@options.standard
@pass_session
def uninstall(
    session: Session,
    deployment_id: str,
    workflow_id: str,
    force: bool,
    recursive: bool,
    parameters: dict[str, Any],
    allow_custom_parameters: bool,
    timeout: int,
    include_logs: bool,
    json_output: bool,
    no_follow: bool,
) -> None:
    """Uninstall a deployment, delete it, and delete its blueprint if no other deployment uses it.

    Where the workflow does not end well nothing is deleted, and the exit code is 1. Ctrl-C asks for its
    cancellation and continues to follow; again forces it to end; a third time kills its operations too.
    """
    with session.finding("deployment", deployment_id):
        blueprint_id = session.client.deployments.get(deployment_id, fields=("blueprint_id",))["blueprint_id"]
    run = start_execution.Run(
        workflow_id,
        deployment_id,
        parameters={**parameters, "recursive": True} if recursive else parameters,
        allow_custom_parameters=allow_custom_parameters,
        force=force,
    )
    execution = start_execution.start(session, run)
    start_execution.follow_to_end(
        session, execution, start_execution.FollowOptions(timeout, include_logs, json_output, no_follow)
    )
    if no_follow:
        session.out.say(f"After its end, `cfy deployments delete {deployment_id}` deletes the deployment.")
        return
    client = session.client
    client.deployments.delete(deployment_id, force=force, recursive=recursive)
    session.out.say(f"Deployment `{deployment_id}` is deleted.")
    if client.deployments.list(Slice(size=1, fields=("id",)), blueprint_id=blueprint_id).total == 0:
        client.blueprints.delete(blueprint_id, force=force)
        session.out.say(f"Blueprint `{blueprint_id}` is deleted.")
