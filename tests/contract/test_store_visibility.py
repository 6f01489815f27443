"""What users see of executions and of what belongs to them, also once their deployment is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stored import NOW, TENANT, EventRecord, create, run, start

from cloudwright.errors import NotFound
from cloudwright.model.event import Event
from cloudwright.storage import (
    accounts,
    blueprints,
    deployments,
    events,
    manager_queries,
    operations,
    summaries,
    visibility,
)
from cloudwright.storage.executions import recorded
from cloudwright.storage.filters import BlueprintFilter, EventFilter, ExecutionFilter, OperationFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Blueprint, Deployment, Operation
from cloudwright.storage.resources import execution
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.visibility import Scope

OWN = frozenset({TENANT})
ANN, BEN = Scope("ann", OWN), Scope("ben", OWN)
MANAGER, ADMIN = Scope("max", OWN, OWN), Scope("root", None, None)
NOBODY = Scope("", OWN)

Seen = Callable[[Connection, Scope], set[str]]


def deploy(store: Store, id: str, visibility: str, by: str | None = "ann") -> None:
    row = Blueprint("b1", TENANT, visibility="tenant")
    if not store.read_sync(blueprints.list_blueprints, BlueprintFilter(ids=["b1"]), EVERYTHING)[0]:
        store.write_sync(blueprints.create, row, NOW)
    made = Deployment(id, "b1", TENANT, visibility=visibility, created_by=by)
    store.write_sync(deployments.create, made, [], [], NOW)


def executions_seen(conn: Connection, scope: Scope) -> set[str]:
    rows, _ = manager_queries.list_executions(conn, ExecutionFilter(scope), EVERYTHING)
    return {row.id for row in rows}


def of_events(conn: Connection, scope: Scope) -> set[str]:
    rows, _ = events.listing(EventFilter(scope)).read(conn, EventRecord, EVERYTHING)
    return {row.execution_id for row in rows}


def of_operations(conn: Connection, scope: Scope) -> set[str]:
    found = OperationFilter(tenant=scope, execution_id="e1")
    rows, _ = operations.listing(found).read(conn, Operation, EVERYTHING)
    return {row.execution_id for row in rows}


def located(conn: Connection, scope: Scope) -> set[str]:
    hidden = visibility.hidden(conn, scope, TENANT, [("executions", "e1"), ("operations", "o1")])
    return set() if len(hidden) == 2 else {"e1"} if not hidden else {"one of them"}


def counted(conn: Connection, scope: Scope) -> set[str]:
    groups, _ = summaries.count(conn, "executions", "workflow_id", None, scope, {}, EVERYTHING)
    return {"e1"} if groups else set()


EVERY_WAY: list[Seen] = [executions_seen, of_events, of_operations, located, counted]


def history(store: Store) -> None:
    """An execution of the deployment d1 with an operation and an event."""
    start(store)
    run(store, "o1")
    store.write_sync(events.add, [Event("e1", NOW, "whispered")])


@pytest.mark.parametrize("seen", EVERY_WAY)
@pytest.mark.parametrize("deleted", [False, True])
def test_the_history_of_a_private_deployment_is_private(store: Store, seen: Seen, deleted: bool) -> None:
    deploy(store, "d1", "private")
    history(store)
    if deleted:
        store.write_sync(deployments.delete, TENANT, "d1", force=True)
    for scope in (ANN, MANAGER, ADMIN):
        assert store.read_sync(seen, scope) == {"e1"}, scope
    for scope in (BEN, NOBODY):
        assert store.read_sync(seen, scope) == set(), scope


@pytest.mark.parametrize(
    ("then", "now", "seen"), [("private", "tenant", set()), ("tenant", "private", {"e1"})]
)
def test_a_later_deployment_of_the_same_id_changes_nothing_of_it(
    store: Store, then: str, now: str, seen: set[str]
) -> None:
    deploy(store, "d1", then)
    history(store)
    store.write_sync(deployments.delete, TENANT, "d1", force=True)
    deploy(store, "d1", now, by="zoe")
    create(store, "e2", force=True)
    both = {"e1", "e2"}
    assert store.read_sync(executions_seen, BEN) & {"e1"} == seen
    assert store.read_sync(executions_seen, Scope("zoe", OWN)) - {"e1"} == {"e2"}
    assert store.read_sync(executions_seen, ANN) & {"e1"} == {"e1"}
    assert store.read_sync(executions_seen, MANAGER) == both


def test_of_whom_it_was_may_not_be_known(store: Store) -> None:
    deploy(store, "d1", "private", by=None)
    history(store)
    store.write_sync(deployments.delete, TENANT, "d1", force=True)
    for scope in (ANN, BEN, NOBODY, Scope(None, OWN)):
        assert store.read_sync(executions_seen, scope) == set()
    assert store.read_sync(executions_seen, MANAGER) == {"e1"}


def test_it_does_not_become_the_next_users_of_that_name(store: Store) -> None:
    store.write_sync(accounts.create_user, "ann", "no hash", "default", NOW)
    deploy(store, "d1", "private")
    history(store)
    store.write_sync(deployments.delete, TENANT, "d1", force=True)
    store.write_sync(accounts.delete_user, "ann")
    assert store.read_sync(executions_seen, ANN) == set()
    assert store.read_sync(executions_seen, MANAGER) == {"e1"}


def test_a_record_says_that_it_is_private(store: Store) -> None:
    for id, whose in (("d1", "private"), ("d2", "tenant")):
        deploy(store, id, whose)
        create(store, f"of-{id}", id)
    for _ in range(2):
        assert '"visibility":"private"' in shown(store, "of-d1")
        assert '"visibility":"tenant"' in shown(store, "of-d2")
        for id in ("d1", "d2"):
            if store.read_sync(deployments.owners, TENANT, [id]):
                store.write_sync(deployments.delete, TENANT, id, force=True)


def shown(store: Store, id: str) -> str:
    return store.read_sync(execution.get_json, TENANT, id).replace(": ", ":")


def test_the_upload_of_a_private_blueprint_stays_private(store: Store) -> None:
    for id, whose in (("hidden", "private"), ("open", "tenant")):
        row = Blueprint(id, TENANT, visibility=whose, created_by="ann")
        store.write_sync(blueprints.create, row, NOW)
        upload = recorded.Recorded.UPLOAD_BLUEPRINT
        store.write_sync(
            recorded.record,
            upload,
            f"of-{id}",
            TENANT,
            blueprint_id=id,
            parameters={},
            by="ann",
            began=NOW,
            ended=NOW,
        )
    for _ in range(2):
        assert store.read_sync(executions_seen, BEN) == {"of-open"}
        assert store.read_sync(executions_seen, ANN) == {"of-open", "of-hidden"}
        for id in ("hidden", "open"):
            if store.read_sync(blueprints.list_blueprints, BlueprintFilter(ids=[id]), EVERYTHING)[1]:
                store.write_sync(blueprints.delete, TENANT, id)
    with pytest.raises(NotFound):
        store.read_sync(visibility.locate, BEN, TENANT, "executions", "of-hidden")
