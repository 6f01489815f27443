"""The availability rules of workflows."""

from __future__ import annotations

from typing import Any

import pytest

from cloudwright.planning.availability import needs_types, refusal_of_rules

NONE, SOME, ALL = {"uninitialized"}, {"started", "deleted"}, {"started"}
EMPTY: set[str] = set()


@pytest.mark.parametrize(
    ("allowed", "available_in"),
    [
        (["none"], [NONE, EMPTY]),
        (["partial"], [SOME]),
        (["all"], [ALL, EMPTY]),
        (["none", "partial"], [NONE, SOME, EMPTY]),
        (["all", "partial"], [SOME, ALL, EMPTY]),
        ([], []),
        (None, [NONE, SOME, ALL, EMPTY]),
    ],
)
def test_instances_that_are_started(allowed: list[str] | None, available_in: list[set[str]]) -> None:
    workflow = {"operation": "p.f", "availability_rules": {"node_instances_active": allowed}}
    found = [states for states in (NONE, SOME, ALL, EMPTY) if not refusal_of_rules(workflow, states, ())]
    assert found == available_in


def test_a_half_installed_deployment_has_none_active() -> None:
    workflow = {"operation": "p.f", "availability_rules": {"node_instances_active": ["all", "partial"]}}
    assert "`none`" in str(refusal_of_rules(workflow, {"creating", "uninitialized"}, ()))


@pytest.mark.parametrize("name", ["uninstall", "rollback"])
def test_what_cleans_up_is_always_available(name: str) -> None:
    workflow = {
        "operation": f"cloudify.plugins.workflows.{name}",
        "availability_rules": {"node_instances_active": ["all"]},
    }
    assert refusal_of_rules(workflow, {"creating"}, ()) is None
    assert refusal_of_rules({**workflow, "availability_rules": {"available": False}}, {"creating"}, ())


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        (None, False),
        ({}, False),
        ({"available": True}, False),
        ({"available": None}, False),
        ({"available": False}, True),
        ({"node_types_required": []}, False),
        ({"node_types_required": ["a", "b"]}, False),
        ({"node_types_required": ["c"]}, True),
        ({"available": True, "node_types_required": ["c"]}, True),
    ],
)
def test_other_rules(rules: dict[str, Any] | None, refused: bool) -> None:
    workflow = {"operation": "p.f", "availability_rules": rules}
    assert (refusal_of_rules(workflow, ALL, {"a", "root"}) is not None) == refused


def test_types_are_asked_for_only_if_a_rule_names_them() -> None:
    assert not needs_types({"w": {"availability_rules": None}, "x": {"availability_rules": {}}})
    assert needs_types({"w": {"availability_rules": {"node_types_required": ["a"]}}})
