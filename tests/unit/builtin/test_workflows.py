"""The other built-in workflows, and what a resumed one does."""

from __future__ import annotations

from typing import Any

import pytest
from fake_host import FakeHost, instances_of, label, node, relationship

WORKFLOWS = "cloudify.plugins.workflows"
ALL = ["create", "configure", "start", "stop", "delete", "pull", "my.own.operation"]
NODES = [
    node("vm", ALL, host=True, properties={"agent_config": {"install_method": "none"}}, instances=2),
    node("app", ALL, relationships=[relationship("vm", source=["establish", "unlink"])]),
    node("silent"),
]


def run(workflow: str, state: str = "started", **parameters: Any) -> FakeHost:
    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.{workflow}", instances=instances_of(NODES, state))
    end = host.run(**parameters)
    assert end == {"outcome": "terminated", "result": None, "error": None}
    return host


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({}, ["vm_1", "vm_2", "app_1"]),
        ({"node_ids": ["app"]}, ["app_1"]),
        ({"node_instance_ids": ["vm_2"]}, ["vm_2"]),
        ({"type_names": ["cloudify.nodes.Compute"]}, ["vm_1", "vm_2"]),
        ({"type_names": ["cloudify.nodes.Root"], "node_instance_ids": ["vm_1", "app_1"]}, ["vm_1", "app_1"]),
        ({"node_ids": ["app"], "node_instance_ids": ["vm_1"]}, []),
        ({"node_ids": [], "type_names": []}, ["vm_1", "vm_2", "app_1"]),
    ],
)
def test_an_operation_runs_where_all_filters_let_it(which: dict[str, Any], expected: list[str]) -> None:
    host = run("execute_operation", operation="my.own.operation", **which)
    assert [item["instance"] for item in host.books.sent] == expected
    assert {item["name"] for item in host.books.sent} <= {"my.own.operation"}


def test_an_operation_is_given_its_inputs_and_they_are_told() -> None:
    host = run("execute_operation", operation="my.own.operation", operation_kwargs={"a": 1}, node_ids=["app"])
    assert host.books.sent[0]["inputs"] == {"a": 1}
    assert host.books.said() == [
        "Operation my.own.operation begins with inputs {'a': 1}",
        "Operation my.own.operation has ended",
    ]


def test_instances_that_were_not_chosen_still_stand_between_those_that_were() -> None:
    nodes = [
        node("a", ["x.y"]),
        node("b", ["x.y"], relationships=[relationship("a")]),
        node("c", ["x.y"], relationships=[relationship("b")]),
    ]
    host = FakeHost(nodes, mapping=f"{WORKFLOWS}.execute_operation")
    host.run(operation="x.y", node_ids=["c", "a"], run_by_dependency_order=True)
    assert [item["instance"] for item in host.books.sent] == ["a_1", "c_1"]


@pytest.mark.parametrize("name", ["start", "stop", "pull"])
def test_one_operation_of_all_instances_in_their_order(name: str) -> None:
    host = run(name, operation_parms={"a": 1}, run_by_dependency_order=True)
    assert sorted(host.books.run_order()[:2]) == [f"{name} vm_1", f"{name} vm_2"]
    assert host.books.run_order()[2:] == [f"{name} app_1"]
    assert all(item["inputs"] == {"a": 1} for item in host.books.sent)
    assert host.books.states == {}


def test_restart_stops_everything_before_it_starts_anything() -> None:
    host = run("restart", stop_parms={"a": 1}, start_parms={"b": 2})
    order = host.books.run_order()
    assert [item.partition(" ")[0] for item in order] == ["stop"] * 3 + ["start"] * 3
    assert [item["inputs"] for item in host.books.sent] == [{"a": 1}] * 3 + [{"b": 2}] * 3


def test_reinstall_takes_down_and_installs_with_what_is_true_by_then() -> None:
    host = run("reinstall", node_ids=["app"])
    assert host.books.run_order() == [
        "stop app_1",
        "unlink app_1>vm_1 source",
        "unlink app_1>vm_2 source",
        "delete app_1",
        "create app_1",
        "configure app_1",
        "start app_1",
        "establish app_1>vm_1 source",
        "establish app_1>vm_2 source",
    ]
    assert host.books.states == {"app_1": "started"}
    assert [call["method"] for call in host.calls] == ["node_instances"]


def test_a_dry_run_of_an_installation_says_what_it_would_do() -> None:
    execution: dict[str, Any] = {**FakeHost().begin["execution"], "dry_run": True}
    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.install", execution=execution)
    assert host.outcome() == "terminated"
    assert host.books.sent == []
    assert host.books.states == {}
    said = host.books.said()
    assert said.count("`lab.create` started (dry run)") == 3
    assert said.count("Creating") == 3


# Resumed.


def crash_at(name: str, *, first: Any = None) -> Any:
    """The manager dies when this operation was sent for the first time; ``first`` may do something with it
    before.
    """
    crashed: list[int] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if label(operation) == name and not crashed:
            crashed.append(1)
            if first is not None:
                first(host, operation)
            host.crash()
        else:
            host.succeed(operation)

    return behaviour


@pytest.mark.parametrize("workflow", ["install", "uninstall", "reinstall", "start", "restart"])
@pytest.mark.parametrize("number", range(6))
def test_a_workflow_that_was_interrupted_anywhere_does_everything_once(workflow: str, number: int) -> None:
    state = "uninitialized" if workflow == "install" else "started"
    whole = FakeHost(NODES, mapping=f"{WORKFLOWS}.{workflow}", instances=instances_of(NODES, state))
    assert whole.outcome() == "terminated"
    expected = sorted(whole.books.run_order())
    victim = whole.books.run_order()[min(number, len(expected) - 1)]
    host = FakeHost(
        NODES,
        mapping=f"{WORKFLOWS}.{workflow}",
        instances=instances_of(NODES, state),
        behaviour=crash_at(victim),
    )
    assert host.run() is None
    again = host.resumed(crash=True)
    assert again.outcome() == "terminated"
    done = [item for item in again.books.run_order() if not _is_clean_up(item, workflow)]
    done.remove(victim)  # sent, and never started, before the crash
    assert sorted(done) == expected
    assert again.books.states == whole.books.states


def _is_clean_up(item: str, workflow: str) -> bool:
    """A resumed installation undoes what an interrupted create or start may have done."""
    return workflow == "install" and item.partition(" ")[0] in ("stop", "delete")


@pytest.mark.parametrize(
    ("victim", "undone"),
    [("create app_1", ["delete app_1"]), ("start app_1", ["stop app_1"]), ("configure app_1", [])],
)
def test_what_failed_half_way_is_undone_before_it_is_done_again(victim: str, undone: list[str]) -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if label(operation) == victim and not host.begin["resume"]:
            host.fail(operation, recoverable=False)
        else:
            host.succeed(operation)

    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.install", behaviour=behaviour)
    assert host.outcome() == "failed"
    before = len(host.books.sent)
    again = host.resumed()
    assert again.outcome() == "terminated"
    assert again.books.run_order()[before:][: len(undone) + 1] == [*undone, victim]
    assert again.books.states["app_1"] == "started"


def test_an_undoing_that_was_interrupted_itself_continues_alone() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        order = host.books.run_order()
        if label(operation) == "create app_1" and not host.begin["resume"]:
            host.fail(operation, recoverable=False)
        elif label(operation) == "delete app_1" and order.count("delete app_1") == 1:
            host.start(operation)
            lost = {"message": "lost", "recoverable": True, "kind": "Lost"}
            host.books.end(operation, "failed", None, lost)
            host.crash()
        else:
            host.succeed(operation)

    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.install", behaviour=behaviour)
    assert host.outcome() == "failed"
    undoing = host.resumed()
    assert undoing.run() is None
    before = len(undoing.books.sent)
    again = undoing.resumed(crash=True)
    assert again.outcome() == "terminated"
    assert again.books.run_order()[before:][:3] == ["delete app_1", "create app_1", "configure app_1"]


def test_what_was_lost_is_not_undone_behind_its_back() -> None:
    def lose(host: FakeHost, operation: dict[str, Any]) -> None:
        host.start(operation)
        host.books.end(operation, "failed", None, {"message": "lost", "recoverable": True, "kind": "Lost"})

    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.install", behaviour=crash_at("create app_1", first=lose))
    assert host.run() is None
    again = host.resumed(crash=True)
    assert again.outcome() == "terminated"
    created = [item for item in again.books.sent if label(item) == "create app_1"]
    assert [item["resume"] for item in created] == [False, True]
    assert "delete app_1" not in again.books.run_order()


def test_a_reinstalled_instance_is_resumed_in_the_middle_of_it() -> None:
    nodes = [
        node("it", ["create", "start", "stop", "delete"]),
        node("after", ["create"], relationships=[relationship("it")]),
    ]

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        order = host.books.run_order()
        if label(operation) == "start it_1" and order.count("start it_1") == 1:
            host.fail(operation, recoverable=False)
        elif label(operation) == "delete it_1" and not host.begin["resume"]:
            host.crash()
        else:
            host.succeed(operation)

    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 600}
    host = FakeHost(nodes, mapping=f"{WORKFLOWS}.install", behaviour=behaviour, policy=policy)
    assert host.run() is None
    again = host.resumed(crash=True)
    assert again.outcome() == "terminated"
    assert again.books.run_order() == [
        "create it_1",
        "start it_1",
        "stop it_1",
        "delete it_1",
        "delete it_1",
        "create it_1",
        "start it_1",
        "create after_1",
    ]
    assert again.books.states == {"it_1": "started", "after_1": "started"}


def test_a_cancelled_installation_stops_and_goes_on_when_it_is_resumed() -> None:
    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if label(operation) == "configure vm_1" and not host.begin["resume"]:
            host.cancel()
        host.succeed(operation)

    host = FakeHost(NODES, mapping=f"{WORKFLOWS}.install", behaviour=behaviour)
    assert host.outcome() == "cancelled"
    assert "create app_1" not in host.books.run_order()
    again = host.resumed()
    assert again.outcome() == "terminated"
    order = again.books.run_order()
    assert len(order) == len(set(order))
    assert set(again.books.states.values()) == {"started"}
