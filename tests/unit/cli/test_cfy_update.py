"""What `cfy deployments update` says of a plan."""

from __future__ import annotations

from typing import Any, cast

from cloudwright.cli.deployment_updates import destroys, plan_lines


def test_a_plan_is_counted_first_and_then_said() -> None:
    plan: dict[str, Any] = {
        "steps": [
            {"action": "add", "entity_id": "nodes:cache"},
            {"action": "modify", "entity_id": "outputs:url"},
        ],
        "changed": {"web": ["properties:size", "operations:start"]},
        "deployment_update_node_instances": {
            "added_and_related": [{"id": "cache_1"}],
            "removed_and_related": [{"id": "old_1"}, {"id": "old_2"}],
        },
    }
    assert plan_lines(cast("Any", plan)) == [
        "1 instances to add, 1 nodes to change, 2 instances to remove.",
        "  + cache_1",
        "  ~ web: properties:size, operations:start",
        "  - old_1",
        "  - old_2",
        "  ~ outputs:url",
    ]


def test_what_is_to_be_made_anew_is_said_and_asked_about() -> None:
    nothing: Any = {
        "steps": [],
        "changed": {},
        "deployment_update_node_instances": {"added_and_related": [], "removed_and_related": []},
    }
    assert plan_lines(nothing, ["web_1"])[1:] == ["  -/+ web_1: in --reinstall-list"]
    assert destroys(nothing, ["web_1"])
    assert not destroys(nothing, [])
