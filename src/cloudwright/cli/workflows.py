"""`cfy workflows`: what can be run on a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.failure import Failure
from cloudwright.cli.formatting import columns, default_text
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session

if TYPE_CHECKING:
    from cloudwright.model.rest import Deployment

LIST_COLUMNS = columns("name", "plugin", "is_available=available", "availability_rules=availability rules")
GET_COLUMNS = columns(
    "name",
    "deployment_id=deployment",
    "blueprint_id=blueprint",
    "plugin",
    "operation",
    "is_available=available",
    "availability_rules=availability rules",
)
PARAMETER_COLUMNS = columns("name", "type", "required", "default", "description")


@click.group(cls=SuggestingGroup)
@options.shared
def workflows() -> None:
    """Look at the workflows of deployments."""


@workflows.command("list")
@options.deployment(required=True)
@click.option("--all", "show_all", is_flag=True, help="Show those too that cannot be run now.")
@options.standard
@options.extended
@pass_session
def list_workflows(session: Session, deployment_id: str, show_all: bool) -> None:
    """List the workflows of a deployment."""
    deployment = _deployment(session, deployment_id)
    found = sorted(deployment.get("workflows") or [], key=lambda workflow: workflow["name"])
    shown = [workflow for workflow in found if show_all or workflow.get("is_available", True)]
    owner = {"deployment_id": deployment_id, "blueprint_id": deployment.get("blueprint_id")}
    session.out.records(
        [{**owner, **workflow} for workflow in shown],
        LIST_COLUMNS,
        noun="workflows",
        where=f" of deployment `{deployment_id}`",
    )
    if len(shown) < len(found):
        session.out.remark(f"{len(found) - len(shown)} cannot be run now; --all shows them.")


@workflows.command("get")
@click.argument("workflow_id", shell_complete=completion.workflows)
@options.deployment(required=True)
@options.standard
@options.extended
@pass_session
def get(session: Session, workflow_id: str, deployment_id: str) -> None:
    """Show a workflow of a deployment, and the parameters that it takes."""
    deployment = _deployment(session, deployment_id)
    found = {workflow["name"]: workflow for workflow in deployment.get("workflows") or []}
    if workflow_id not in found:
        names = ", ".join(sorted(found)) or "none"
        raise Failure(
            f"Deployment `{deployment_id}` has no workflow `{workflow_id}`.", f"Its workflows are: {names}."
        )
    workflow: dict[str, Any] = {
        "deployment_id": deployment_id,
        "blueprint_id": deployment.get("blueprint_id"),
        **found[workflow_id],
    }
    session.out.record(workflow, GET_COLUMNS)
    if session.out.as_json:
        return
    rows = [
        {"required": "default" not in details, **details, "name": name, "default": default_text(details)}
        for name, details in (workflow.get("parameters") or {}).items()
    ]
    session.out.line("")
    session.out.records(rows, PARAMETER_COLUMNS, noun="parameters", where=f" of workflow `{workflow_id}`")


def _deployment(session: Session, deployment_id: str) -> Deployment:
    with session.finding("deployment", deployment_id):
        return session.client.deployments.get(deployment_id)
