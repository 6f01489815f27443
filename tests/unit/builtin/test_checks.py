"""``check_status`` and ``check_drift``: what is kept of what an operation says, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from fake_host import FakeHost, instances_of, label, node, relationship

WORKFLOWS = "cloudify.plugins.workflows"
STATUS = "cloudify.interfaces.validation.check_status"
NODES = [
    node("vm", {STATUS: {}, "check_drift": {}}),
    node("app", {STATUS: {}, "check_drift": {}}, relationships=[relationship("vm", source=["check_drift"])]),
    node("plain"),
]


def fail(*labels: str, kind: str = "ValueError", message: str = "it is ill") -> Any:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if label(operation) in labels:
            host.fail(operation, kind=kind, message=message)
        else:
            host.succeed(operation, result=None if "status" in operation["name"] else {"size": 3})

    return behaviour


def run(workflow: str, behaviour: Any = None, outcome: str = "terminated", **parameters: Any) -> FakeHost:
    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.{workflow}", behaviour=behaviour or fail())
    assert _outcome(host, **parameters) == outcome
    return host


def _outcome(host: FakeHost, **parameters: Any) -> str:
    end = host.run(**parameters)
    assert end is not None
    return str(end["outcome"])


def test_a_status_is_kept_with_the_one_before() -> None:
    host = run("check_status")
    assert set(host.books.system) == {"vm_1", "app_1"}
    kept = host.books.system["vm_1"]["status"]
    assert kept["ok"] is True
    assert kept["task"] == "lab.check_status"
    instances = instances_of(NODES)
    instances[0]["system_properties"] = {"status": kept}
    again = FakeHost(
        NODES,
        mapping=f"{WORKFLOWS}.check_status",
        instances=instances,
        behaviour=fail("check_status vm_1"),
    )
    assert _outcome(again) == "failed"
    now = again.books.system["vm_1"]
    assert (now["status"]["ok"], now["status"]["result"]) == (False, "it is ill")
    assert now["previous_status"] == kept


def test_a_check_is_made_once() -> None:
    host = run("check_status", fail("check_status vm_1"), "failed", node_ids=["vm"])
    assert host.books.run_order() == ["check_status vm_1"]


def test_a_check_that_asks_to_be_run_again_is_run_again_by_a_healing() -> None:
    asked: list[str] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if label(operation) == "check_status vm_1" and not asked:
            asked.append(operation["id"])
            host.fail(operation, kind="OperationRetry", message="look again")
        else:
            host.succeed(operation, result=None)

    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.auto_heal_reinstall_node_subgraph", behaviour=behaviour)
    assert _outcome(host, node_instance_id="vm_1") == "terminated"
    assert host.books.run_order() == ["check_status vm_1", "check_status vm_1"]
    assert host.books.system["vm_1"]["status"]["ok"]


def test_failures_can_be_ignored() -> None:
    host = run("check_status", fail("check_status vm_1"), ignore_failure=True)
    assert not host.books.system["vm_1"]["status"]["ok"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Lost", "lost"),
        ("ProcessDied", "killed by signal 9"),
        ("Unavailable", "The operation could not be started: no pip"),
    ],
)
@pytest.mark.parametrize("workflow", ["check_status", "check_drift"])
def test_a_check_that_did_not_end_by_itself_says_nothing(workflow: str, kind: str, message: str) -> None:
    said = fail(f"{workflow} vm_1", kind=kind, message=message)
    host = run(workflow, said, "failed", node_ids=["vm"])
    kept = host.books.system.get("vm_1", {})
    assert set(kept) == ({"status_unknown"} if workflow == "check_status" else set())
    if kept:
        assert kept["status_unknown"]["reason"] == message


def test_drift_is_kept_for_instances_and_for_both_ends_of_relationships() -> None:
    host = run("check_drift")
    assert host.books.run_order() == [
        "check_drift vm_1",
        "check_drift app_1",
        "check_drift app_1>vm_1 source",
    ]
    assert host.books.system["vm_1"]["configuration_drift"]["result"] == {"size": 3}
    assert host.books.system["app_1"]["source_relationships_configuration_drift"]["vm_1"]["ok"]


def test_a_dry_run_keeps_nothing() -> None:
    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.check_status", execution={"dry_run": True})
    assert _outcome(host) == "terminated"
    assert host.books.system == {}


def test_a_cancel_leaves_what_was_known() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.cancel()

    host = run("check_status", behaviour, "cancelled", run_by_dependency_order=True)
    assert host.books.system == {}
