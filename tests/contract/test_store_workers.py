"""Workers on other machines: their sessions, what may begin there, and kills that could not reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from stored import NOW, TENANT, at, send, start

from cloudwright.errors import Conflict, NotFound
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.operation import OperationState
from cloudwright.storage import manager_queries, operations, workers
from cloudwright.storage.executions import cancellation, ending
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Store
from cloudwright.storage.workers import WorkerRow

FACTS: Mapping[str, Any] = {"machine": "m", "life": "one", "manager": "m1", "capacity": 3}
KEY = "e1", 1, "o1", 1


def make(store: Store, name: str = "host_1", tenant: str = TENANT, **more: Any) -> WorkerRow:
    empty = dict.fromkeys(("token_hash", "machine", "life", "manager", "last_seen", "version", "protocol"))
    facts: dict[str, Any] = {
        **empty,
        **dict.fromkeys(("system", "ip", "created_by")),
        "name": name,
        "tenant": tenant,
        "kind": "agent",
        "deployment_id": "d1",
        "node_id": "host",
        "host_id": name,
        "install_method": "provided",
        "session": 0,
        "state": workers.CREATED,
        "state_since": NOW,
        "capacity": 10,
        "labels": {"zone": "a"},
        "created_at": NOW,
    }
    return store.write_sync(workers.create, WorkerRow(**{**facts, **more}))


def connect(store: Store, name: str = "host_1") -> int:
    return store.write_sync(workers.connect, name, FACTS, at(1)).session


def granted(store: Store) -> int:
    """Have an operation that was granted to the worker; returns the session."""
    make(store)
    session = connect(store)
    start(store)
    send(store, "o1")
    assert store.write_sync(operations.grant, [KEY], "host_1", at(2)) == {"o1"}
    return session


def may_begin(store: Store, session: int, *, aware: bool = False, **other: Any) -> bool:
    key = other.get("key", KEY)
    return store.write_sync(workers.may_begin, key, other.get("worker", "host_1"), session, aware=aware)


def test_a_worker_is_stored_and_found(store: Store) -> None:
    row = make(store)
    assert store.read_sync(workers.get, "host_1") == row
    assert store.read_sync(workers.of_host, TENANT, "host_1") == row
    assert store.read_sync(workers.of_host, "other", "host_1") is None
    with pytest.raises(NotFound):
        store.read_sync(workers.get_in, "other", "host_1")
    with pytest.raises(Conflict):
        make(store)
    make(store, "host_2", "other")
    names = {"state": [workers.CREATED]}
    found, total = store.read_sync(workers.list_workers, TENANT, names, None, EVERYTHING)
    assert ([one.name for one in found], total) == (["host_1"], 1)
    found, total = store.read_sync(workers.list_workers, None, {}, "ost_2", EVERYTHING)
    assert ([one.name for one in found], total) == (["host_2"], 1)
    assert {one.name for one in store.read_sync(workers.everything)} == {"host_1", "host_2"}
    store.write_sync(workers.delete, "host_1", at(9))
    with pytest.raises(NotFound):
        store.read_sync(workers.get, "host_1")


def test_one_that_may_live_is_known_after_it_was_deleted(store: Store) -> None:
    make(store, token_hash="h")
    connect(store)
    store.write_sync(workers.delete_of_deployment, TENANT, "d1", at(9))
    assert store.read_sync(workers.everything) == []
    assert store.read_sync(workers.list_workers, None, {}, None, EVERYTHING) == ([], 0)
    assert store.read_sync(workers.of_host, TENANT, "host_1") is None
    kept = store.read_sync(workers.of_token, "h")
    assert kept is not None
    assert (kept.state, kept.state_since) == (workers.DELETED, at(9))
    make(store, token_hash="other")


def test_only_the_last_session_counts(store: Store) -> None:
    make(store)
    first, second = connect(store), connect(store)
    assert second == first + 1
    assert not store.write_sync(workers.set_state, "host_1", first, workers.UNREACHABLE, at(5), at(4))
    row = store.read_sync(workers.get, "host_1")
    assert (row.state, row.life, row.capacity) == (workers.CONNECTED, "one", 3)
    assert store.write_sync(workers.set_state, "host_1", second, workers.UNREACHABLE, at(5), at(4))
    row = store.read_sync(workers.get, "host_1")
    assert (row.state, row.state_since, row.last_seen) == (workers.UNREACHABLE, at(5), at(4))


def test_an_operation_may_begin_where_it_was_granted_while_nothing_was_asked(store: Store) -> None:
    session = granted(store)
    assert may_begin(store, session)
    assert not may_begin(store, session + 1)
    assert not may_begin(store, session, key=("e1", 1, "o1", 2))
    assert not may_begin(store, session, key=("e1", 2, "o1", 1))
    make(store, "host_2")
    assert not may_begin(store, connect(store, "host_2"), worker="host_2")
    assert not may_begin(store, connect(store) - 1)


def test_what_an_unaware_workflow_sent_may_not_begin_after_a_request(store: Store) -> None:
    session = granted(store)
    store.write_sync(cancellation.request_cancel, "e1", CancelMode.CANCEL, by="u", now=at(3))
    assert not may_begin(store, session)
    assert may_begin(store, session, aware=True)


@pytest.mark.parametrize("mode", [CancelMode.FORCE, CancelMode.KILL])
def test_nothing_may_begin_after_a_forced_request(store: Store, mode: CancelMode) -> None:
    session = granted(store)
    store.write_sync(cancellation.request_cancel, "e1", mode, by="u", now=at(3))
    assert not may_begin(store, session, aware=True)


def test_nothing_may_begin_after_the_end(store: Store) -> None:
    session = granted(store)
    assert store.write_sync(ending.finish, "e1", 1, Outcome.TERMINATED, now=at(4)) is not None
    assert not may_begin(store, session, aware=True)


def test_a_kill_that_could_not_reach_a_worker_is_kept_until_its_operation_has_ended(store: Store) -> None:
    granted(store)
    store.write_sync(cancellation.request_cancel, "e1", CancelMode.KILL, by="u", now=at(3))
    assert store.read_sync(manager_queries.kills, "m1") == []
    assert store.write_sync(ending.finish, "e1", 1, Outcome.DIED, killed=True, now=at(4)) is not None
    assert store.read_sync(manager_queries.kills, "m1") == [("e1", 1)]
    assert store.read_sync(manager_queries.kills, "m2") == []
    store.write_sync(operations.end, "o1", 1, state=OperationState.FAILED, now=at(5))
    assert store.read_sync(manager_queries.kills, "m1") == []
