"""Counts by the values of fields, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stored import TENANT, at, create, deploy, start

from cloudwright.errors import InvalidInput
from cloudwright.model.execution import Outcome
from cloudwright.model.schedule import Schedule
from cloudwright.storage import deployments, schedules, summaries
from cloudwright.storage.executions import ending
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.store import Store
from cloudwright.storage.summaries import FIELDS, Group

NIGHTLY = Schedule(
    tenant=TENANT,
    deployment_id="d1",
    id="nightly",
    workflow_id="install",
    parameters={},
    execution_arguments={},
    since=at(0),
    until=None,
    timezone=None,
    rule={"recurrence": "1 day"},
    slip=5,
    stop_on_fail=False,
    enabled=False,
    next_occurrence=None,
    position=None,
    latest_execution_id=None,
    forgiven_execution_id=None,
    version=0,
    created_by=None,
    created_at=at(0),
)


def count(
    store: Store,
    resource: str,
    target: str,
    part: str | None = None,
    *,
    tenant: str | None = TENANT,
    page: Page = EVERYTHING,
    **narrowed: list[str],
) -> tuple[list[Group], int]:
    return store.read_sync(summaries.count, resource, target, part, tenant, narrowed, page)


def test_groups_and_their_parts(store: Store) -> None:
    for id, tenant in (("d1", TENANT), ("d2", TENANT), ("d3", "other")):
        deploy(store, id, instances=0, tenant=tenant)
    store.write_sync(lambda conn: deployments.update(conn, TENANT, "d2", at(1), site_name="attic"))
    start(store, "e1", "d1")
    store.write_sync(ending.finish, "e1", 1, Outcome.TERMINATED, now=at(1))
    create(store, "e2", "d1")
    create(store, "e3", "d2")

    assert count(store, "deployments", "site_name") == ([Group(None, 1), Group("attic", 1)], 2)
    assert count(store, "deployments", "site_name", "blueprint_id")[0] == [
        Group(None, 1, [("of-d1", 1)]),
        Group("attic", 1, [("of-d2", 1)]),
    ]
    assert count(store, "deployments", "tenant_name", tenant=None)[0] == [
        Group(TENANT, 2),
        Group("other", 1),
    ]
    assert count(store, "executions", "deployment_id", "status_display")[0] == [
        Group("d1", 2, [("completed", 1), ("pending", 1)]),
        Group("d2", 1, [("pending", 1)]),
    ]
    assert count(store, "executions", "status", deployment_id=["d2"])[0] == [Group("pending", 1)]
    second = count(store, "executions", "deployment_id", "status", page=Page(1, 1))
    assert second == ([Group("d2", 1, [("pending", 1)])], 2)
    assert count(store, "executions", "status", status=["failed"]) == ([], 0)
    assert count(store, "nodes", "visibility")[0] == [Group("tenant", 2)]


@pytest.mark.parametrize("resource", sorted(FIELDS))
def test_every_field_can_be_counted_by_every_other(store: Store, resource: str) -> None:
    deploy(store, instances=1)
    create(store)
    store.write_sync(schedules.add, NIGHTLY)
    for target in FIELDS[resource]:
        for part in (*FIELDS[resource], None):
            groups, total = count(store, resource, target, part)
            assert len(groups) == total == 1
            assert sum(number for _, number in groups[0].parts) == (groups[0].count if part else 0)
    with pytest.raises(InvalidInput, match="has no field `id`"):
        count(store, resource, "id")


def test_schedules_by_what_they_recur_after(store: Store) -> None:
    deploy(store)
    store.write_sync(schedules.add, NIGHTLY)
    store.write_sync(schedules.add, replace(NIGHTLY, id="by-rule", rule={"rrule": "FREQ=DAILY"}))
    found, _ = count(store, "execution_schedules", "deployment_id", "recurrence")
    assert found == [Group("d1", 2, [(None, 1), ("1 day", 1)])]
