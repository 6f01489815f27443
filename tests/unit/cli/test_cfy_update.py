"""What `cfy deployments update` says of a plan."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cloudwright.cli.deployment_updates import destroys, plan_lines


def plan(*changes: tuple[str, str, str, str], **more: Any) -> Any:
    keys = ("id", "node_id", "action", "reason")
    listed = [dict(zip(keys, change, strict=True)) for change in changes]
    return cast("Any", {"steps": [], "changed": {}, "instance_changes": listed, **more})


def test_a_plan_is_counted_first_and_then_said() -> None:
    shown = plan(
        ("web_1", "web", "replace", "property port changed"),
        ("cache_1", "cache", "add", "new node"),
        ("old_1", "old", "remove", "its node goes"),
        ("old_2", "old", "remove", "its node goes"),
        steps=[
            {"action": "add", "entity_id": ["nodes", "cache"]},
            {"action": "modify", "entity_id": ["outputs", "url"]},
        ],
        changed={"web": ["properties:port"], "db": ["plugins_to_install"]},
    )
    assert plan_lines(shown) == [
        "Instances: 1 to recreate, 1 to add, 2 to remove.",
        "  -/+ web_1 (property port changed)",
        "  +   cache_1 (new node)",
        "  -   old_1 (its node goes)",
        "  -   old_2 (its node goes)",
        "  ~   node db (plugins)",
        "  ~   outputs:url",
    ]
    assert plan_lines(plan()) == ["Instances: none changes."]


@pytest.mark.parametrize(
    ("action", "asked"), [("replace", True), ("remove", True), ("add", False), ("update", False)]
)
def test_what_destroys_is_asked_about(action: str, asked: bool) -> None:
    assert destroys(plan(("web_1", "web", action, "why"))) == asked
    assert not destroys(plan())
