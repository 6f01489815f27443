"""`cfy NOUN summary`: how many there are for each value of a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.session import Session, pass_session

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "blueprints": ("tenant_name", "visibility", "state"),
    "deployments": (
        "blueprint_id",
        "deployment_status",
        "installation_status",
        "site_name",
        "tenant_name",
        "visibility",
    ),
    "executions": (
        "blueprint_id",
        "deployment_id",
        "status",
        "status_display",
        "tenant_name",
        "visibility",
        "workflow_id",
    ),
    "nodes": ("deployment_id", "tenant_name", "visibility"),
    "node_instances": (
        "deployment_id",
        "host_id",
        "index",
        "node_id",
        "state",
        "tenant_name",
        "visibility",
    ),
}


def summary_of(resource: str) -> click.Command:
    """Return the command that counts the records of a resource."""
    fields = click.Choice(_FIELDS[resource])
    noun = resource.replace("_", " ")

    @click.command(
        "summary",
        help=f"Count {noun} by the values of a field, and by those of another field within it.\n\n"
        f"The fields are: {', '.join(_FIELDS[resource])}.",
    )
    @click.argument("target_field", type=fields, metavar="FIELD")
    @click.argument("sub_field", type=fields, required=False, metavar="[FIELD]")
    @options.all_tenants
    @options.standard
    @options.extended
    @pass_session
    def summary(session: Session, target_field: str, sub_field: str | None, all_tenants: bool) -> None:
        found = session.client.administration.summary(
            resource, target_field, sub_field, all_tenants=all_tenants
        )
        names = [target_field, *([sub_field] if sub_field else []), resource]
        rows = _rows(found, target_field, sub_field, resource, None if session.out.as_json else "TOTAL")
        session.out.records(rows, columns(*names), noun=noun)

    return summary


def _rows(
    found: Sequence[Mapping[str, Any]], target: str, part: str | None, resource: str, total: str | None
) -> list[dict[str, Any]]:
    """Return a row for each pair of values and, of each first one, a row of the total."""
    if part is None:
        return [dict(group) for group in found]
    rows: list[dict[str, Any]] = []
    for group in found:
        rows += [{target: group[target], **inner} for inner in group[f"by {part}"]]
        rows.append({target: group[target], part: total, resource: group[resource]})
    return rows
