"""Lists narrowed by filter rules, labels and stored filters, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from stored import NOW, TENANT, at, create, deploy, start

from cloudwright.errors import Conflict, NotFound
from cloudwright.model.execution import Outcome
from cloudwright.model.filter_rules import ATTRIBUTES, InvalidFilterRule, parse_rules
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import blueprints, deployments, labels
from cloudwright.storage.executions import ending
from cloudwright.storage.filters import BlueprintFilter, DeploymentFilter
from cloudwright.storage.instances import add_instances
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import Blueprint
from cloudwright.storage.store import Store
from cloudwright.storage.stored_filters import FILTERS, StoredFilter
from cloudwright.storage.visibility import Scope

Rule = dict[str, Any]


def label(key: str, operator: str, *values: str) -> Rule:
    return {"type": "label", "key": key, "operator": operator, "values": list(values)}


def attribute(key: str, operator: str, *values: str) -> Rule:
    return {"type": "attribute", "key": key, "operator": operator, "values": list(values)}


def found(store: Store, *rules: Rule, page: Page = EVERYTHING) -> tuple[list[str], int]:
    parsed = parse_rules(rules, ATTRIBUTES["deployments"], labels=True)
    rows, total = store.read_sync(deployments.list_deployments, DeploymentFilter(TENANT, rules=parsed), page)
    return sorted(row.id for row in rows), total


def put_labels(store: Store, id: str, pairs: Sequence[tuple[str, str]], tenant: str = TENANT) -> None:
    made = [{"key": key, "value": value, "created_at": NOW.isoformat()} for key, value in pairs]
    store.write_sync(lambda conn: deployments.update(conn, tenant, id, at(1), labels=made))


@pytest.fixture
def labelled(store: Store) -> Store:
    for id in ("Red", "blue", "both", "none"):
        deploy(store, id, instances=0)
    deploy(store, "elsewhere", instances=0, tenant="other")
    put_labels(store, "Red", [("env", "prod"), ("colour", "café")])
    put_labels(store, "blue", [("env", "test")])
    put_labels(store, "both", [("env", "prod"), ("env", "test")])
    put_labels(store, "elsewhere", [("env", "prod")], "other")
    return store


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([label("env", "any_of", "prod")], ["Red", "both"]),
        ([label("ENV", "any_of", "prod", "test")], ["Red", "blue", "both"]),
        # The key is there, with another value.
        ([label("env", "not_any_of", "prod")], ["blue", "both"]),
        # The value is not there, nor need the key be.
        ([label("env", "is_not", "prod")], ["blue", "none"]),
        ([label("env", "is_null")], ["none"]),
        ([label("colour", "is_not_null")], ["Red"]),
        ([label("colour", "any_of", "café")], ["Red"]),
        # As another keyboard composes it.
        ([label("colour", "any_of", "cafe\u0301")], ["Red"]),
        ([label("env", "any_of", "prod"), label("env", "any_of", "test")], ["both"]),
        ([label("env", "any_of", "prod"), attribute("id", "any_of", "Red", "x")], ["Red"]),
        ([attribute("id", "contains", "RE")], ["Red"]),
        ([attribute("id", "contains", "bo", "ue")], ["blue", "both"]),
        ([attribute("id", "not_contains", "bo", "ue")], ["Red", "none"]),
        ([attribute("display_name", "starts_with", "B")], ["blue", "both"]),
        ([attribute("id", "ends_with", "D", "h")], ["Red", "both"]),
        # Characters with a meaning for patterns have none here.
        ([attribute("id", "contains", "%")], []),
        ([attribute("id", "contains", "b_")], []),
        ([attribute("blueprint_id", "not_any_of", "of-Red", "of-blue", "of-both")], ["none"]),
        ([attribute("site_name", "is_not_empty")], []),
        ([attribute("created_by", "any_of", "' OR 1=1 --")], []),
        ([label("env", "any_of", *[f"v{number}" for number in range(1000)], "test")], ["blue", "both"]),
        ([attribute("id", "any_of", *[f"d{number}" for number in range(1000)], "Red")], ["Red"]),
        ([attribute("id", "contains", *[f"d{number}" for number in range(99)], "ed")], ["Red"]),
    ],
)
def test_rules(labelled: Store, rules: list[Rule], expected: list[str]) -> None:
    assert found(labelled, *rules) == (expected, len(expected))


def test_a_page_counts_what_all_pages_have(labelled: Store) -> None:
    rule = label("env", "is_not_null")
    ids, total = found(labelled, rule, page=Page(1, 1, (("id", False),)))
    assert (len(ids), total) == (1, 3)
    assert found(labelled, rule, page=Page(5, 9))[1] == 3


def test_many_rules_at_once(labelled: Store) -> None:
    rules = [label(f"k{number}", "is_null") for number in range(98)]
    assert found(labelled, *rules, label("env", "any_of", "prod"), attribute("id", "contains", "d"))[0] == [
        "Red"
    ]


def test_states_are_seen_as_deployments_say_them(store: Store) -> None:
    for id in ("installed", "half", "failed", "running", "empty"):
        deploy(store, id, instances=0)
    for id in ("installed", "half", "failed", "running"):
        states = ["started", "creating" if id == "half" else "started"]
        made = [NodeInstance(f"{id}_{place}", "n1", id, state=state) for place, state in enumerate(states)]
        store.write_sync(add_instances, TENANT, made)
    start(store, "e1", "failed")
    store.write_sync(ending.finish, "e1", 1, Outcome.FAILED, error="no", now=at(1))
    create(store, "e2", "running")

    active = attribute("installation_status", "any_of", "active")
    assert found(store, active)[0] == ["failed", "installed", "running"]
    assert found(store, attribute("deployment_status", "any_of", "good"))[0] == ["installed"]
    assert found(store, attribute("deployment_status", "any_of", "in_progress"))[0] == ["running"]
    attention = attribute("deployment_status", "any_of", "requires_attention")
    assert found(store, attention)[0] == ["empty", "failed", "half"]


def test_labels_go_with_what_they_label(labelled: Store) -> None:
    table = labels.TABLES["deployments"]
    assert labelled.read_sync(labels.list_keys, table, TENANT, None, Page()) == (["colour", "env"], 2)
    assert labelled.read_sync(labels.list_values, table, TENANT, "env", None, Page(1)) == (["prod"], 2)
    assert labelled.read_sync(labels.list_values, table, TENANT, "env", "ES", Page()) == (["test"], 1)
    labelled.write_sync(deployments.delete, TENANT, "Red")
    put_labels(labelled, "both", [])
    assert labelled.read_sync(labels.list_keys, table, TENANT, None, Page()) == (["env"], 1)
    assert labelled.read_sync(labels.list_values, table, TENANT, "env", None, Page()) == (["test"], 1)
    assert labelled.read_sync(labels.list_values, table, None, "env", None, Page()) == (["prod", "test"], 2)


def test_blueprints_by_rules(store: Store) -> None:
    for id, state in (("a1", "uploaded"), ("a2", "invalid")):
        made = [{"key": "env", "value": id, "created_at": NOW.isoformat()}]
        store.write_sync(blueprints.create, Blueprint(id, state=state, labels=made), NOW)
    for rule, expected in (
        (attribute("state", "any_of", "invalid"), ["a2"]),
        (label("env", "any_of", "a1"), ["a1"]),
        (attribute("tenant_name", "any_of", "other"), []),
    ):
        rules = parse_rules([rule], ATTRIBUTES["blueprints"], labels=True)
        rows, _ = store.read_sync(
            blueprints.list_blueprints, BlueprintFilter(TENANT, rules=rules), EVERYTHING
        )
        assert [row.id for row in rows] == expected


def test_a_rule_about_what_a_list_does_not_have_is_refused(store: Store) -> None:
    rules = parse_rules([attribute("colour", "any_of", "x")], ["colour"], labels=True)
    with pytest.raises(InvalidFilterRule, match="no attribute `colour`"):
        store.read_sync(deployments.list_deployments, DeploymentFilter(TENANT, rules=rules), EVERYTHING)


@pytest.mark.parametrize("resource", ["deployments", "blueprints"])
def test_stored_filters(store: Store, resource: str) -> None:
    filters = FILTERS[resource]
    rules = [label("env", "any_of", "a")]
    mine = StoredFilter(TENANT, "f", rules, "tenant", "eve", NOW, NOW)
    assert store.write_sync(filters.create, mine) == mine
    with pytest.raises(Conflict, match=f"a filter of {resource} `f` in tenant `default_tenant` already"):
        store.write_sync(filters.create, mine)
    shared = StoredFilter("other", "shared", rules, "global", None, NOW, NOW)
    hidden = StoredFilter("other", "hidden", rules, "tenant", None, NOW, NOW)
    store.write_sync(filters.create, shared)
    store.write_sync(filters.create, hidden)
    assert store.read_sync(filters.find, TENANT, "shared") == shared
    with pytest.raises(NotFound, match=f"There is no filter of {resource} `hidden`"):
        store.read_sync(filters.find, TENANT, "hidden")
    eve = Scope("eve", frozenset({TENANT}))
    rows, total = store.read_sync(filters.list, eve, None, Page(sort=(("tenant_name", True),)))
    assert ([row.id for row in rows], total) == (["shared", "f"], 2)
    assert store.read_sync(filters.list, None, "HID", Page())[0] == [hidden]
    changed = store.write_sync(filters.change, TENANT, "f", {"visibility": "global", "updated_at": at(1)})
    assert (changed.visibility, changed.rules) == ("global", rules)
    store.write_sync(filters.delete, TENANT, "f")
    with pytest.raises(NotFound):
        store.write_sync(filters.delete, TENANT, "f")
