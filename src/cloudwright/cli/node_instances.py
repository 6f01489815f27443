"""`cfy node-instances`: what was made from the nodes of deployments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.formatting import columns, value_text
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.summaries import summary_of
from cloudwright.client.records import Slice

LIST_COLUMNS = columns(
    "id", "deployment_id=deployment?", "node_id=node?", "host_id=host?", "state", "health", "created_by?"
)
GET_COLUMNS = columns(
    "id",
    "deployment_id=deployment",
    "node_id=node",
    "host_id=host",
    "state",
    "health",
    "index",
    "version",
    "visibility",
    "tenant_name=tenant",
    "created_by",
)


#: What the last checks say of an instance.
OK, ILL, DRIFTED, UNKNOWN = "ok", "ill", "drifted", "unknown"


def health(instance: Mapping[str, Any], *, at_length: bool = False) -> str:
    """Return what the last checks say, and why if ``at_length``; nothing if there was none."""
    known = instance.get("system_properties") or {}
    status = known.get("status") or {}
    unknown = known.get("status_unknown")
    if not instance.get("is_status_check_ok", True):
        word, why = ILL, status.get("result")
    elif instance.get("has_configuration_drift"):
        word, why = DRIFTED, (known.get("configuration_drift") or {}).get("result")
    elif unknown:
        word, why = UNKNOWN, unknown.get("reason")
    else:
        return OK if status.get("task") else ""
    return f"{word}: {value_text(why)}" if at_length and why else word


def _with_health(instance: Mapping[str, Any], *, at_length: bool = False) -> dict[str, Any]:
    return {**instance, "health": health(instance, at_length=at_length)}


@click.group("node-instances", cls=SuggestingGroup)
@options.shared
def node_instances() -> None:
    """Look at the node instances of deployments."""


node_instances.add_command(summary_of("node_instances"))


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
    items = page.items if session.out.as_json else [_with_health(item) for item in page.items]
    session.out.records(items, LIST_COLUMNS, noun="node instances", total=page.total, where=where)


@node_instances.command("get")
@click.argument("node_instance_id", shell_complete=completion.node_instances)
@options.standard
@options.extended
@pass_session
def get(session: Session, node_instance_id: str) -> None:
    """Show a node instance: its state, its runtime properties, what it is related to."""
    with session.finding("node instance", node_instance_id):
        instance = session.client.node_instances.get(node_instance_id)
    if session.out.as_json:
        session.out.record(instance, GET_COLUMNS)
        return
    session.out.record(_with_health(instance, at_length=True), GET_COLUMNS)
    session.out.section(
        "runtime properties",
        instance.get("runtime_properties") or {},
        nothing="It has no runtime properties.",
    )
    related = {item["target_id"]: item["type"] for item in instance.get("relationships") or []}
    session.out.section("relationships", related, nothing="It is related to no other.")
