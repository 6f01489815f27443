"""Opening a store brings any database up to date, alone or with others, all of it or nothing."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from stored import NOW, TENANT, Together, create, deploy, grant, run, send, start

from cloudwright.errors import InvalidInput, Unavailable
from cloudwright.model.execution import Outcome
from cloudwright.model.node_packing import pack_plan
from cloudwright.model.operation import OperationState
from cloudwright.storage import blueprints, deployments, manager_queries, operations, task_counts
from cloudwright.storage.alembic_runner import configuration
from cloudwright.storage.executions import ending
from cloudwright.storage.migrate import versions
from cloudwright.storage.records import Blueprint, Deployment
from cloudwright.storage.schema import metadata
from cloudwright.storage.store import Store, database_at
from postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgres").create_empty_database()
    return url


def tables(url: str) -> set[str]:
    with database_at(url).reading.connect() as conn:
        return set(inspect(conn).get_table_names())


def test_migrations_make_what_the_schema_says(empty_url: str) -> None:
    store = Store.open(empty_url)

    def differences(conn: Connection) -> list[object]:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    assert store.read_sync(differences) == []
    assert tables(empty_url) == {table.name for table in metadata.sorted_tables} | {"alembic_version"}
    store.close()


def test_files_are_named_after_their_versions_and_in_one_line() -> None:
    newest_first = list(ScriptDirectory.from_config(configuration()).walk_revisions())
    assert [migration.revision for migration in reversed(newest_first)] == versions()


def test_opening_again_keeps_what_is_there(empty_url: str) -> None:
    store = Store.open(empty_url)
    created = create(store)
    store.close()
    store = Store.open(empty_url)
    assert store.read_sync(manager_queries.get, "e1") == created
    store.close()


def test_a_migration_can_be_undone(empty_url: str) -> None:
    Store.open(empty_url).close()
    config = configuration()
    with database_at(empty_url).writing.begin() as conn:
        config.attributes["connection"] = conn
        command.downgrade(config, "base")
    assert tables(empty_url) == {"alembic_version"}
    Store.open(empty_url).close()


def test_what_was_claimed_before_it_was_kept_may_have_begun(empty_url: str) -> None:
    store = Store.open(empty_url)
    start(store, "claimed", None)
    create(store, "waiting", None)
    store.close()
    config = configuration()
    with database_at(empty_url).writing.begin() as conn:
        config.attributes["connection"] = conn
        command.downgrade(config, "0001")
    store = Store.open(empty_url)
    assert store.read_sync(manager_queries.get, "claimed").workflow_entered
    assert not store.read_sync(manager_queries.get, "waiting").workflow_entered
    store.close()


def test_tasks_that_were_stored_before_they_were_counted_are(empty_url: str) -> None:
    store = Store.open(empty_url)
    deploy(store)
    for id in ("e1", "over", "waiting"):
        start(store, id) if id != "waiting" else create(store, id, None)
    run(store, "o1", "o2")
    store.write_sync(operations.end, "o1", 1, state=OperationState.SUCCEEDED, now=NOW)
    send(store, "o3", execution="over")
    grant(store, "o3", execution="over")
    store.write_sync(operations.end, "o3", 1, state=OperationState.FAILED, now=NOW)
    store.write_sync(ending.finish, "over", 1, Outcome.FAILED, now=NOW)
    store.close()
    config = configuration()
    with database_at(empty_url).writing.begin() as conn:
        config.attributes["connection"] = conn
        command.downgrade(config, "0017")
        [over] = conn.exec_driver_sql(
            "SELECT total_operations, finished_operations FROM executions WHERE id = 'over'"
        )
        assert tuple(over) == (1, 1)
    store = Store.open(empty_url)
    counts = {id: store.read_sync(task_counts.get, id) for id in ("e1", "over", "waiting")}
    assert counts == {"e1": (2, 1), "over": (1, 1), "waiting": (0, 0)}
    store.close()


def test_nodes_are_whole_where_what_they_share_cannot_be_stored(empty_url: str) -> None:
    """Undoing the version that packs them, and doing it again: a reader sees no difference."""
    store = Store.open(empty_url)
    nodes = [{"id": f"n{index}", "operations": {"create": {"inputs": {"of": "all"}}}} for index in range(3)]
    plan = {"inputs": {}, "nodes": nodes}
    store.write_sync(blueprints.create, Blueprint("b1", plan=pack_plan(plan)), NOW)
    store.write_sync(deployments.create, Deployment("d1", "b1"), nodes, [], NOW)
    store.close()
    config = configuration()
    with database_at(empty_url).writing.begin() as conn:
        config.attributes["connection"] = conn
        command.downgrade(config, "0002")
        stored = conn.exec_driver_sql("SELECT node FROM nodes ORDER BY id").scalars()
        assert [json.loads(text) for text in stored] == nodes
        assert json.loads(conn.exec_driver_sql("SELECT plan FROM blueprints").scalar_one()) == plan
    store = Store.open(empty_url)
    assert [row.node for row in store.read_sync(deployments.nodes, TENANT, "d1")] == nodes
    assert store.read_sync(blueprints.get, TENANT, "b1", with_plan=True).plan == plan
    store.close()


def test_managers_that_start_together_migrate_once(empty_url: str) -> None:
    race = Together(*[lambda: Store.open(empty_url)] * 4)
    assert all(isinstance(answer, Store) for answer in race.answers), race.answers
    for store in race.answers:
        store.close()


def test_a_store_waits_for_another_that_migrates_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if other.in_transaction:
                other.execute("COMMIT")

        monkeypatch.setattr("cloudwright.storage.migrate.time.sleep", wait)
        Store.open(f"sqlite:///{tmp_path}/store.db").close()
        assert waits


def test_a_migration_that_breaks_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_table", _breaking_after(3))
        with pytest.raises(ZeroDivisionError):
            Store.open(empty_url)
    assert tables(empty_url) == set()
    Store.open(empty_url).close()


def _breaking_after(count: int) -> Callable[..., Any]:
    real, calls = op.create_table, []

    def create_table(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) > count:
            raise ZeroDivisionError
        return real(*args, **kwargs)

    return create_table


def test_a_newer_database_is_left_alone(empty_url: str) -> None:
    store = Store.open(empty_url)
    store.write_sync(lambda conn: conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(Unavailable, match=r"made by a newer version \(its tables are at 9999\)"):
        Store.open(empty_url)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/store.db").close()
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("url", ["mysql://x/y", "store.db", "", "sqlite://", "sqlite:///:memory:"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="sqlite:////path/to/file"):
        Store.open(url)


def test_migrations_are_shipped_beside_the_code() -> None:
    folder = Path(configuration().get_main_option("script_location") or "")
    assert (folder / "env.py").is_file()
    assert list((folder / "versions").glob("0001_*.py"))


def test_postgres_urls_need_no_driver(postgres: PostgresServer) -> None:
    url = postgres.create_empty_database().replace("postgresql+psycopg:", "postgresql:")
    Store.open(url).close()
