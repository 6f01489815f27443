"""`cfy deployments`: make deployments from blueprints and look at them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import blueprint_problems, completion, filter_rules, options
from cloudwright.cli.deployment_groups import groups
from cloudwright.cli.deployment_updates import get_update, history, rollback, update
from cloudwright.cli.filter_rules import Rule
from cloudwright.cli.filters import filters_of
from cloudwright.cli.formatting import columns
from cloudwright.cli.labels import labels_of
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.schedules import schedule
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.summaries import summary_of
from cloudwright.cli.visibility import add_visibility_commands
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.model.rest import Deployment

LIST_COLUMNS = columns(
    "id",
    "display_name=name?",
    "blueprint_id=blueprint",
    "installation_status=installation",
    "deployment_status=status",
    "created_at?",
    "created_by?",
    "labels?",
)
GET_COLUMNS = columns(
    "id",
    "display_name=name",
    "description",
    "blueprint_id=blueprint",
    "installation_status=installation",
    "deployment_status=status",
    "latest_execution_workflow_id=latest workflow",
    "latest_execution_status=latest execution",
    "unavailable_instances",
    "drifted_instances",
    "site_name=site",
    "created_at",
    "updated_at",
    "visibility",
    "tenant_name=tenant",
    "created_by",
    "labels",
)


@click.group(cls=SuggestingGroup)
@options.shared
def deployments() -> None:
    """Create, change, delete and look at deployments."""


add_visibility_commands(deployments, "deployment", with_set_global=False)
deployments.add_command(labels_of("deployment"))
deployments.add_command(filters_of("deployments"))
deployments.add_command(summary_of("deployments"))
for command in (update, rollback, history, get_update, groups, schedule):
    deployments.add_command(command)


@deployments.command("create")
@click.argument("deployment_id", required=False)
@options.blueprint(required=True, help="The blueprint to make it from.")
@options.deployment_inputs
@options.visibility
@options.site_name
@options.labels()
@click.option("--generate-id", is_flag=True, help="Generate the deployment ID.")
@click.option("-n", "--display-name", metavar="NAME", help="What to call it; its id if it is not given.")
@click.option(
    "--runtime-only-evaluation", is_flag=True, help="Evaluate intrinsic functions only when operations run."
)
@click.option(
    "--skip-plugins-validation", is_flag=True, help="Accepted for compatibility with Cloudify; ignored."
)
@options.standard
@pass_session
def create(
    session: Session,
    deployment_id: str | None,
    blueprint_id: str,
    inputs: dict[str, Any],
    visibility: str,
    site_name: str | None,
    labels: list[dict[str, str]],
    generate_id: bool,
    display_name: str | None,
    runtime_only_evaluation: bool,
    skip_plugins_validation: bool,
) -> None:
    """Create a deployment of a blueprint.

    Its id is the blueprint's if neither DEPLOYMENT_ID nor --generate-id is given.
    """
    if generate_id and deployment_id:
        raise click.UsageError("Give an id, or --generate-id, not both.")
    identifier = str(uuid.uuid4()) if generate_id else deployment_id or blueprint_id
    with session.finding("blueprint", blueprint_id):
        deployment = session.client.deployments.create(
            identifier,
            blueprint_id=blueprint_id,
            inputs=inputs,
            display_name=display_name,
            visibility=visibility,
            labels=labels,
            site_name=site_name,
            runtime_only_evaluation=runtime_only_evaluation,
            skip_plugins_validation=skip_plugins_validation,
            # On a command line all is text: `-i port=8080`.
            auto_correct_types=True,
        )
    if session.out.as_json:
        session.out.json(deployment)
    for line in blueprint_problems.warning_lines(deployment.get("warnings") or [], None):
        session.out.warn(line)
    session.out.say(f"Deployment `{identifier}` is created.")


@deployments.command("list")
@options.blueprint(help="Show deployments of this blueprint only.")
@click.option("--search-name", metavar="TEXT", help="Show those whose display name contains this text.")
@filter_rules.filter_id
@filter_rules.rules
@options.sliced(newest="created_at")
@options.standard
@options.extended
@pass_session
def list_deployments(
    session: Session,
    blueprint_id: str | None,
    search_name: str | None,
    filter_id: str | None,
    labels_rule: list[Rule],
    attrs_rule: list[Rule],
    part: Slice,
) -> None:
    """List deployments."""
    page = session.client.deployments.list(
        part,
        blueprint_id=blueprint_id,
        search_name=search_name,
        filter_id=filter_id,
        rules=[*labels_rule, *attrs_rule],
    )
    where = f" of blueprint `{blueprint_id}`" if blueprint_id else ""
    session.out.records(page.items, LIST_COLUMNS, noun="deployments", total=page.total, where=where)


@deployments.command("get")
@click.argument("deployment_id", shell_complete=completion.deployments)
@options.standard
@options.extended
@pass_session
def get(session: Session, deployment_id: str) -> None:
    """Show a deployment."""
    found = _get(session, deployment_id)
    session.out.record(found, GET_COLUMNS)
    if not session.out.as_json and found["left_behind"]:
        left = ", ".join(f"{one['id']} ({one['state']})" for one in found["left_behind"])
        session.out.say(f"Left behind by a rollback, and not taken down: {left}.")


@deployments.command("delete")
@click.argument("deployment_id", shell_complete=completion.deployments)
@options.force("Delete it even if node instances live, or other deployments need it.")
@click.option(
    "-l", "--with-logs", is_flag=True, help="For Cloudify's scripts; its executions and their logs stay."
)
@click.option(
    "--recursive",
    is_flag=True,
    help="Delete deployments that are a part of it (label csys-obj-parent) before it.",
)
@options.standard
@pass_session
def delete(session: Session, deployment_id: str, force: bool, with_logs: bool, recursive: bool) -> None:
    """Delete a deployment that no other one uses. What it installed is not touched: uninstall it first."""
    with session.finding("deployment", deployment_id):
        session.client.deployments.delete(
            deployment_id, force=force, with_logs=with_logs, recursive=recursive
        )
    session.out.say(f"Deployment `{deployment_id}` is deleted.")


@deployments.command("set-site")
@click.argument("deployment_id", shell_complete=completion.deployments)
@options.site_name
@click.option("--detach-site", is_flag=True, help="Make it belong to no site.")
@options.standard
@pass_session
def set_site(session: Session, deployment_id: str, site_name: str | None, detach_site: bool) -> None:
    """Say to which site a deployment belongs."""
    if (site_name is None) != detach_site:
        raise click.UsageError("Give either --site-name or --detach-site.")
    deployment = session.client.deployments.set_site(deployment_id, site_name)
    belongs = f"belongs to the site `{site_name}`" if site_name else "belongs to no site"
    session.out.say(f"Deployment `{deployment_id}` {belongs}.")
    if session.out.as_json:
        session.out.json(deployment)


@deployments.command("inputs")
@click.argument("deployment_id", shell_complete=completion.deployments)
@options.standard
@pass_session
def inputs(session: Session, deployment_id: str) -> None:
    """Show the inputs of a deployment."""
    values = _get(session, deployment_id, "inputs").get("inputs") or {}
    if session.out.as_json:
        session.out.json(values)
        return
    session.out.section(
        f"Inputs of deployment `{deployment_id}`:",
        values,
        nothing=f"Deployment `{deployment_id}` has no inputs.",
    )


@deployments.command("outputs")
@click.argument("deployment_id", shell_complete=completion.deployments)
@options.standard
@pass_session
def outputs(session: Session, deployment_id: str) -> None:
    """Show the outputs of a deployment, as their values are now."""
    definitions = _get(session, deployment_id, "outputs").get("outputs") or {}
    values = session.client.deployments.outputs(deployment_id)
    _show_values(session, "outputs", deployment_id, definitions, values)


@deployments.command("capabilities")
@click.argument("deployment_id", shell_complete=completion.deployments)
@options.standard
@pass_session
def capabilities(session: Session, deployment_id: str) -> None:
    """Show the capabilities of a deployment, as their values are now."""
    definitions = _get(session, deployment_id, "capabilities").get("capabilities") or {}
    values = session.client.deployments.capabilities(deployment_id)
    _show_values(session, "capabilities", deployment_id, definitions, values)


def _get(session: Session, deployment_id: str, *fields: str) -> Deployment:
    with session.finding("deployment", deployment_id):
        return session.client.deployments.get(deployment_id, fields=fields)


def _show_values(
    session: Session, noun: str, deployment_id: str, definitions: dict[str, Any], values: dict[str, Any]
) -> None:
    if session.out.as_json:
        session.out.json(
            {
                name: {"value": value, "description": definitions.get(name, {}).get("description")}
                for name, value in values.items()
            }
        )
        return
    shown = {}
    for name, value in values.items():
        description = definitions.get(name, {}).get("description")
        shown[f"{name} ({description})" if description else name] = value
    session.out.section(
        f"{noun.capitalize()} of deployment `{deployment_id}`:",
        shown,
        nothing=f"Deployment `{deployment_id}` has no {noun}.",
    )
