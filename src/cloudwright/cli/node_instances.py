"""`cfy node-instances`: what was made from the nodes of deployments."""

from __future__ import annotations

import click

from cloudwright.cli import completion, options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

LIST_COLUMNS = columns(
    "id", "deployment_id=deployment?", "node_id=node?", "host_id=host?", "state", "created_by?"
)
GET_COLUMNS = columns(
    "id",
    "deployment_id=deployment",
    "node_id=node",
    "host_id=host",
    "state",
    "index",
    "version",
    "visibility",
    "tenant_name=tenant",
    "created_by",
)


@click.group("node-instances", cls=SuggestingGroup)
@options.shared
def node_instances() -> None:
    """Look at the node instances of deployments."""


@node_instances.command("list")
@options.deployment(required=False, help="Show node instances of this deployment only.")
@click.option("-n", "--node-name", metavar="NAME", help="Show instances of this node only.")
@options.sliced(sort="node_id")
@options.standard
@options.extended
@pass_session
def list_node_instances(
    session: Session, deployment_id: str | None, node_name: str | None, part: Slice
) -> None:
    """List node instances."""
    if deployment_id:
        with session.finding("deployment", deployment_id):
            session.client.deployments.get(deployment_id, fields=("id",))
    page = session.client.node_instances.list(part, deployment_id=deployment_id, node_id=node_name)
    where = f" of deployment `{deployment_id}`" if deployment_id else ""
    session.out.records(page.items, LIST_COLUMNS, noun="node instances", total=page.total, where=where)


@node_instances.command("get")
@click.argument("node_instance_id", shell_complete=completion.node_instances)
@options.standard
@options.extended
@pass_session
def get(session: Session, node_instance_id: str) -> None:
    """Show a node instance: its state, its runtime properties, what it is related to."""
    with session.finding("node instance", node_instance_id):
        instance = session.client.node_instances.get(node_instance_id)
    session.out.record(instance, GET_COLUMNS)
    if session.out.as_json:
        return
    session.out.section(
        "runtime properties",
        instance.get("runtime_properties") or {},
        nothing="It has no runtime properties.",
    )
    related = {item["target_id"]: item["type"] for item in instance.get("relationships") or []}
    session.out.section("relationships", related, nothing="It is related to no other.")
