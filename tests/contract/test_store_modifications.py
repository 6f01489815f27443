"""Modifications of deployments end with their executions, and what is listed is what is there."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from stored import NOW, TENANT, at, deploy, start

from cloudwright.errors import Conflict, StaleTerm
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.modification import Modification, ModificationStatus
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import deployments, instances, modifications
from cloudwright.storage.executions import admission, cancellation, ending
from cloudwright.storage.modifications import ModificationEnded, ModificationGoingOn
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Store

S = ModificationStatus
ADDED = ["n1_x", "n1_y"]


def new(id: str = "m1", execution: str | None = "e1", *, removed: tuple[str, ...] = ()) -> Modification:
    return Modification(
        id,
        TENANT,
        "d1",
        S.STARTED,
        {"n1": {"instances": 4 - 2 * len(removed)}},
        [] if removed else [asdict(NodeInstance(name, "n1", "d1", index=9)) for name in ADDED],
        list(removed),
        {},
        [],
        [],
        execution_id=execution,
        step=None if execution is None else 1,
    )


def begin(store: Store, modification: Modification, term: int | None = 1) -> Modification:
    return store.write_sync(modifications.start, modification, ids(store), term=term, now=NOW)


def ids(store: Store) -> list[str]:
    return [one.id for one in store.read_sync(instances.node_instances, TENANT, "d1")]


def set_state(store: Store, id: str, state: str) -> None:
    store.write_sync(instances.set_states, TENANT, "d1", [(id, state)])


def planned(store: Store) -> tuple[int, int]:
    row = store.read_sync(deployments.get_node, TENANT, "d1", "n1")
    return row.instances, row.planned_instances


@pytest.fixture
def going_on(store: Store) -> Store:
    deploy(store)
    start(store)
    begin(store, new())
    return store


def test_what_is_added_is_there_at_once(going_on: Store) -> None:
    assert ids(going_on) == ["n1_a", "n1_b", *ADDED]
    assert planned(going_on) == (4, 4)
    assert going_on.write_sync(modifications.finish, TENANT, "m1", at(1)).status is S.FINISHED
    assert planned(going_on) == (4, 4)
    again = going_on.write_sync(modifications.finish, TENANT, "m1", at(2))
    assert again.ended_at == at(1)
    with pytest.raises(ModificationEnded, match="it is `finished`"):
        going_on.write_sync(modifications.rollback, TENANT, "m1", at(2))


def test_two_at_once_are_refused_with_the_command_that_stops_the_other(going_on: Store) -> None:
    with pytest.raises(ModificationGoingOn, match=r"`m1` is `started`.*`cfy executions cancel e1`"):
        begin(going_on, new("m2"))


def test_only_the_owner_of_an_execution_modifies(store: Store) -> None:
    deploy(store)
    start(store)
    with pytest.raises(StaleTerm):
        begin(store, new(), term=7)
    store.write_sync(cancellation.request_cancel, "e1", CancelMode.FORCE, by="eve", now=NOW)
    with pytest.raises(StaleTerm):
        begin(store, new())
    assert len(ids(store)) == 2


def test_a_plan_for_other_instances_is_refused(store: Store) -> None:
    deploy(store)
    start(store)
    with pytest.raises(Conflict, match="have changed meanwhile"):
        store.write_sync(modifications.start, new(), ["n1_a"], term=1, now=NOW)


def test_a_rollback_leaves_what_is_live(going_on: Store) -> None:
    set_state(going_on, "n1_x", "starting")
    ended = going_on.write_sync(modifications.rollback, TENANT, "m1", at(1), "it broke")
    assert (ended.status, ended.reason) == (S.FAILED, "it broke. Left behind: n1_x.")
    assert ids(going_on) == ["n1_a", "n1_b", "n1_x"]
    assert planned(going_on) == (3, 3)


@pytest.mark.parametrize(("outcome", "status"), [(Outcome.FAILED, S.FAILED), (Outcome.TERMINATED, S.FAILED)])
def test_it_ends_with_its_execution(going_on: Store, outcome: Outcome, status: ModificationStatus) -> None:
    set_state(going_on, "n1_x", "creating")
    going_on.write_sync(ending.finish, "e1", 1, outcome, now=at(1))
    ended = going_on.read_sync(modifications.get, TENANT, "m1")
    assert (ended.status, ended.ended_at) == (status, at(1))
    assert ids(going_on) == ["n1_a", "n1_b", "n1_x"]
    assert planned(going_on) == (3, 3)
    start(going_on, "e2")
    begin(going_on, new("m2", "e2", removed=("n1_x",)))


def test_a_resume_takes_it_up_with_the_same_instances(going_on: Store) -> None:
    set_state(going_on, "n1_x", "created")
    going_on.write_sync(cancellation.request_cancel, "e1", CancelMode.CANCEL, by="eve", now=NOW)
    going_on.write_sync(ending.finish, "e1", 1, Outcome.CANCELLED, now=at(1))
    assert going_on.read_sync(modifications.get, TENANT, "m1").status is S.CANCELLED
    assert ids(going_on) == ["n1_a", "n1_b", "n1_x"]
    going_on.write_sync(admission.resume, "e1", by="eve", now=at(2))
    taken_up = going_on.read_sync(modifications.of_step, "e1", 1)
    assert taken_up is not None
    assert (taken_up.id, taken_up.status, taken_up.ended_at) == ("m1", S.STARTED, None)
    assert ids(going_on) == ["n1_a", "n1_b", *ADDED]
    assert going_on.read_sync(instances.get_instance, TENANT, "n1_x").state == "created"
    assert planned(going_on) == (4, 4)


def test_of_what_was_to_go_only_what_is_deleted_goes(store: Store) -> None:
    deploy(store)
    start(store)
    begin(store, new(removed=("n1_a", "n1_b")))
    assert planned(store) == (2, 0)
    set_state(store, "n1_a", "deleted")
    set_state(store, "n1_b", "deleting")
    store.write_sync(ending.finish, "e1", 1, Outcome.FAILED, now=at(1))
    assert ids(store) == ["n1_b"]
    assert planned(store) == (1, 1)


def test_one_without_an_execution_is_listed_until_it_is_ended(store: Store) -> None:
    deploy(store)
    begin(store, new(execution=None), term=None)
    rows, total = store.read_sync(
        modifications.list_modifications, TENANT, EVERYTHING, deployment_ids=["d1"], statuses=["started"]
    )
    assert (total, rows[0].id) == (1, "m1")
    with pytest.raises(ModificationGoingOn, match="/deployment-modifications/m1/rollback"):
        begin(store, new("m2", None), term=None)
    assert store.write_sync(modifications.rollback, TENANT, "m1", at(1)).status is S.ROLLEDBACK
    assert ids(store) == ["n1_a", "n1_b"]
