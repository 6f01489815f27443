"""Modifications of deployments: started, and ended together with what their end means for the instances.

A modification is going on for as long as its execution is: whatever ends the execution ends it, in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from cloudwright.errors import Conflict, IllegalAction, NotFound, StaleTerm
from cloudwright.model.execution import GRANTING_STATUSES
from cloudwright.model.modification import GONE, REOPENABLE, Modification, ModificationStatus, counts
from cloudwright.model.topology import DELETED, NodeInstance, RelationshipInstance
from cloudwright.storage import node_counts
from cloudwright.storage.columns import is_
from cloudwright.storage.instances import add_instances, node_instances
from cloudwright.storage.locks import hold, lock_deployment
from cloudwright.storage.paging import Page, columns_of, one_of, read_page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.schema import deployment_modifications as table
from cloudwright.storage.schema import node_instances as instance_rows
from cloudwright.storage.visibility import Tenancy, seen

M = ModificationStatus
_EXECUTION_OVER = "Its execution ended before it"
_SELECT = select(*columns_of(Modification, table))
_GET = Prepared(_SELECT.where(table.c.id == bindparam("modification")))
_STEP = Prepared(
    _SELECT.where(
        table.c.execution_id == bindparam("execution"),
        table.c.step == bindparam("number"),
    )
    .order_by(table.c.created_at.desc())
    .limit(1)
)
_OF_EXECUTION = Prepared(_SELECT.where(table.c.execution_id == bindparam("execution")))
_GOING_ON = Prepared(
    select(table.c.id, table.c.execution_id).where(
        table.c.tenant == bindparam("of_tenant"),
        table.c.deployment_id == bindparam("deployment"),
        is_(table.c.status, M.STARTED),
    )
)
_HAS_SOME = Prepared(
    select(table.c.id)
    .where(table.c.execution_id == bindparam("execution"), is_(table.c.status, M.STARTED))
    .limit(1)
)
_SORTABLE: dict[str, ColumnElement[Any]] = {
    name: table.c[name] for name in ("id", "deployment_id", "status", "created_at", "ended_at", "created_by")
}


class ModificationGoingOn(IllegalAction):
    """Another modification of the deployment is going on."""

    code = "existing_started_deployment_modification_error"


class ModificationEnded(IllegalAction):
    """The modification has ended another way."""

    code = "deployment_modification_already_ended_error"


def get(conn: Connection, tenant: str, id: str) -> Modification:
    """Raises NotFound."""
    row = _GET.first(conn, modification=id)
    if row is None or row[1] != tenant:
        raise NotFound(f"There is no deployment modification `{id}` in tenant `{tenant}`.")
    return Modification(*row)


def of_step(conn: Connection, execution_id: str, step: int) -> Modification | None:
    """Return the latest modification that the execution started as its step of that number."""
    row = _STEP.first(conn, execution=execution_id, number=step)
    return None if row is None else Modification(*row)


def list_modifications(
    conn: Connection,
    tenant: Tenancy,
    page: Page,
    *,
    deployment_ids: Collection[str] | None = None,
    statuses: Collection[str] | None = None,
) -> tuple[list[Modification], int]:
    conditions = one_of(
        {
            table.c.deployment_id: deployment_ids,
            table.c.status: None if statuses is None else [M(status) for status in statuses],
        }
    )
    return read_page(
        conn,
        _SELECT.where(*seen(tenant, table), *conditions),
        Modification,
        page,
        sortable=_SORTABLE,
        default=(table.c.created_at,),
        unique=(table.c.id,),
    )


def start(
    conn: Connection, new: Modification, expected: Collection[str], *, term: int | None, now: datetime
) -> Modification:
    """Store a modification, with its new instances and relationships.

    ``expected`` are the instances that it was planned for, ``term`` that of its execution's owner. Raises
    Conflict if there are others by now, ModificationGoingOn, and StaleTerm.
    """
    lock_deployment(conn, new.tenant, new.deployment_id)
    if term is not None:
        check_owner(conn, str(new.execution_id), term)
    other = _GOING_ON.first(conn, of_tenant=new.tenant, deployment=new.deployment_id)
    if other is not None:
        raise ModificationGoingOn(_going_on(new.deployment_id, *other))
    present = conn.scalars(
        select(instance_rows.c.id).where(
            instance_rows.c.tenant == new.tenant, instance_rows.c.deployment_id == new.deployment_id
        )
    ).all()
    if set(present) != set(expected):
        raise Conflict(f"The instances of deployment `{new.deployment_id}` have changed meanwhile.")
    values = {field.name: getattr(new, field.name) for field in fields(new)} | {"created_at": now}
    conn.execute(insert(table), values)
    _add(conn, new)
    return get(conn, new.tenant, new.id)


def check_owner(conn: Connection, execution_id: str, term: int) -> None:
    """Raise StaleTerm unless the execution may change things under this term."""
    held = hold(conn, execution_id)
    if held is None or held.term != term or held.status not in GRANTING_STATUSES:
        raise StaleTerm(
            f"Execution `{execution_id}` changes nothing any more: it was forced to end, or another manager "
            f"than that of term {term} owns it."
        )


def finish(conn: Connection, tenant: str, id: str, now: datetime) -> Modification:
    """End a modification whose work is done: what was to be removed is removed.

    Raises NotFound, and ModificationEnded if it has ended otherwise; one that is finished stays so.
    """
    modification = _hold(conn, tenant, id, M.FINISHED)
    if modification.status is M.FINISHED:
        return modification
    going = set(modification.removed)
    _remove(conn, modification, going)
    staying = {one.id for one in _instances(conn, modification)}
    for related, relationships in modification.related.items():
        kept = [entry for entry in relationships if entry["target_id"] in staying]
        _relate(conn, modification, related, kept)
    return _end(conn, modification, M.FINISHED, None, now)


def rollback(
    conn: Connection, tenant: str, id: str, now: datetime, reason: str | None = None
) -> Modification:
    """End a modification by taking it back: instances that it added are removed unless they are live.

    Raises NotFound, and ModificationEnded if it has ended otherwise.
    """
    modification = _hold(conn, tenant, id, M.ROLLEDBACK)
    if modification.status is M.ROLLEDBACK:
        return modification
    gone, left = _outcome(conn, modification)
    _remove(conn, modification, gone)
    taken = gone & set(modification.removed)
    status = M.FAILED if left or taken else M.ROLLEDBACK
    if left:
        reason = f"{reason or 'It was rolled back'}. Left behind: {', '.join(sorted(left))}."
    return _end(conn, modification, status, reason, now)


def end_of_execution(conn: Connection, execution_id: str, *, cancelled: bool, now: datetime) -> None:
    """End what the execution has not ended itself, for it is over."""
    if _HAS_SOME.first(conn, execution=execution_id) is None:
        return
    status = M.CANCELLED if cancelled else M.FAILED
    for row in _OF_EXECUTION.all(conn, execution=execution_id):
        modification = Modification(*row)
        if modification.is_going_on:
            gone, _ = _outcome(conn, modification)
            _remove(conn, modification, gone)
            _end(conn, modification, status, _EXECUTION_OVER, now)


def reopen(conn: Connection, execution_id: str) -> None:
    """Take up again what the end of the execution had ended, for it is resumed."""
    for row in _OF_EXECUTION.all(conn, execution=execution_id):
        modification = Modification(*row)
        if modification.status not in REOPENABLE or modification.reason != _EXECUTION_OVER:
            continue
        values = {"status": M.STARTED, "ended_at": None, "reason": None}
        conn.execute(update(table).where(table.c.id == modification.id).values(values))
        _add(conn, modification)


def _hold(conn: Connection, tenant: str, id: str, wanted: ModificationStatus) -> Modification:
    modification = get(conn, tenant, id)
    lock_deployment(conn, tenant, modification.deployment_id)
    modification = get(conn, tenant, id)
    if modification.status not in (M.STARTED, wanted):
        raise ModificationEnded(
            f"Deployment modification `{id}` has ended already: it is `{modification.status}`, and cannot "
            f"become `{wanted}`."
        )
    return modification


def _going_on(deployment_id: str, id: str, execution_id: str | None) -> str:
    said = f"Deployment `{deployment_id}` is being modified: deployment modification `{id}` is `started`"
    if execution_id is None:
        return f"{said}. End it with `POST /deployment-modifications/{id}/rollback` or `/finish`."
    return (
        f"{said}, by execution `{execution_id}`. Wait until that is over, or stop it: "
        f"`cfy executions cancel {execution_id}`."
    )


def _instances(conn: Connection, modification: Modification) -> list[NodeInstance]:
    return node_instances(conn, modification.tenant, modification.deployment_id)


def _outcome(conn: Connection, modification: Modification) -> tuple[set[str], set[str]]:
    """Return which instances of an interrupted modification are gone or were never created, and which of
    those that it added are there.
    """
    states = {one.id: one.state for one in _instances(conn, modification)}
    added = {one["id"] for one in modification.added} & states.keys()
    gone = {id for id in added if states[id] in GONE}
    gone |= {id for id in modification.removed if states.get(id) == DELETED}
    return gone, added - gone


def _add(conn: Connection, modification: Modification) -> None:
    """Add what of the new instances is not there, with all relationships, and say how many there will be."""
    present = {one.id: one for one in _instances(conn, modification)}
    missing = [NodeInstance(**one) for one in modification.added if one["id"] not in present]
    add_instances(conn, modification.tenant, missing)
    added = {one["id"] for one in modification.added}
    for id, wanted in modification.related.items():
        if id in present:
            gained = [entry for entry in wanted if entry["target_id"] in added]
            kept = [entry for entry in present[id].relationships if entry["target_id"] not in added]
            if gained:
                _relate(conn, modification, id, _in_order(wanted, [*kept, *gained]))
    planned = {name: int(change["instances"]) for name, change in modification.modified_nodes.items()}
    node_counts.put(conn, modification.tenant, modification.deployment_id, planned, planned_only=True)


def _in_order(
    wanted: Sequence[RelationshipInstance], entries: list[RelationshipInstance]
) -> list[RelationshipInstance]:
    """Return the entries as ``wanted`` orders them, those that it does not have last."""
    places = {(entry["type"], entry["target_id"]): place for place, entry in enumerate(wanted)}
    return sorted(entries, key=lambda entry: places.get((entry["type"], entry["target_id"]), len(places)))


def _relate(
    conn: Connection, modification: Modification, id: str, relationships: list[RelationshipInstance]
) -> None:
    conn.execute(
        update(instance_rows)
        .where(instance_rows.c.tenant == modification.tenant, instance_rows.c.id == id)
        .values(relationships=relationships)
    )


def _remove(conn: Connection, modification: Modification, ids: Collection[str]) -> None:
    """Remove instances, and the relationships of others with them."""
    if not ids:
        return
    for one in _instances(conn, modification):
        if one.id in ids:
            conn.execute(
                delete(instance_rows).where(
                    instance_rows.c.tenant == modification.tenant, instance_rows.c.id == one.id
                )
            )
        elif any(entry["target_id"] in ids for entry in one.relationships):
            kept = [entry for entry in one.relationships if entry["target_id"] not in ids]
            _relate(conn, modification, one.id, kept)


def _end(
    conn: Connection,
    modification: Modification,
    status: ModificationStatus,
    reason: str | None,
    now: datetime,
) -> Modification:
    tenant, deployment_id = modification.tenant, modification.deployment_id
    conn.execute(
        update(table).where(table.c.id == modification.id).values(status=status, reason=reason, ended_at=now)
    )
    plan = node_counts.nodes_of(conn, tenant, deployment_id)
    found = counts(plan, _instances(conn, modification), modification.modified_nodes)
    node_counts.put(conn, tenant, deployment_id, found, planned_only=False)
    return get(conn, tenant, modification.id)


def as_rows(instances: Iterable[NodeInstance]) -> list[dict[str, Any]]:
    """Return instances as a modification keeps them: without what plugins stored, which is theirs."""
    return [asdict(replace(instance, runtime_properties={}, system_properties={})) for instance in instances]
