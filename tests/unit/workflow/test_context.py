"""What ``ctx`` shows of the execution, the deployment and its parts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from fake_host import CONNECTED, CONTAINED, FakeHost, instances_of, node, relationship

from cloudwright.child.errors import RequestRefused
from cloudwright.workflow.decorators import task_config

NODES = [
    node("vm", ["create"], host=True, instances=2, properties={"size": 1}),
    node(
        "app",
        ["create"],
        relationships=[relationship("vm", CONTAINED, source=["establish"]), relationship("db")],
    ),
    node("plugin", relationships=[relationship("app", CONTAINED)]),
    node("db"),
]


def check(function: Any, **begin: Any) -> FakeHost:
    host = FakeHost(NODES, **begin)
    end = host.run(function)
    assert end is not None
    assert end["error"] is None
    return host


def test_the_execution_and_its_deployment() -> None:
    def function(ctx: Any) -> None:
        assert (ctx.execution_id, ctx.workflow_id, ctx.tenant_name) == ("e1", "w", "default_tenant")
        assert (ctx.dry_run, ctx.resume, ctx.local) == (False, False, False)
        assert ctx.wait_after_fail == 600
        deployment = ctx.deployment
        assert (deployment.id, deployment.display_name, deployment.inputs) == ("d", "D", {"size": 3})
        assert deployment.scaling_groups == deployment.capabilities == deployment.outputs == {}
        assert (ctx.blueprint.id, ctx.blueprint.path) == ("b", "/nowhere")

    check(function)


def test_nodes_their_instances_and_relationships() -> None:
    def function(ctx: Any) -> None:
        assert [item.id for item in ctx.nodes] == ["vm", "app", "plugin", "db"]
        assert [item.id for item in ctx.node_instances] == ["vm_1", "vm_2", "app_1", "plugin_1", "db_1"]
        vm, app = ctx.get_node("vm"), ctx.get_node("app")
        assert ctx.get_node("none") is None
        assert ctx.get_node_instance("none") is None
        assert (vm.type, vm.type_hierarchy[0], vm.properties) == (
            "cloudify.nodes.Compute",
            "cloudify.nodes.Root",
            {"size": 1},
        )
        assert vm.number_of_instances == len(list(vm.instances)) == 2
        assert vm.host_node is vm
        assert app.host_node is None
        assert app.has_operation("cloudify.interfaces.lifecycle.create")
        assert not app.has_operation("cloudify.interfaces.lifecycle.stop")
        contained, connected = app.relationships
        assert contained.is_derived_from(CONTAINED)
        assert not connected.is_derived_from(CONTAINED)
        assert contained.target_node is vm
        assert app.get_relationship("db") is connected
        assert app.get_relationship("none") is None

        instance = ctx.get_node_instance("app_1")
        assert instance.node is app
        assert (instance.node_id, instance.index, instance.state) == ("app", 1, "uninitialized")
        assert instance.host_id is None
        assert instance.modification is None
        assert instance.scaling_groups == []
        assert [item.target_id for item in instance.relationships] == ["vm_1", "vm_2", "db_1"]
        first = next(instance.relationships)
        assert first.source_id == "app_1"
        assert first.target_node_instance is ctx.get_node_instance("vm_1")
        assert first.relationship is contained
        assert first.type == CONTAINED
        inside = ctx.get_node_instance("vm_1")
        assert [item.id for item in inside.contained_instances] == ["app_1"]
        assert {item.id for item in inside.get_contained_subgraph()} == {"vm_1", "app_1", "plugin_1"}
        # What existing workflows reach for.
        assert instance._node_instance.id == instance._node_instance["id"] == "app_1"
        assert instance._node_instance.runtime_properties == {}
        assert instance == ctx.get_node_instance("app_1")
        assert len({instance, ctx.get_node_instance("app_1")}) == 1

    check(function)


def test_two_relationships_to_one_target_are_two() -> None:
    nodes = [
        node(
            "a",
            relationships=[relationship("b", CONTAINED, source=["establish"]), relationship("b", CONNECTED)],
        ),
        node("b"),
    ]

    def function(ctx: Any) -> list[Any]:
        instance = ctx.get_node_instance("a_1")
        return [
            [item.type, item.index, sorted(item.relationship.source_operations)]
            for item in instance.relationships
        ]

    end = FakeHost(nodes).run(function)
    assert end is not None
    assert end["result"] == [
        [CONTAINED, 0, ["cloudify.interfaces.relationship_lifecycle.establish"]],
        [CONNECTED, 1, []],
    ]


def test_operations_say_what_they_are_about() -> None:
    nodes = [
        node(
            "vm",
            {"create": {"inputs": {"a": 1}, "max_retries": 0, "timeout": 9, "has_intrinsic_functions": True}},
            host=True,
        ),
        node(
            "app",
            {"create": {"executor": "auto"}},
            relationships=[relationship("vm", CONTAINED, ["establish"], ["establish"])],
        ),
    ]
    instances = instances_of(nodes)
    instances[1]["host_id"] = "vm_1"
    establish = "cloudify.interfaces.relationship_lifecycle.establish"

    def function(ctx: Any) -> None:
        vm, app = ctx.get_node_instance("vm_1"), ctx.get_node_instance("app_1")
        vm.execute_operation("cloudify.interfaces.lifecycle.create", kwargs={"b": 2}).get()
        app.execute_operation("cloudify.interfaces.lifecycle.create").get()
        (relation,) = app.relationships
        relation.execute_source_operation(establish).get()
        result = relation.execute_target_operation(establish)
        result.get()
        assert result.task.cloudify_context["node_id"] == "vm_1"
        assert result.task.cloudify_context["related"] == {"node_id": "app_1", "is_target": False}
        assert result.task.cloudify_context["operation"]["name"] == establish
        assert (result.task.name, result.task.is_remote(), result.task.is_nop()) == (
            "lab.establish",
            True,
            False,
        )

    host = FakeHost(nodes, instances=instances)
    end = host.run(function)
    assert end is not None
    assert end["error"] is None
    create, auto, source, target = host.books.sent
    assert (create["instance"], create["inputs"], create["max_retries"]) == ("vm_1", {"a": 1, "b": 2}, 0)
    assert (create["timeout"], create["evaluate"], create["attempt"], create["mapping"]) == (
        9,
        True,
        1,
        "lab.create",
    )
    assert auto["executor"] == "host_agent"
    for item, side in ((source, "source"), (target, "target")):
        assert (item["source"], item["target"], item["relationship"], item["side"]) == (
            "app_1",
            "vm_1",
            0,
            side,
        )
        assert "instance" not in item


def test_states_and_events_are_said_at_once() -> None:
    def function(ctx: Any) -> None:
        instance = ctx.get_node_instance("app_1")
        assert instance.set_state("shiny", "It shines").get() is None
        assert instance.state == "shiny"
        instance.send_event("an event", additional_context={"more": 1})
        ctx.send_event("of the workflow", event_type="my_type")
        assert instance.get_state().get() == "shiny"
        assert instance.execute_operation("not.there").get() is None

    host = check(function)
    assert host.books.states == {"app_1": "shiny"}
    assert host.books.events == [
        {"event_type": "workflow_node_event", "message": "It shines", "node_instance_id": "app_1"},
        {
            "event_type": "workflow_node_event",
            "message": "an event",
            "node_instance_id": "app_1",
            "details": {"more": 1},
        },
        {"event_type": "my_type", "message": "of the workflow"},
    ]


def test_questions_are_answered_after_what_was_said_before() -> None:
    def function(ctx: Any) -> None:
        ctx.get_node_instance("db_1").set_state("gone")
        old = ctx.get_node_instance("db_1")
        ctx.refresh_node_instances()
        assert ctx.get_node_instance("db_1").state == "gone"
        assert ctx.get_node_instance("db_1") == old
        assert ctx.get_execution().status == "started"
        stored = ctx.update_node_instance("db_1", version=1, runtime_properties={"a": 1})
        assert stored.version == 2
        assert ctx.get_node_instance("db_1").runtime_properties == {"a": 1}
        with pytest.raises(RequestRefused, match="there is no deployment") as refused:
            ctx.get_deployment("other")
        assert refused.value.status_code == 404

    host = FakeHost(NODES)
    host.answers["execution"] = lambda id: {"id": id, "status": "started"}
    host.answers["update_node_instance"] = lambda id, **changes: {
        "id": id,
        "version": 2,
        "runtime_properties": {"a": 1},
    }
    end = host.run(function)
    assert end is not None
    assert end["error"] is None


def test_files_of_the_blueprint_are_copied(tmp_path: Path) -> None:
    (tmp_path / "resource.txt").write_text("contents")

    def function(ctx: Any) -> list[str]:
        there = ctx.download_resource("resource.txt", str(tmp_path / "copy"))
        somewhere = ctx.download_resource("resource.txt")
        texts = [Path(path).read_text() for path in (there, somewhere)]
        Path(somewhere).unlink()
        Path(somewhere).parent.rmdir()
        return texts

    host = FakeHost(NODES)
    host.answers["read_resource"] = lambda path: str(tmp_path / path)
    end = host.run(function)
    assert end is not None
    assert end["result"] == ["contents", "contents"]


def test_functions_run_beside_everything_else_as_they_are_configured() -> None:
    calls: list[Any] = []
    both = threading.Barrier(2, timeout=30)

    @task_config(total_retries=0, name="configured")  # type: ignore[untyped-decorator]
    def configured(**kwargs: Any) -> None:
        calls.append(kwargs)
        raise ValueError("no")

    def meets() -> str:
        both.wait()
        return "met"

    def function(ctx: Any) -> None:
        results = [ctx.local_task(meets), ctx.local_task(meets)]
        assert [result.get() for result in results] == ["met", "met"]
        with pytest.raises(ValueError, match="no"):
            ctx.local_task(configured, kwargs={"a": 1}, total_retries=5).get()
        assert calls == [{"a": 1}]
        with pytest.raises(ValueError, match="no"):
            ctx.local_task(configured, total_retries=1, override_task_config=True, retry_interval=2).get()
        assert len(calls) == 3
        assert ctx.execute_task("os.path.basename", kwargs={"p": "a/b"}).get() == "b"
        with pytest.raises(ValueError, match="map it to an operation"):
            ctx.execute_task("os.path.basename", local=False)
        many = [ctx.local_task(len, kwargs={}) for _ in range(3)]
        for result in many:
            with pytest.raises(TypeError):
                result.get(retry_on_failure=False)

    host = check(function)
    names = {event["message"].split("`")[1] for event in host.books.events}
    assert {"configured", "meets"} <= names


def test_more_functions_than_threads_all_run() -> None:
    ran: list[int] = []

    def function(ctx: Any) -> None:
        graph = ctx.graph_mode()
        for number in range(40):
            graph.add_task(ctx.local_task(lambda number=number: ran.append(number)))
        graph.execute()

    check(function)
    assert sorted(ran) == list(range(40))
    assert threading.active_count() < 30


def test_the_manager_is_asked_by_the_names_of_cloudify() -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(method: str, path: str, params: dict[str, Any], body: Any, **_: Any) -> dict[str, Any]:
        asked.append((method, path, params, body))
        if path == "/secrets/none":
            return {"status": 404, "body": {"message": "no secret", "error_code": "not_found_error"}}
        return {"status": 200, "body": {"id": path, "items": [{"id": "one"}], "metadata": {}}}

    def function(ctx: Any) -> None:
        for ask in (ctx.list_nodes, ctx.list_node_instances, ctx.list_execution_schedules, ctx.list_idds):
            assert [row.id for row in ask(deployment_id="d")] == ["one"]
        assert ctx.get_operations("g")[0].id == ctx.get_managers()[0].id == "one"
        assert ctx.get_blueprint("b").id == "/blueprints/b"
        assert ctx.get_deployment_update("u").id == "/deployment-updates/u"
        assert ctx.start_execution("d", "install", parameters={"a": 1}).id == "/executions"
        with pytest.raises(RequestRefused, match="no secret") as refused:
            ctx.get_secret("none")
        assert refused.value.status_code == 404
        assert (ctx.bootstrap_context.cloudify_agent, ctx.rest_token, ctx.bypass_maintenance) == (
            None,
            None,
            False,
        )

    host = FakeHost(NODES)
    host.answers["rest"] = answer
    end = host.run(function)
    assert end is not None
    assert end["error"] is None
    whole = {"_get_all_results": "true"}
    assert asked[0] == ("GET", "/nodes", {**whole, "deployment_id": "d"}, None)
    assert asked[4] == ("GET", "/operations", {**whole, "graph_id": "g"}, None)
    body = {"deployment_id": "d", "workflow_id": "install", "parameters": {"a": 1}}
    assert ("POST", "/executions", {}, body) in asked
