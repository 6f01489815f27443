"""All rows read into a snapshot and put back, on both databases and from one kind to the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select
from stored import NOW, TENANT, at, create, deploy, happened, start

from cloudwright.errors import ExecutionRunning, IllegalAction
from cloudwright.model.event import LOG, Event
from cloudwright.model.execution import Outcome
from cloudwright.storage import accounts, deployments, events, kept_values, labels, secrets, snapshots
from cloudwright.storage.executions import ending
from cloudwright.storage.paging import Page
from cloudwright.storage.records import Secret
from cloudwright.storage.store import Store

Rows = dict[str, list[str]]


def dump(conn: Connection, with_logs: bool = True) -> Rows:
    return {
        name: list(snapshots.read_rows(conn, name, with_events=True, with_logs=with_logs))
        for name in snapshots.TABLES
    }


def fill(store: Store) -> None:
    """Something in many tables: times, documents, numbers beyond 64 bits, enumerations."""
    deploy(store)
    made = [{"key": "env", "value": "ü", "created_at": NOW.isoformat()}]
    store.write_sync(lambda conn: deployments.update(conn, TENANT, "d1", at(1), labels=made))
    store.write_sync(secrets.create, Secret("key", "k1:sealed"), now=NOW)
    store.write_sync(lambda conn: kept_values.keep(conn, "maintenance", {"by": "eve"}, None, NOW))
    start(store)
    store.write_sync(
        events.add,
        [Event("e1", at(1), "hello", details={"big": 2**80}), Event("e1", at(1), "a line", kind=LOG)],
    )
    store.write_sync(ending.finish, "e1", 1, Outcome.TERMINATED, now=at(2))


def test_what_is_read_is_what_is_put_back(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    fill(store)
    before = store.read_sync(dump)
    assert before["deployments"]
    assert before["deployment_labels"]
    assert store.read_sync(snapshots.secret_keys) == ["k1"]
    # Into an empty one of the other kind: SQLite here.
    other = Store.open(f"sqlite:///{tmp_path_factory.mktemp('other')}/store.db")
    other.write_sync(snapshots.replace_all, before.__getitem__, "eve", force=False)
    assert other.read_sync(dump) == before
    other.close()

    deploy(store, "d2", instances=0)
    with pytest.raises(IllegalAction, match="has blueprints or deployments"):
        store.write_sync(snapshots.replace_all, before.__getitem__, "eve", force=False)
    store.write_sync(lambda conn: kept_values.forget(conn, "maintenance"))
    store.write_sync(snapshots.replace_all, before.__getitem__, "eve", force=True, kept=["maintenance"])
    after = store.read_sync(dump)
    assert after.pop("kept_values") == []
    before.pop("kept_values")
    assert after == before
    assert store.read_sync(labels.list_keys, labels.TABLES["deployments"], TENANT, None, Page())[0] == ["env"]
    # Ids that count up go on.
    store.write_sync(events.add, [Event("e1", at(3), "later")])
    assert [event.message for event in happened(store)][-1] == "later"


def test_a_restore_that_dies_half_way_changes_nothing(store: Store) -> None:
    fill(store)
    before = store.read_sync(dump)

    def broken(name: str) -> Iterator[str]:
        yield from before[name]
        if name == "executions":
            raise RuntimeError("the power is gone")

    deploy(store, "d2", instances=0)
    there = store.read_sync(dump)
    with pytest.raises(RuntimeError, match="the power is gone"):
        store.write_sync(snapshots.replace_all, broken, "eve", force=True)
    assert store.read_sync(dump) == there


def test_who_restores_keeps_access(store: Store) -> None:
    def rows(conn: Connection, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in conn.execute(select(snapshots.TABLES[table])).mappings()]

    empty: Rows = {name: [] for name in snapshots.TABLES}
    store.write_sync(accounts.create_user, "eve", "hash", "sys_admin", NOW)
    before = store.read_sync(rows, "users")

    def none(name: str) -> Iterable[str]:
        return empty[name]

    store.write_sync(snapshots.replace_all, none, "eve", force=True)
    assert store.read_sync(rows, "users") == before


def test_nothing_is_read_or_replaced_while_something_runs(store: Store) -> None:
    create(store)
    with pytest.raises(ExecutionRunning, match="Executions run: `e1`"):
        store.read_sync(snapshots.check_idle)
    with pytest.raises(ExecutionRunning):
        store.write_sync(snapshots.replace_all, lambda name: [], "eve", force=True)
