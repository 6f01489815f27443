"""What installing and uninstalling runs, in which order, and what is said about node instances meanwhile."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from fake_host import CONNECTED, CONTAINED, FakeHost, instances_of, label, node, relationship
from hypothesis import given, settings
from hypothesis import strategies as st

LIFE = ["precreate", "create", "configure", "start", "poststart", "prestop", "stop", "delete", "postdelete"]
AROUND = [
    "cloudify.interfaces.validation.create",
    "cloudify.interfaces.validation.delete",
    "cloudify.interfaces.monitoring.start",
    "cloudify.interfaces.monitoring.stop",
]
RELATION = ["preconfigure", "postconfigure", "establish", "unlink"]
NO_AGENT = {"agent_config": {"install_method": "none"}}


def run(
    workflow: str, nodes: list[dict[str, Any]], state: str = "uninitialized", **parameters: Any
) -> FakeHost:
    host = FakeHost(
        nodes,
        mapping=f"cloudify.plugins.workflows.{workflow}",
        instances=instances_of(nodes, state),
        **parameters,
    )
    end = host.run()
    assert end == {"outcome": "terminated", "result": None, "error": None}
    return host


def everything(name: str = "it", **settings: Any) -> dict[str, Any]:
    return node(name, [*LIFE, *AROUND], **settings)


def test_everything_that_an_instance_can_do_is_installed_in_this_order() -> None:
    nodes = [
        everything("vm"),
        everything("app", relationships=[relationship("vm", CONTAINED, RELATION, RELATION)]),
    ]
    host = run("install", nodes)
    order = host.books.run_order()
    of_app = [item for item in order if item.endswith("app_1") or "app_1>" in item]
    assert [item.replace(" app_1>vm_1", "").replace(" app_1", "") for item in of_app] == [
        "create",  # validation
        "precreate",
        "create",
        "preconfigure source",
        "preconfigure target",
        "configure",
        "postconfigure source",
        "postconfigure target",
        "start",
        "poststart",
        "start",  # monitoring
        "establish source",
        "establish target",
    ]
    assert [item["name"] for item in host.books.sent if label(item) == "create app_1"] == [
        "cloudify.interfaces.validation.create",
        "cloudify.interfaces.lifecycle.create",
    ]
    assert max(
        order.index(item) for item in order if item.endswith("vm_1") and ">" not in item
    ) < order.index(of_app[0])
    states = [(id, state) for kind, *rest in host.books.entries if kind == "state" for id, state in [rest]]
    assert [state for id, state in states if id == "app_1"] == [
        "initializing",
        "creating",
        "created",
        "configuring",
        "configured",
        "starting",
        "started",
    ]


def test_everything_that_an_instance_can_do_is_uninstalled_in_this_order() -> None:
    nodes = [
        everything("vm"),
        everything("app", relationships=[relationship("vm", CONTAINED, RELATION, RELATION)]),
    ]
    host = run("uninstall", nodes, "started")
    order = host.books.run_order()
    of_app = [item for item in order if item.endswith("app_1") or "app_1>" in item]
    assert [item.replace(" app_1>vm_1", "").replace(" app_1", "") for item in of_app] == [
        "delete",  # validation
        "stop",  # monitoring
        "prestop",
        "stop",
        "unlink source",
        "unlink target",
        "delete",
        "postdelete",
    ]
    assert order.index(of_app[-1]) < min(
        order.index(item) for item in order if item.endswith("vm_1") and ">" not in item
    )
    states = [
        state
        for kind, *rest in host.books.entries
        if kind == "state"
        for id, state in [rest]
        if id == "app_1"
    ]
    assert states == ["stopping", "stopped", "deleting", "deleted"]


def test_an_instance_with_nothing_to_do_is_started_and_deleted_all_the_same() -> None:
    host = run("install", [node("it")])
    assert host.books.states == {"it_1": "started"}
    assert host.books.said() == ["Started: there was nothing to run"]
    assert run("uninstall", [node("it")], "started").books.states == {"it_1": "deleted"}


# A host and its agent.


@pytest.mark.parametrize(
    ("properties", "installed", "uninstalled"),
    [
        (NO_AGENT, ["start", "get_state"], ["stop", "delete"]),
        ({"install_agent": False}, ["start", "get_state"], ["stop", "delete"]),
        (
            {"agent_config": {"install_method": "remote"}},
            ["start", "get_state", "create agent"],
            ["stop agent", "delete agent", "stop", "delete"],
        ),
        (
            {"agent_config": {"install_method": "init_script"}},
            ["start", "get_state", "create agent", "start agent"],
            ["stop_amqp agent", "delete agent", "stop", "delete"],
        ),
        (
            {"agent_config": {"install_method": "provided"}},
            ["start", "get_state", "create agent"],
            ["delete agent", "stop", "delete"],
        ),
    ],
)
def test_a_host_gets_its_agent_after_it_started_and_loses_it_before_it_stops(
    properties: dict[str, Any], installed: list[str], uninstalled: list[str]
) -> None:
    agent = "cloudify.interfaces.cloudify_agent"
    names = ["start", "stop", "delete", "cloudify.interfaces.host.get_state"]
    names += [f"{agent}.{name}" for name in ("create", "start", "stop", "stop_amqp", "delete")]
    nodes = [node("vm", names, host=True, properties=properties)]

    def seen(host: FakeHost) -> list[str]:
        return [
            item["name"].rpartition(".")[2] + (" agent" if agent in item["name"] else "")
            for item in host.books.sent
        ]

    def up(host: FakeHost, operation: dict[str, Any]) -> None:
        host.succeed(operation, result=True)

    host = FakeHost(nodes, mapping="cloudify.plugins.workflows.install", behaviour=up)
    assert host.outcome() == "terminated"
    assert seen(host) == installed
    assert seen(run("uninstall", nodes, "started")) == uninstalled


def test_a_host_is_asked_until_it_is_up() -> None:
    nodes = [
        node(
            "vm", ["start", "poststart", "cloudify.interfaces.host.get_state"], host=True, properties=NO_AGENT
        )
    ]

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        host.succeed(operation, result=len(host.books.sent) == 5)

    policy = {"task_retries": 0, "task_retry_interval": 15, "subgraph_retries": 0, "wait_after_fail": 600}
    host = FakeHost(nodes, mapping="cloudify.plugins.workflows.install", behaviour=behaviour, policy=policy)
    assert host.outcome() == "terminated"
    assert host.books.run_order() == ["start vm_1", *["get_state vm_1"] * 4, "poststart vm_1"]
    assert host.clock.now == 1045.0


# By the state that it is in.


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("uninitialized", ["create v", "precreate", "create", "configure", "start", "poststart"]),
        ("creating", ["create", "configure", "start", "poststart"]),
        ("created", ["configure", "start", "poststart"]),
        ("configuring", ["configure", "start", "poststart"]),
        ("configured", ["start", "poststart"]),
        ("starting", ["start", "poststart"]),
        ("started", []),
        ("deleted", ["create v", "precreate", "create", "configure", "start", "poststart"]),
    ],
)
def test_an_installation_goes_on_from_the_instance_s_state(state: str, expected: list[str]) -> None:
    nodes = [node("it", [*LIFE, "cloudify.interfaces.validation.create"])]
    host = run("install", nodes, state)
    names = [
        item["name"].rpartition(".")[2] + (" v" if "validation" in item["name"] else "")
        for item in host.books.sent
    ]
    assert names == expected
    assert host.books.states == {"it_1": "started"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("started", ["prestop", "stop", "delete", "postdelete"]),
        ("starting", ["prestop", "stop", "delete", "postdelete"]),
        ("stopped", ["delete", "postdelete"]),
        ("configured", ["delete", "postdelete"]),
        ("deleting", ["delete", "postdelete"]),
        ("deleted", []),
        ("uninitialized", []),
    ],
)
def test_an_uninstallation_goes_on_from_the_instance_s_state(state: str, expected: list[str]) -> None:
    host = run("uninstall", [node("it", LIFE)], state)
    assert [item.removesuffix(" it_1") for item in host.books.run_order()] == expected
    assert host.books.states == ({} if state == "deleted" else {"it_1": "deleted"})


@pytest.mark.parametrize(
    ("state", "expected", "after"),
    [
        ("creating", ["delete", "postdelete"], "uninitialized"),
        ("configuring", ["delete", "postdelete"], "uninitialized"),
        ("starting", ["prestop", "stop"], "configured"),
        ("started", [], None),
        ("uninitialized", [], None),
    ],
)
def test_a_rollback_takes_an_instance_back_to_where_it_can_stay(
    state: str, expected: list[str], after: str | None
) -> None:
    host = run("rollback", [node("it", LIFE)], state)
    assert [item.removesuffix(" it_1") for item in host.books.run_order()] == expected
    assert host.books.states.get("it_1") == after


def test_a_full_rollback_takes_everything_down() -> None:
    nodes = [node("it", LIFE), node("other", LIFE)]
    instances = instances_of(nodes)
    instances[0]["state"], instances[1]["state"] = "starting", "started"
    host = FakeHost(nodes, mapping="cloudify.plugins.workflows.rollback", instances=instances)
    assert host.outcome(full_rollback=True) == "terminated"
    assert host.books.run_order()[:2] == ["prestop it_1", "stop it_1"]
    assert host.books.states == {"it_1": "deleted", "other_1": "deleted"}


# Together.


def test_relationships_are_followed_in_the_blueprint_s_order_and_backwards_when_unlinked() -> None:
    nodes = [
        node("a"),
        node("b", instances=2),
        node(
            "it",
            relationships=[relationship("b", CONNECTED, RELATION), relationship("a", CONNECTED, RELATION)],
        ),
    ]
    order = run("install", nodes).books.run_order()
    assert [item for item in order if item.startswith("establish")] == [
        "establish it_1>b_1 source",
        "establish it_1>b_2 source",
        "establish it_1>a_1 source",
    ]
    backwards = run("uninstall", nodes, "started").books.run_order()
    assert backwards[0] == "unlink it_1>a_1 source"
    assert sorted(backwards[1:]) == ["unlink it_1>b_1 source", "unlink it_1>b_2 source"]


@pytest.mark.parametrize(("awaited", "waits_for"), [("create", "create"), ("", "start"), ("precreate", None)])
def test_an_instance_may_wait_for_one_operation_of_its_target_only(
    awaited: str, waits_for: str | None
) -> None:
    nodes = [
        node("slow", ["create", "configure", "start"]),
        node(
            "it", ["create"], relationships=[relationship("slow", "wait", properties={"operation": awaited})]
        ),
    ]
    held: list[dict[str, Any]] = []

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        if label(operation) == "configure slow_1":
            host.start(operation)
            held.append(operation)
            host.answers["ping"] = lambda: host.finish(held.pop()) if held else None
        else:
            host.succeed(operation)

    host = FakeHost(nodes, mapping="cloudify.plugins.workflows.install", behaviour=behaviour)
    assert host.outcome() == "terminated"
    order = host.books.run_order()
    if waits_for is not None:
        assert order.index("create it_1") > order.index(f"{waits_for} slow_1")
    if awaited:
        assert order.index("create it_1") < order.index("start slow_1")


def test_instances_that_stay_establish_and_unlink_what_they_have_to_those_that_do_not() -> None:
    nodes = [
        node("new", ["create", "delete"]),
        node("old", ["create", "delete"], relationships=[relationship("new", CONNECTED, RELATION, RELATION)]),
        node("apart", ["create"]),
    ]
    host = FakeHost(nodes, mapping="cloudify.plugins.workflows.install")
    assert host.outcome(node_ids=["new"]) == "terminated"
    assert host.books.run_order() == [
        "create new_1",
        "establish old_1>new_1 source",
        "establish old_1>new_1 target",
    ]
    assert host.books.states == {"new_1": "started"}
    down = FakeHost(
        nodes, mapping="cloudify.plugins.workflows.uninstall", instances=instances_of(nodes, "started")
    )
    assert down.outcome(node_instance_ids=["new_1"]) == "terminated"
    assert down.books.run_order() == [
        "unlink old_1>new_1 source",
        "unlink old_1>new_1 target",
        "delete new_1",
    ]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_dependencies_hold_in_both_directions_whatever_the_topology(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 7))
    nodes, edges = [], []
    for number in range(size):
        targets = data.draw(st.sets(st.integers(0, number - 1), max_size=2)) if number else set()
        edges += [(number, target) for target in targets]
        nodes.append(
            node(
                f"n{number}",
                ["create", "start", "stop", "delete"],
                instances=data.draw(st.integers(1, 2)),
                relationships=[relationship(f"n{target}") for target in sorted(targets)],
            )
        )
    up, down = run("install", nodes), run("uninstall", nodes, "started")
    for host, first, last in ((up, "create", "start"), (down, "stop", "delete")):
        order = [
            (item["instance"].partition("_")[0], item["name"].rpartition(".")[2]) for item in host.books.sent
        ]
        for source, target in edges:
            before, after = (target, source) if host is up else (source, target)
            ends = max(place for place, item in enumerate(order) if item == (f"n{before}", last))
            begins = min(place for place, item in enumerate(order) if item == (f"n{after}", first))
            assert ends < begins
        assert len(order) == 2 * sum(item["instances"]["deploy"] for item in nodes)


# When an operation fails.


def failing(*labels: str, times: int = 99) -> Any:
    counts: dict[str, int] = {}

    def behaviour(host: FakeHost, operation: dict[str, Any]) -> None:
        name = label(operation)
        counts[name] = counts.get(name, 0) + 1
        if name in labels and counts[name] <= times:
            host.fail(operation, recoverable=False)
        else:
            host.succeed(operation)

    return behaviour


def test_a_failed_installation_leaves_the_states_true() -> None:
    nodes = [
        node("vm", ["create", "start"]),
        node("app", ["create"], relationships=[relationship("vm")]),
        node("free", ["create"]),
    ]
    host = FakeHost(nodes, mapping="cloudify.plugins.workflows.install", behaviour=failing("start vm_1"))
    end = host.run()
    assert end is not None
    assert end["outcome"] == "failed"
    assert "`cloudify.interfaces.lifecycle.start` of `vm_1`" in end["error"]["message"]
    assert host.books.states == {"vm_1": "starting", "free_1": "started"}


def test_failures_may_be_ignored_when_things_are_taken_down() -> None:
    nodes = [
        node("vm", ["stop", "delete"]),
        node("app", ["stop", "delete"], relationships=[relationship("vm", CONNECTED, ["unlink"])]),
    ]
    host = FakeHost(
        nodes,
        mapping="cloudify.plugins.workflows.uninstall",
        instances=instances_of(nodes, "started"),
        behaviour=failing("stop app_1", "unlink app_1>vm_1 source", "delete vm_1"),
    )
    assert host.outcome(ignore_failure=True) == "terminated"
    assert host.books.states == {"vm_1": "deleted", "app_1": "deleted"}
    assert sum("is ignored" in message for message in host.books.said()) == 3
    assert len(host.books.sent) == 5


def test_and_fail_the_workflow_otherwise() -> None:
    nodes = [node("it", ["stop", "delete"])]
    host = FakeHost(
        nodes,
        mapping="cloudify.plugins.workflows.uninstall",
        instances=instances_of(nodes, "started"),
        behaviour=failing("stop it_1"),
    )
    assert host.outcome() == "failed"
    assert host.books.states == {"it_1": "stopping"}


@pytest.mark.parametrize(
    ("retries", "outcome", "rounds"), [(1, "terminated", 1), (3, "terminated", 2), (1, "failed", 3)]
)
def test_an_instance_is_reinstalled_where_subgraphs_have_retries(
    retries: int, outcome: str, rounds: int
) -> None:
    nodes = [
        node("it", ["create", "start", "stop", "delete"]),
        node("after", ["create"], relationships=[relationship("it")]),
    ]
    policy = {
        "task_retries": 0,
        "task_retry_interval": 1,
        "subgraph_retries": retries,
        "wait_after_fail": 600,
    }
    host = FakeHost(
        nodes,
        mapping="cloudify.plugins.workflows.install",
        policy=policy,
        behaviour=failing("start it_1", times=rounds),
    )
    assert host.outcome() == outcome
    again = ["stop it_1", "delete it_1", "create it_1", "start it_1"]
    expected = ["create it_1", "start it_1", *again * min(rounds, retries)]
    assert host.books.run_order() == expected + (["create after_1"] if outcome == "terminated" else [])


def test_an_uninstallation_is_tried_again_where_subgraphs_have_retries() -> None:
    nodes = [node("it", ["stop", "delete"])]
    policy = {"task_retries": 0, "task_retry_interval": 1, "subgraph_retries": 1, "wait_after_fail": 600}
    host = FakeHost(
        nodes,
        mapping="cloudify.plugins.workflows.uninstall",
        instances=instances_of(nodes, "started"),
        policy=policy,
        behaviour=failing("delete it_1", times=1),
    )
    assert host.outcome() == "terminated"
    # It is stopped already.
    assert host.books.run_order() == ["stop it_1", "delete it_1", "delete it_1"]


def test_pairs_of_neighbours_never_overlap_in_a_chain() -> None:
    nodes = [node("n0", ["create"])]
    nodes += [
        node(f"n{number}", ["create"], relationships=[relationship(f"n{number - 1}")])
        for number in range(1, 6)
    ]
    order = run("install", nodes).books.run_order()
    assert all(
        order.index(f"create {a}_1") < order.index(f"create {b}_1")
        for a, b in pairwise(f"n{i}" for i in range(6))
    )
