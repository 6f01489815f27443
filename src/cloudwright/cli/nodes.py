"""`cfy nodes`: the nodes of deployments."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.failure import Failure
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.summaries import summary_of
from cloudwright.client.records import Slice

LIST_COLUMNS = columns(
    "id",
    "deployment_id=deployment",
    "blueprint_id=blueprint?",
    "host_id=host?",
    "type",
    "actual_number_of_instances=instances",
    "actual_planned_number_of_instances=planned",
)
GET_COLUMNS = [
    *LIST_COLUMNS,
    *columns("type_hierarchy", "visibility", "tenant_name=tenant", "created_by"),
]
OPERATION_COLUMNS = columns("name", "plugin", "operation=implementation", "executor", "inputs")


@click.group(cls=SuggestingGroup)
@options.shared
def nodes() -> None:
    """Look at the nodes of deployments."""


nodes.add_command(summary_of("nodes"))


@nodes.command("list")
@options.deployment(required=False, help="Show nodes of this deployment only.")
@click.option(
    "--evaluate-functions", is_flag=True, help="Evaluate the intrinsic functions in their properties."
)
@options.sliced(sort="deployment_id")
@options.standard
@options.extended
@pass_session
def list_nodes(session: Session, deployment_id: str | None, evaluate_functions: bool, part: Slice) -> None:
    """List nodes."""
    if deployment_id:
        with session.finding("deployment", deployment_id):
            session.client.deployments.get(deployment_id, fields=("id",))
    page = session.client.nodes.list(part, deployment_id=deployment_id, evaluate_functions=evaluate_functions)
    where = f" of deployment `{deployment_id}`" if deployment_id else ""
    session.out.records(page.items, LIST_COLUMNS, noun="nodes", total=page.total, where=where)


@nodes.command("get")
@click.argument("node_id")
@options.deployment(required=True)
@click.option(
    "--evaluate-functions", is_flag=True, help="Evaluate the intrinsic functions in its properties."
)
@options.standard
@options.extended
@pass_session
def get(session: Session, node_id: str, deployment_id: str, evaluate_functions: bool) -> None:
    """Show a node of a deployment: its properties, its operations, its instances."""
    with session.finding("deployment", deployment_id):
        session.client.deployments.get(deployment_id, fields=("id",))
    page = session.client.nodes.list(
        deployment_id=deployment_id, node_id=node_id, evaluate_functions=evaluate_functions
    )
    if not page.items:
        raise Failure(
            f"Deployment `{deployment_id}` has no node `{node_id}`.",
            f"`cfy nodes list -d {deployment_id}` shows what exists.",
        )
    node = page.items[0]
    instances = session.client.node_instances.list(deployment_id=deployment_id, node_id=node_id)
    names = [instance["id"] for instance in instances.items]
    if session.out.as_json:
        session.out.json({**node, "instances": names})
        return
    session.out.record(node, GET_COLUMNS)
    session.out.section("properties", node.get("properties") or {}, nothing="It has no properties.")
    session.out.line("")
    rows = [
        {**details, "name": name}
        for name, details in (node.get("operations") or {}).items()
        # Each is there by its short name too, and most do nothing.
        if "." in name and details.get("operation")
    ]
    session.out.records(rows, OPERATION_COLUMNS, noun="operations", where=f" of node `{node_id}`")
    session.out.line("")
    session.out.fields({"node instances": ", ".join(names) or "none"})
