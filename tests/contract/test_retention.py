"""What the settings do not keep is deleted, and nothing else, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from stored import TENANT, at, create, deploy, start

from cloudwright.manager.retention import Retention
from cloudwright.model.event import LOG, Event
from cloudwright.model.execution import Outcome
from cloudwright.model.hook import DeliveryState, Hook
from cloudwright.storage import events, hooks, manager_queries
from cloudwright.storage.executions import claims, ending
from cloudwright.storage.filters import ExecutionFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Connection, Store

DAY = 24 * 3600.0


def ended(store: Store, id: str, when: float) -> None:
    create(store, id, "d1", force=True, now=at(when))
    assert store.write_sync(claims.claim, id, "m1", at(when + 30), at(when))
    store.write_sync(
        events.add, [Event(id, at(when), "a line", kind=LOG, level="info"), Event(id, at(when), "an event")]
    )
    assert store.write_sync(ending.finish, id, 1, Outcome.TERMINATED, now=at(when + 1))


def retention(store: Store, now: float, **keep: Any) -> Retention:
    return Retention(
        store, lambda: at(now), **{"executions_days": 0, "executions_count": 0, "logs_days": 0, **keep}
    )


def left(store: Store) -> list[str]:
    rows, _ = store.read_sync(manager_queries.list_executions, ExecutionFilter(), EVERYTHING)
    return [row.id for row in rows]


def with_four(store: Store) -> None:
    """One that runs since long ago, and three that are over: 10, 5 and 1 days ago."""
    deploy(store)
    start(store, "runs")
    store.write_sync(events.add, [Event("runs", at(0), "a line", kind=LOG, level="info")])
    for id, day in (("oldest", 0.1), ("older", 5), ("newest", 9)):
        ended(store, id, day * DAY)


def test_executions_by_age(store: Store) -> None:
    with_four(store)
    assert asyncio.run(retention(store, 10 * DAY, executions_days=6).sweep()) == (1, 0)
    assert left(store) == ["runs", "older", "newest"]
    assert asyncio.run(retention(store, 10 * DAY, executions_days=6).sweep()) == (0, 0)


def test_executions_by_number(store: Store) -> None:
    with_four(store)
    assert asyncio.run(retention(store, 10 * DAY, executions_count=1).sweep()) == (2, 0)
    assert left(store) == ["runs", "newest"]


def test_log_lines_by_age(store: Store) -> None:
    with_four(store)
    assert asyncio.run(retention(store, 10 * DAY, logs_days=6).sweep()) == (0, 2)
    assert left(store) == ["runs", "oldest", "older", "newest"]
    assert lines(store, "oldest") == ["an event"]
    assert "a line" in lines(store, "older")


def test_deliveries_of_hooks_by_age(store: Store) -> None:
    deploy(store)
    hook = Hook("h", TENANT, statuses=["terminated"], url="http://x", created_at=at(0))
    store.write_sync(hooks.create, hook)
    for id, day in (("old", 1), ("young", 9)):
        ended(store, id, day * DAY)
        now = at(day * DAY + 2)
        (taken,) = store.write_sync(
            hooks.take, TENANT, "h", by="m1", most=1, until=at(day * DAY + 60), now=now
        )
        assert store.write_sync(hooks.finish, taken, DeliveryState.DELIVERED, now)
    asyncio.run(retention(store, 10 * DAY, deliveries_days=7).sweep())
    found, _ = store.read_sync(hooks.list_deliveries, TENANT, "h", None, EVERYTHING)
    assert [one.execution_id for one in found] == ["young"]
    assert left(store) == ["old", "young"]


def lines(store: Store, id: str) -> list[str]:
    def messages(conn: Connection) -> list[str]:
        return [
            str(message)
            for message in conn.exec_driver_sql(
                f"SELECT message FROM events WHERE execution_id = '{id}' AND event_type IS NULL ORDER BY id"
            ).scalars()
        ]

    return store.read_sync(messages)


def test_nothing_is_deleted_unless_it_is_asked_for(store: Store) -> None:
    with_four(store)
    assert asyncio.run(retention(store, 1000 * DAY).sweep()) == (0, 0)
    assert len(left(store)) == 4


def test_a_started_manager_sweeps_by_itself(store: Store) -> None:
    with_four(store)

    async def main(until: Callable[[], bool]) -> None:
        sweeping = retention(store, 10 * DAY, executions_count=1, first_sweep=0.0)
        await sweeping.start()
        while not until():
            await asyncio.sleep(0)
        await sweeping.close()

    asyncio.run(main(lambda: left(store) == ["runs", "newest"]))
