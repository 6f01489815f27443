"""Which instances an update makes again, and why."""

from __future__ import annotations

from typing import Any

import pytest

from cloudwright.model.instance_changes import CHECK_DRIFT, Staying, decide, in_words

NONE = {
    "skip_reinstall": False,
    "force_reinstall": False,
    "skip_drift_check": False,
    "reinstall_list": [],
}
PORT = {"web": ["properties:port"]}
UPDATABLE = {
    CHECK_DRIFT: {"operation": "a.b"},
    "cloudify.interfaces.lifecycle.update": {"operation": "a.c"},
}


def web(state: str = "started", operations: dict[str, Any] | None = None) -> Staying:
    return Staying("web_1", "web", state, "vm_1", operations or {})


VM = Staying("vm_1", "vm", "started", None, {})
APP = Staying("app_1", "app", "started", "web_1", {})


def test_what_changed_is_made_anew_with_what_it_contains() -> None:
    decision = decide([VM, web(), APP], PORT, NONE)
    assert decision.replaced == {"web_1": "property port changed", "app_1": "contained in web_1"}
    assert decision.updated == {}


@pytest.mark.parametrize("options", [{}, {"skip_drift_check": True}, {"force_reinstall": True}])
def test_what_can_be_updated_is_updated(options: dict[str, Any]) -> None:
    decision = decide([VM, web(operations=UPDATABLE)], PORT, NONE | options)
    wanted = {"web_1": "property port changed"}
    assert (decision.updated, decision.replaced) == (({}, wanted) if options else (wanted, {}))


def test_an_operation_without_an_implementation_updates_nothing() -> None:
    declared: dict[str, Any] = {**UPDATABLE, CHECK_DRIFT: {"operation": ""}}
    assert decide([web(operations=declared)], PORT, NONE).replaced == {"web_1": "property port changed"}


@pytest.mark.parametrize("change", ["relationships:[0]", "capabilities", "plugins_to_install"])
def test_other_changes_make_nothing_anew(change: str) -> None:
    decision = decide([web()], {"web": [change]}, NONE)
    assert (decision.replaced, decision.updated) == ({}, {})


@pytest.mark.parametrize(
    ("state", "again"),
    [
        ("creating", True),
        ("deleted", True),
        ("configuring", True),
        ("starting", True),
        ("stopping", False),
        ("stopped", False),
    ],
)
def test_what_was_left_half_way_is_made_anew(state: str, again: bool) -> None:
    decision = decide([VM, web(state)], {}, NONE)
    assert decision.replaced == ({"web_1": f"it is {state}, not started"} if again else {})
    # A deployment that is not installed is not half-way.
    assert not decide([web("deleted")], PORT, NONE).replaced


def test_what_is_asked_for_and_what_is_ill() -> None:
    skipping = NONE | {"skip_reinstall": True, "reinstall_list": ["vm_1", "gone_1"]}
    decision = decide([VM, web()], PORT, skipping, ["web_1"])
    assert decision.replaced == {"vm_1": "reinstall_list", "web_1": "contained in vm_1"}
    decision = decide([VM, web()], {}, NONE, ["web_1"])
    assert decision.replaced == {"web_1": "its check failed, and it could not be healed"}


def test_changes_in_words() -> None:
    changes = ["properties:port", "operations:cloudify.interfaces.lifecycle.start", "type", "type"]
    assert in_words(changes) == "property port changed, operation lifecycle.start changed, type changed"


def test_an_operation_with_a_short_name_is_named_once() -> None:
    changes = ["operations:configure", "operations:cloudify.interfaces.lifecycle.configure"]
    assert in_words(changes) == "operation lifecycle.configure changed"
    assert in_words(["operations:mine.configure", "operations:start"]) == (
        "operation mine.configure changed, operation start changed"
    )
