"""Two managers at once: whatever the order, exactly one of two things that exclude each other happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection
from stored import (
    NOW,
    TENANT,
    Together,
    at,
    create,
    deploy,
    event_types,
    happened,
    operation,
    run,
    send,
    start,
)

from cloudwright.errors import ExecutionRunning
from cloudwright.model.event import Event
from cloudwright.model.execution import CancelMode, Outcome
from cloudwright.model.execution import ExecutionStatus as S
from cloudwright.model.operation import OperationState as O
from cloudwright.storage import events, instances, journal, manager_queries, operations
from cloudwright.storage.executions import admission, cancellation, claims, ending
from cloudwright.storage.filters import ExecutionFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Store, database_at
from postgres import PostgresServer

ROUNDS = range(15)


def cancel(store: Store, id: str, mode: CancelMode = CancelMode.FORCE) -> Any:
    return store.write_sync(cancellation.request_cancel, id, mode, by="admin", now=NOW)


def finish(store: Store, id: str, term: int = 1, outcome: Outcome = Outcome.TERMINATED) -> Any:
    return store.write_sync(ending.finish, id, term, outcome, killed=True, now=NOW)


def grant(store: Store, execution: str, id: str) -> set[str]:
    return store.write_sync(operations.grant, [(execution, 1, id, 1)], "w1", NOW)


@pytest.mark.parametrize("mode", list(CancelMode))
def test_no_grant_after_a_request_to_cancel(store: Store, other: Store, mode: CancelMode) -> None:
    for place in ROUNDS:
        id, op = f"e{place}", f"o{place}"
        start(store, id, None)
        send(store, op, execution=id)
        race = Together(partial(grant, store, id, op), partial(cancel, other, id, mode))
        granted = race.answers[0] == {op}
        expected = ["task_started"] if granted else []
        assert event_types(store, id) == [*expected, "execution_cancel_requested"]
        assert store.read_sync(operations.get, op).state is (O.STARTED if granted else O.CANCELLED)


def test_no_grant_after_the_end(store: Store, other: Store) -> None:
    for place in ROUNDS:
        id, op = f"e{place}", f"o{place}"
        start(store, id, None)
        send(store, op, execution=id)
        race = Together(partial(grant, store, id, op), partial(finish, other, id))
        granted, ended = race.answers
        assert [row.id for row in ended.residual] == list(granted)
        assert ended.revoked == 1 - len(granted)
        assert store.read_sync(operations.get, op).state is (O.STARTED if granted else O.CANCELLED)
        assert event_types(store, id) == [*(["task_started"] if granted else []), "workflow_succeeded"]


def test_only_one_claims(store: Store, other: Store) -> None:
    for place in ROUNDS:
        create(store, f"e{place}", None)
        race = Together(
            *(
                partial(a_store.write_sync, claims.claim, f"e{place}", owner, at(9), NOW)
                for a_store, owner in ((store, "m1"), (other, "m2"))
            )
        )
        claimed = [answer for answer in race.answers if answer is not None]
        assert len(claimed) == 1
        assert (claimed[0].term, claimed[0]) == (1, store.read_sync(manager_queries.get, f"e{place}"))


def test_only_one_takes_over_and_the_old_owner_can_not_finish_then(store: Store, other: Store) -> None:
    def take(a_store: Store, id: str, owner: str) -> Any:
        return a_store.write_sync(
            claims.take_over, id, old_term=1, owner=owner, lease_until=at(60), now=at(30)
        )

    for place in ROUNDS:
        id = f"e{place}"
        start(store, id, None)
        race = Together(
            partial(take, store, id, "m2"), partial(take, other, id, "m3"), partial(finish, other, id)
        )
        assert [answer is not None for answer in race.answers].count(True) == 1
        assert store.read_sync(manager_queries.get, id).term == (1 if race.answers[2] else 2)


def test_a_lease_is_renewed_or_another_takes_over(store: Store, other: Store) -> None:
    for place in ROUNDS:
        id = f"e{place}"
        start(store, id, None)
        race = Together(
            partial(store.write_sync, claims.renew, "m1", [(id, 1)], at(60)),
            partial(
                other.write_sync,
                claims.take_over,
                id,
                old_term=1,
                owner="m2",
                lease_until=at(60),
                now=at(30),
            ),
        )
        kept, taken = race.answers
        assert (kept == {id}) == (taken is None)
        assert store.read_sync(manager_queries.get, id).owner == ("m1" if kept else "m2")


def test_of_a_kill_and_a_resume_both_are_kept(store: Store, other: Store) -> None:
    for place in ROUNDS:
        id, op = f"e{place}", f"o{place}"
        start(store, id, None)
        send(store, op, execution=id)
        assert grant(store, id, op) == {op}
        finish(store, id, outcome=Outcome.FAILED)
        race = Together(
            partial(cancel, store, id, CancelMode.KILL),
            partial(other.write_sync, admission.resume, id, by="admin", now=NOW),
        )
        killed, resumed = race.answers
        assert resumed.status is S.PENDING
        # Whatever came first, what ran is to die, and what a next owner sends is not.
        assert killed.decision.kill_residuals
        assert (id, 1) in store.read_sync(manager_queries.kills, "w1")


def test_a_waiting_execution_is_cancelled_or_started_but_not_both(store: Store, other: Store) -> None:
    for place in ROUNDS:
        id = f"e{place}"
        create(store, id, None)
        race = Together(
            partial(store.write_sync, claims.claim, id, "m1", at(9), NOW),
            partial(cancel, other, id, CancelMode.CANCEL),
        )
        claimed, requested = race.answers
        assert requested.execution.status is (S.CANCELLED if claimed is None else S.CANCELLING)


def test_a_deployment_runs_one_at_a_time(store: Store, other: Store) -> None:
    for place in ROUNDS:
        ids = (f"a{place}", f"b{place}")
        race = Together(
            partial(create, store, ids[0], f"d{place}"), partial(create, other, ids[1], f"d{place}")
        )
        refused = [answer for answer in race.answers if isinstance(answer, ExecutionRunning)]
        assert len(refused) == 1
        queued = Together(
            partial(create, store, f"c{place}", f"d{place}", queue=True),
            partial(create, other, f"e{place}", f"d{place}", queue=True),
        )
        assert [answer.status for answer in queued.answers] == [S.QUEUED, S.QUEUED]


def test_what_is_queued_while_the_one_ahead_ends_is_not_forgotten(store: Store, other: Store) -> None:
    for place in ROUNDS:
        start(store, f"a{place}", f"d{place}")
        race = Together(
            partial(finish, store, f"a{place}"),
            partial(create, other, f"b{place}", f"d{place}", queue=True),
        )
        ended, created = race.answers
        assert store.read_sync(manager_queries.get, f"b{place}").status is S.PENDING
        assert ended.promoted == ([f"b{place}"] if created.status is S.QUEUED else [])


def test_one_resumes_or_another_is_created(store: Store, other: Store) -> None:
    for place in ROUNDS:
        id = f"a{place}"
        start(store, id, f"d{place}")
        finish(store, id, outcome=Outcome.FAILED)
        race = Together(
            partial(store.write_sync, admission.resume, id, by="eve", now=NOW),
            partial(create, other, f"b{place}", f"d{place}"),
        )
        assert [isinstance(answer, ExecutionRunning) for answer in race.answers].count(True) == 1


def test_one_of_two_changes_of_an_instance_conflicts(store: Store, other: Store) -> None:
    deploy(store)
    start(store)
    for place in ROUNDS:
        run(store, f"a{place}", f"b{place}")
        updates = [
            {"id": id, "version": place + 1, "runtime_properties": {"round": place}}
            for id in ("n1_a", "n1_b")
        ]
        race = Together(
            *(
                partial(
                    a_store.write_sync, operations.end, id, 1, state=O.SUCCEEDED, updates=changes, now=NOW
                )
                for a_store, id, changes in (
                    (store, f"a{place}", updates),
                    (other, f"b{place}", updates[::-1]),
                )
            )
        )
        assert sorted(answer.conflict for answer in race.answers) == [False, True]
        assert {row.version for row in store.read_sync(instances.node_instances, TENANT, "d1")} == {place + 2}


def test_writers_in_each_others_way_both_get_through(store: Store, other: Store) -> None:
    for place in ROUNDS:
        ids = (f"a{place}", f"b{place}")
        for id in ids:
            start(store, id, None)

        def both(conn: Connection, first: str, second: str) -> list[str]:
            # In one transaction and in opposite orders, as two batches may have them.
            results = [
                cancellation.request_cancel(conn, id, CancelMode.CANCEL, by=None, now=NOW)
                for id in (first, second)
            ]
            return [result.execution.id for result in results if result.decision.status is not None]

        race = Together(
            partial(store.write_sync, both, *ids), partial(other.write_sync, both, *reversed(ids))
        )
        assert sorted([*race.answers[0], *race.answers[1]]) == list(ids)
        assert {event_types(store, id)[0] for id in ids} == {"execution_cancel_requested"}
    assert (store.healthy, other.healthy) == (True, True)


class Interleaved:
    """A transaction that stays open, and a second one that has to wait for it: PostgreSQL only."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self._server = server
        database = database_at(url)
        self._first = database.writing.connect()
        self._second = database.writing.connect()
        self._pid = self._second.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        self._second.rollback()

    def run(self, first: Callable[[Connection], Any], second: Callable[[Connection], Any]) -> tuple[Any, Any]:
        """``second`` begins after ``first`` was run and before it is committed; answers both values."""
        mine = first(self._first)
        theirs: list[Any] = []

        def run_second() -> None:
            with self._second.begin():
                theirs.append(second(self._second))

        thread = threading.Thread(target=run_second)
        thread.start()
        self._await_waiting()
        assert not theirs
        self._first.commit()
        thread.join(10)
        return mine, theirs[0]

    def _await_waiting(self) -> None:
        deadline = time.monotonic() + 10
        with self._server.connect() as conn:
            while time.monotonic() < deadline:
                query = "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s"
                row = conn.execute(query, [self._pid]).fetchone()
                if row == ("Lock",):
                    return
        raise AssertionError("the second transaction did not wait for the first")

    def close(self) -> None:
        self._first.close()
        self._second.close()


@pytest.fixture
def interleaved(postgres: PostgresServer) -> Iterator[tuple[Interleaved, Store]]:
    url = postgres.clean_database()
    store = Store.open(url)
    both = Interleaved(postgres, url)
    start(store)
    send(store, "o1")
    yield both, store
    both.close()
    store.close()


def grant_o1(conn: Connection) -> set[str]:
    return operations.grant(conn, [("e1", 1, "o1", 1)], "w1", NOW)


def force(conn: Connection) -> S:
    return cancellation.request_cancel(conn, "e1", CancelMode.FORCE, by="admin", now=NOW).execution.status


def end(conn: Connection) -> int:
    result = ending.finish(conn, "e1", 1, Outcome.TERMINATED, now=NOW)
    assert result is not None
    return result.revoked


def take(conn: Connection) -> int:
    taken = claims.take_over(conn, "e1", old_term=1, owner="m2", lease_until=at(60), now=at(30))
    assert taken is not None
    return taken.term


@pytest.mark.parametrize(("ending", "answer"), [(force, S.FORCE_CANCELLING), (end, 1), (take, 2)])
def test_a_grant_waits_for_an_end_that_is_being_stored(
    interleaved: tuple[Interleaved, Store], ending: Callable[[Connection], Any], answer: Any
) -> None:
    both, _ = interleaved
    assert both.run(ending, grant_o1) == (answer, set())


@pytest.mark.parametrize(("ending", "answer"), [(force, S.FORCE_CANCELLING), (end, 0), (take, 2)])
def test_an_end_waits_for_a_grant_that_is_being_stored(
    interleaved: tuple[Interleaved, Store], ending: Callable[[Connection], Any], answer: Any
) -> None:
    both, store = interleaved
    assert both.run(grant_o1, ending) == ({"o1"}, answer)
    assert event_types(store)[0] == "task_started"


def test_a_journal_waits_for_a_forced_request(interleaved: tuple[Interleaved, Store]) -> None:
    both, _ = interleaved

    def send_o2(conn: Connection) -> list[str]:
        return journal.apply(conn, "e1", 1, [["run", operation("o2")]], NOW).refused

    assert both.run(force, send_o2) == (S.FORCE_CANCELLING, ["o2"])


def test_events_of_one_execution_become_visible_in_the_order_of_their_ids(
    interleaved: tuple[Interleaved, Store],
) -> None:
    both, store = interleaved
    start(store, "e2", None)

    def add(message: str, conn: Connection) -> None:
        events.add(conn, [Event("e1", NOW, message)])

    def first(conn: Connection) -> None:
        add("first", conn)
        # Another execution's events do not wait.
        store.write_sync(events.add, [Event("e2", NOW, "beside")])

    both.run(first, partial(add, "second"))
    assert [event.message for event in happened(store)] == ["first", "second"]


def test_nothing_is_left_behind_by_all_that(store: Store, other: Store) -> None:
    """Ten deployments, two managers, everything at once: in the end nothing waits that could run."""
    for place in range(10):
        start(store, f"run{place}", f"d{place}")
    work: list[Callable[[], Any]] = []
    for place in range(10):
        a_store, b_store = (store, other) if place % 2 else (other, store)
        work.append(partial(finish, a_store, f"run{place}"))
        work.append(partial(create, b_store, f"next{place}", f"d{place}", queue=True))
        work.append(partial(cancel, b_store, f"run{place}"))
    race = Together(*work)
    assert not [answer for answer in race.answers if isinstance(answer, Exception)]
    rows, _ = store.read_sync(
        manager_queries.list_executions, ExecutionFilter(statuses=[S.QUEUED]), EVERYTHING
    )
    assert rows == []
