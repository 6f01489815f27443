"""Every fixed statement, and every list with its usual conditions, finds its rows by an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import ARRAY, Boolean, Connection, Float, Integer, Text, event
from sqlalchemy.types import TypeEngine
from stored import NOW, TENANT, EventRecord

from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import deployments, events, instances, journal, locks, manager_queries, operations
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.executions import admission, cancellation, claims, ending, rows
from cloudwright.storage.filters import (
    EventFilter,
    ExecutionFilter,
    InstanceFilter,
    NodeFilter,
    OperationFilter,
)
from cloudwright.storage.json_pages import JsonRecords, Projection, json_page
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import Execution, Operation
from cloudwright.storage.resources import event as event_resource
from cloudwright.storage.resources import execution as execution_resource
from cloudwright.storage.resources import node_instance as node_instance_resource
from cloudwright.storage.resources import operation as operation_resource
from cloudwright.storage.resources.event import EVENT_OR_LOG
from cloudwright.storage.resources.execution import EXECUTION
from cloudwright.storage.resources.node_instance import NODE_INSTANCE
from cloudwright.storage.resources.operation import OPERATION
from cloudwright.storage.store import Store, database_at
from postgres import PostgresServer

RESOURCES = (event_resource, execution_resource, node_instance_resource, operation_resource)
MODULES = (
    admission,
    cancellation,
    claims,
    ending,
    events,
    manager_queries,
    instances,
    journal,
    locks,
    operations,
    rows,
    *RESOURCES,
)
DUMMIES: dict[type, Any] = {
    UtcDateTime: NOW,
    Json: {},
    Text: "x",
    Integer: 1,
    Float: 1.0,
    Boolean: True,
    ARRAY: ["x"],
}


def statements(module: ModuleType) -> Iterator[tuple[str, Prepared | JsonRecords]]:
    for name, value in vars(module).items():
        if isinstance(value, (JsonRecords, Prepared)):
            yield f"{module.__name__.rpartition('.')[2]}.{name}", value
        elif isinstance(value, list) and value and isinstance(value[0], Prepared):
            yield from ((f"{module.__name__}.{name}[{place}]", item) for place, item in enumerate(value))


ALL = dict(pair for module in MODULES for pair in statements(module))


def dummy(type: TypeEngine[Any]) -> Any:
    if isinstance(type, EnumText):
        return next(iter(type.choices))
    return next(value for kind, value in DUMMIES.items() if isinstance(type, kind))


def parameters(statement: Prepared | JsonRecords, conn: Connection) -> tuple[str, dict[str, Any]]:
    """Return the statement's text, and a value of the right type for every parameter."""
    if isinstance(statement, JsonRecords):
        statement = statement._whole[conn.dialect.name]
    compiled = statement._statement.compile(dialect=conn.dialect, column_keys=statement._columns)
    given = {name: dummy(bind.type) for name, bind in compiled.binds.items() if bind.required}
    form, _ = statement._cursor(conn)
    values = {**form.constants, **given}
    for name, convert in form.inward:
        values[name] = convert(values[name])
    return form.sql, values


def explain_sqlite(conn: Connection, sql: str, parameters: Any) -> list[str]:
    cursor = conn.connection.cursor()
    cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
    return [row[3] for row in cursor.fetchall()]


PAGE = "SCAN page"  # the rows of a page, which were found, become JSON


def scans(plan: list[str]) -> list[str]:
    """Steps that look at every row of a table. Reading an index in its order, for a page, is none."""
    return [step for step in plan if step.startswith("SCAN") and " USING " not in step and step != PAGE]


@pytest.fixture
def sqlite_conn(tmp_path: Any) -> Iterator[Connection]:
    url = f"sqlite:///{tmp_path}/store.db"
    Store.open(url).close()
    with database_at(url).writing.connect() as conn:
        yield conn


@pytest.fixture
def postgres_conn(postgres: PostgresServer) -> Iterator[Connection]:
    with database_at(postgres.clean_database()).writing.connect() as conn:
        yield conn


def test_there_is_something_to_look_at() -> None:
    assert len(ALL) > 35


def test_on_sqlite(sqlite_conn: Connection) -> None:
    for name, statement in ALL.items():
        if not name.startswith("locks._LOCK"):
            plan = explain_sqlite(sqlite_conn, *parameters(statement, sqlite_conn))
            # No whole index either, but for that of what runs now, which is little.
            scanned = [
                step
                for step in plan
                if step.startswith("SCAN") and "ix_operations_started" not in step and step != PAGE
            ]
            assert not scanned, (name, plan)


def test_on_postgresql(postgres_conn: Connection) -> None:
    # An empty table is scanned because that is cheapest; so is it said to be dear.
    postgres_conn.exec_driver_sql("SET enable_seqscan = off")
    cursor = postgres_conn.connection.cursor()
    for name, statement in ALL.items():
        sql, values = parameters(statement, postgres_conn)
        cursor.execute(f"EXPLAIN {sql}", values)
        plan = [row[0] for row in cursor.fetchall()]
        assert not [step for step in plan if "Seq Scan" in step], (name, plan)


def test_what_has_a_key_is_found_by_it_in_a_new_database(postgres: PostgresServer) -> None:
    """PostgreSQL has no statistics of its tables yet, and keeps the plans that it makes now."""
    found = {}
    url = postgres.create_empty_database()
    Store.open(url).close()
    with database_at(url).writing.connect() as conn:
        cursor = conn.connection.cursor()
        for name, statement in ALL.items():
            sql, values = parameters(statement, conn)
            if re.search(r"WHERE .*\b(operations|executions|node_instances)\.id = ", sql, re.DOTALL):
                cursor.execute(f"EXPLAIN {sql}", values)
                plan = "\n".join(row[0] for row in cursor.fetchall())
                found[name] = set(re.findall(r"Scan using (\w+)", plan))
    by_more = {"admission._PROMOTE"}  # it looks for others than the one with the id
    keys = {"pk_operations", "pk_executions", "pk_node_instances"}
    # An execution's record has its deployment's name, and numbers of operations.
    keys |= {"pk_task_counts", "pk_deployments", "ix_deployments_tenant_blueprint_id"}
    keys |= {"ix_operations_execution_id_state", "ix_operations_started", "pk_workers", "pk_managers"}
    assert not {name: used - keys for name, used in found.items() if used - keys and name not in by_more}
    assert len(found) > 25


NEWEST = Page(size=100, sort=(("created_at", True),))
LATEST = Page(size=100, sort=(("timestamp", True),))
#: By which index SQLite finds the page's rows.
LISTS = {
    "executions": (manager_queries.listing, ExecutionFilter(), NEWEST, "ix_executions_created_at"),
    "executions of a tenant": (
        manager_queries.listing,
        ExecutionFilter(tenant=TENANT),
        NEWEST,
        "ix_executions_tenant_created_at",
    ),
    "executions of a deployment": (
        manager_queries.listing,
        ExecutionFilter(tenant=TENANT, deployment_ids=["d1"]),
        NEWEST,
        "ix_executions_tenant_deployment_id_created_at",
    ),
    "executions of a tenant that failed": (
        manager_queries.listing,
        ExecutionFilter(tenant=TENANT, statuses=[ExecutionStatus.FAILED], include_system_workflows=False),
        NEWEST,
        "ix_executions_status_created_at",
    ),
    "executions of a tenant that run": (
        manager_queries.listing,
        ExecutionFilter(
            tenant=TENANT,
            statuses=[ExecutionStatus.STARTED, ExecutionStatus.CANCELLING, ExecutionStatus.KILL_CANCELLING],
        ),
        NEWEST,
        "ix_executions_status_created_at",
    ),
    "events of an execution": (
        events.listing,
        EventFilter(tenant=TENANT, execution_ids=["e1"]),
        LATEST,
        "ix_events_execution_id_id",
    ),
    "events of a deployment": (
        events.listing,
        EventFilter(tenant=TENANT, deployment_ids=["d1"]),
        Page(size=100, sort=(("id", True),)),
        "ix_events_execution_id_id",
    ),
    "latest events": (events.listing, EventFilter(), LATEST, "ix_events_timestamp"),
    "latest events of a tenant": (
        events.listing,
        EventFilter(tenant=TENANT),
        LATEST,
        "ix_events_timestamp",
    ),
    "operations of an execution": (
        operations.listing,
        OperationFilter(execution_id="e1"),
        EVERYTHING,
        "ix_operations_execution_id_state",
    ),
    "nodes": (
        deployments.list_nodes,
        NodeFilter(tenant=TENANT, deployment_ids=["d1"]),
        EVERYTHING,
        "sqlite_autoindex_nodes_1",
    ),
    "instances": (
        instances.listing,
        InstanceFilter(tenant=TENANT, deployment_ids=["d1"]),
        EVERYTHING,
        "ix_node_instances_deployment_id_node_id_tenant",
    ),
    "instances of a node": (
        instances.listing,
        InstanceFilter(tenant=TENANT, deployment_ids=["d1"], node_ids=["n1"]),
        EVERYTHING,
        "ix_node_instances_deployment_id_node_id_tenant",
    ),
}


#: Lists whose JSON the database makes, which looks at more tables.
TOLD: dict[Any, tuple[type, Projection]] = {
    manager_queries.listing: (Execution, EXECUTION),
    events.listing: (EventRecord, EVENT_OR_LOG),
    operations.listing: (Operation, OPERATION),
    instances.listing: (NodeInstance, NODE_INSTANCE),
}


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_lists_on_sqlite(sqlite_conn: Connection, name: str, told: bool) -> None:
    plans: list[list[str]] = []

    @event.listens_for(sqlite_conn, "before_cursor_execute")
    def explain(conn: Connection, cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        if sql.startswith("SELECT"):
            plans.append(explain_sqlite(conn, sql, parameters))

    listing: Any
    filter: Any
    listing, filter, page, index = LISTS[name]
    if listing not in TOLD:
        listing(sqlite_conn, filter, page)
    elif told:
        projection = TOLD[listing][1]
        wanted = replace(filter, tenant=TENANT) if projection is OPERATION else filter
        json_page(sqlite_conn, listing(wanted), projection, None, page)
    else:
        listing(filter).read(sqlite_conn, TOLD[listing][0], page)
    assert [step for step in plans[0] if f"INDEX {index}" in step], plans[0]
    for plan in plans:
        assert not scans(plan), plan


def selects(conn: Connection) -> list[list[str]]:
    """The plans of the queries that follow, as they come."""
    plans: list[list[str]] = []

    @event.listens_for(conn, "before_cursor_execute")
    def explain(conn: Connection, cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        if sql.startswith("SELECT"):
            plans.append(explain_sqlite(conn, sql, parameters))

    return plans


def test_a_tenants_executions_are_counted_by_an_index_alone(sqlite_conn: Connection) -> None:
    plans = selects(sqlite_conn)
    # A full page says nothing about how many there are.
    filter = ExecutionFilter(tenant=TENANT, include_system_workflows=False)
    manager_queries.list_executions(sqlite_conn, filter, Page(size=0))
    assert any("COVERING INDEX ix_executions_tenant_created_at" in step for step in plans[-1]), plans


def test_executions_that_left_operations_running_are_found_by_what_runs(sqlite_conn: Connection) -> None:
    plans = selects(sqlite_conn)
    filter = ExecutionFilter(tenant=TENANT, ids=["e1"], residual=True)
    json_page(sqlite_conn, manager_queries.listing(filter), EXECUTION, None, NEWEST)
    assert "SEARCH executions USING INDEX sqlite_autoindex_executions_1 (id=?)" in plans[0], plans
    assert "SCAN operations USING INDEX ix_operations_started" in plans[0], plans


def test_events_of_a_deployment_are_chosen_by_an_index_alone(sqlite_conn: Connection) -> None:
    plans = selects(sqlite_conn)
    filter = EventFilter(tenant=TENANT, deployment_ids=["d1"])
    events.listing(filter).read(sqlite_conn, EventRecord, Page(size=100))
    assert "SEARCH events USING COVERING INDEX ix_events_execution_id_id (execution_id=?)" in plans[0]


def test_the_newest_executions_are_not_sorted(sqlite_conn: Connection) -> None:
    steps: list[str] = []

    @event.listens_for(sqlite_conn, "before_cursor_execute")
    def explain(conn: Connection, cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        steps.extend(explain_sqlite(conn, sql, parameters))

    manager_queries.list_executions(sqlite_conn, ExecutionFilter(tenant=TENANT), NEWEST)
    assert [step for step in steps if "ix_executions_tenant_created_at" in step], steps
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps
