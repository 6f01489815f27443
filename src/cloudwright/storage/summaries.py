"""How many resources there are for each value of a field, and for each pair of values of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from cloudwright.errors import InvalidInput
from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage.columns import is_
from cloudwright.storage.deployment_states import DEPLOYMENT_STATUS, INSTALLATION_STATUS
from cloudwright.storage.paging import Page
from cloudwright.storage.resources.expressions import JsonText, constant
from cloudwright.storage.schema import (
    blueprints,
    deployments,
    execution_schedules,
    executions,
    node_instances,
    nodes,
)
from cloudwright.storage.visibility import Tenancy, seen

Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Group:
    """The resources that have ``value`` in a field; ``parts`` are numbers by the values of another field."""

    value: Any
    count: int
    parts: Sequence[tuple[Any, int]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """Where the resources are, joined to what says more of each, and the fields to count by."""

    rows: FromClause
    tenant: Column
    fields: Mapping[str, Column] = field(default_factory=dict)


def _in_deployment(table: FromClause) -> FromClause:
    its = deployments.c.tenant == table.c.tenant, deployments.c.id == table.c.deployment_id
    return table.join(deployments, and_(*its))


def _fields(table: FromClause, *names: str, **more: Column) -> dict[str, Column]:
    return {**{name: table.c[name] for name in names}, "tenant_name": table.c.tenant, **more}


_OF_EXECUTION = (
    deployments.c.tenant == executions.c.tenant,
    deployments.c.id == executions.c.deployment_id,
    not_(executions.c.deployment_gone),
)
_STATUS_DISPLAY = case(
    (is_(executions.c.status, ExecutionStatus.TERMINATED), constant("completed")), else_=executions.c.status
)
_SOURCES: Mapping[str, _Source] = {
    "blueprints": _Source(blueprints, blueprints.c.tenant, _fields(blueprints, "visibility", "state")),
    "deployments": _Source(
        deployments,
        deployments.c.tenant,
        _fields(
            deployments,
            "blueprint_id",
            "visibility",
            "site_name",
            deployment_status=DEPLOYMENT_STATUS,
            installation_status=INSTALLATION_STATUS,
        ),
    ),
    "executions": _Source(
        executions.outerjoin(deployments, and_(*_OF_EXECUTION)),
        executions.c.tenant,
        _fields(
            executions,
            "status",
            "blueprint_id",
            "deployment_id",
            "workflow_id",
            execution_group_id=executions.c.group_id,
            status_display=_STATUS_DISPLAY,
            visibility=func.coalesce(deployments.c.visibility, constant("tenant")),
        ),
    ),
    "nodes": _Source(
        _in_deployment(nodes),
        nodes.c.tenant,
        _fields(nodes, "deployment_id", visibility=deployments.c.visibility),
    ),
    "execution_schedules": _Source(
        _in_deployment(execution_schedules),
        execution_schedules.c.tenant,
        _fields(
            execution_schedules,
            "deployment_id",
            "workflow_id",
            recurrence=JsonText(execution_schedules.c.rule, "recurrence"),
            visibility=deployments.c.visibility,
        ),
    ),
    "node_instances": _Source(
        _in_deployment(node_instances),
        node_instances.c.tenant,
        _fields(
            node_instances,
            "deployment_id",
            "node_id",
            "state",
            "host_id",
            "index",
            visibility=deployments.c.visibility,
        ),
    ),
}
#: The fields that each resource is counted by.
FIELDS: Mapping[str, tuple[str, ...]] = {name: tuple(source.fields) for name, source in _SOURCES.items()}


def count(
    conn: Connection,
    resource: str,
    target: str,
    part: str | None,
    tenant: Tenancy,
    narrowed: Mapping[str, Sequence[str]],
    page: Page,
) -> tuple[list[Group], int]:
    """Return a page of the groups by the field ``target``, ordered by its values, and how many there are.

    ``narrowed`` are values of fields, of which resources have one each. Raises InvalidInput for a field that
    is not counted by.
    """
    source = _SOURCES[resource]
    column = _field(resource, target)
    conditions: list[ColumnElement[bool]] = [
        _field(resource, name).in_(list(values)) for name, values in narrowed.items()
    ]
    conditions += seen(tenant, source.tenant.table)
    groups = _grouped(source, conditions, [column.label("target")])
    ordered = groups.order_by(*_in_order(column)).limit(page.size).offset(page.offset or None)
    found = [(value, number) for value, number in conn.execute(ordered)]
    total = conn.scalar(select(func.count()).select_from(groups.subquery())) or 0
    if part is None or not found:
        return [Group(value, number) for value, number in found], total
    values = [value for value, _ in found]
    these = or_(column.in_([value for value in values if value is not None]), _none(column, values))
    parts: dict[Any, list[tuple[Any, int]]] = {value: [] for value in values}
    other = _field(resource, part)
    inner = _grouped(source, [*conditions, these], [column.label("target"), other.label("part")])
    for value, inner_value, number in conn.execute(inner.order_by(*_in_order(other))):
        parts[value].append((inner_value, number))
    return [Group(value, number, parts[value]) for value, number in found], total


def _grouped(source: _Source, conditions: Sequence[Column], columns: Sequence[Column]) -> Select[Any]:
    by: list[Column] = [literal_column(str(place + 1)) for place in range(len(columns))]
    return select(*columns, func.count()).select_from(source.rows).where(*conditions).group_by(*by)


def _in_order(column: Column) -> tuple[Column, Column]:
    """Nothing is first, whatever the database thinks of it."""
    return case((column.is_(None), literal_column("0")), else_=literal_column("1")), column


def _none(column: Column, values: Sequence[Any]) -> Column:
    return column.is_(None) if None in values else literal_column("1") == literal_column("0")


def _field(resource: str, name: str) -> Column:
    fields = _SOURCES[resource].fields
    if name not in fields:
        raise InvalidInput(
            f"A summary of {resource} has no field `{name[:200]}`; it has: {', '.join(sorted(fields))}."
        )
    return fields[name]
