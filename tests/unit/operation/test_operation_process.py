"""The operation's process as its supervisor sees it: what it is told, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from supervised import Operations, Refusal, instance, node

import cloudwright


def test_a_function_gets_its_inputs_and_ctx_and_its_value_is_the_result(operations: Operations) -> None:
    done = operations.python(
        """
from cloudify.decorators import operation as mark

@mark
def operation(ctx, greeting, **kwargs):
    return {"said": f"{greeting} {ctx.instance.id}", "more": sorted(kwargs)}
""",
        {"greeting": "hello", "other": 1},
    ).run()
    assert done.result == {"said": "hello server_1", "more": ["other"]}
    assert done.stored == {}
    assert done.status == 0


@pytest.mark.parametrize(
    "source",
    [
        "def operation(greeting): return greeting",
        "def operation(**kwargs): return kwargs['greeting'] if 'ctx' in kwargs else None",
        "def operation(ctx, greeting): return greeting",
        "class C:\n    def __call__(self, greeting): return greeting\noperation = C()",
        "import functools\ndef base(greeting, x): return greeting\noperation = functools.partial(base, x=1)",
    ],
)
def test_undecorated_functions_get_ctx_only_where_they_take_it(operations: Operations, source: str) -> None:
    assert operations.python(source, {"greeting": "hi"}).run().result == "hi"


def test_what_ctx_says_about_a_node_operation(operations: Operations) -> None:
    done = operations.python(
        """
def operation(ctx):
    return dict(
        type=ctx.type, node=[ctx.node.id, ctx.node.name, ctx.node.type, ctx.node.type_hierarchy[0]],
        port=ctx.node.properties["port"], instance=[ctx.instance.id, ctx.instance.index],
        operation=[ctx.operation.name, ctx.operation.retry_number, ctx.operation.max_retries],
        execution=[ctx.execution_id, ctx.workflow_id, ctx.workflow_parameters], task_id=ctx.task_id,
        deployment=[ctx.deployment.id, ctx.deployment.display_name, ctx.deployment.creator],
        deployment_tenant=ctx.deployment.tenant_name,
        blueprint=ctx.blueprint.id, tenant=ctx.tenant_name,
        plugin=[ctx.plugin, ctx.plugin.name, ctx.plugin.package_version], workdir=ctx.plugin.workdir,
        capabilities=ctx.capabilities.get_all(), provider=ctx.provider_context,
        prefix=ctx.bootstrap_context.resources_prefix,
        user=ctx.bootstrap_context.cloudify_agent.user, resume=ctx.resume,
    )
""",
        operation={"retry_number": 2, "attempt": 5},
    ).run()
    assert done.result == {
        "type": "node-instance",
        "node": ["server", "server", "cloudify.nodes.WebServer", "cloudify.nodes.Root"],
        "port": 8080,
        "instance": ["server_1", 1],
        "operation": ["cloudify.interfaces.lifecycle.start", 2, 60],
        "execution": ["e1", "install", {"fast": True}],
        "task_id": "op1",
        "deployment": ["d1", "D one", "ann"],
        "deployment_tenant": "default_tenant",
        "blueprint": "b1",
        "tenant": "default_tenant",
        "plugin": ["web", "web", "1.2"],
        "workdir": str(operations.blueprint.parent / "work"),
        "capabilities": {},
        "provider": {},
        "prefix": "",
        "user": None,
        "resume": False,
    }
    assert os.path.isdir(done.result["workdir"])


def test_a_relationship_operation_changes_both_ends(operations: Operations) -> None:
    done = operations.python(
        """
def operation(ctx):
    ctx.source.instance.runtime_properties["url"] = "http://" + ctx.target.instance.runtime_properties["ip"]
    ctx.target.instance.runtime_properties["clients"].append(ctx.source.instance.id)
    try:
        ctx.instance
    except Exception as error:
        return [ctx.type, type(error).__name__, ctx.operation.relationship]
""",
        operation={"side": "source"},
        source={"node": node("app"), "instance": instance("app_1")},
        target={
            "node": node("db"),
            "instance": instance("db_1", version=8, runtime_properties={"ip": "10.0.0.1", "clients": []}),
        },
    ).run()
    assert done.result == ["relationship-instance", "NonRecoverableError", "source"]
    assert done.end is not None
    assert done.end["updates"] == [
        {"id": "app_1", "version": 3, "runtime_properties": {"url": "http://10.0.0.1"}},
        {"id": "db_1", "version": 8, "runtime_properties": {"ip": "10.0.0.1", "clients": ["app_1"]}},
    ]


def test_what_an_instance_is_related_to_is_asked_for_when_looked_at(operations: Operations) -> None:
    definition = {
        "type": "cloudify.relationships.connected_to",
        "target_id": "db",
        "type_hierarchy": ["cloudify.relationships.depends_on", "cloudify.relationships.connected_to"],
        "properties": {"connection_type": "all_to_all"},
    }
    nodes = {
        "app": node("app", relationships=[definition]),
        "db": node("db", properties={"ip": "10.0.0.9"}),
        "vm": node("vm", properties={"ip": "10.0.0.9"}),
    }
    operations.answers["node"] = lambda args: nodes[args["id"]]
    operations.answers["node_instance"] = lambda args: instance(args["id"], runtime_properties={"port": 5432})
    # What begins an operation leaves the node's relationships out.
    told = {key: value for key, value in nodes["app"].items() if key != "relationships"}
    done = operations.python(
        """
def operation(ctx):
    [relationship] = ctx.instance.relationships
    seen = [relationship.type, relationship.type_hierarchy, dict(relationship.properties),
            relationship.target.node.properties["ip"],
            relationship.target.instance.runtime_properties["port"],
            ctx.capabilities["port"], "port" in ctx.capabilities, ctx.instance.host_ip]
    relationship.target.instance.runtime_properties["port"] = 1
""",
        node=told,
        instance=instance(
            "app_1",
            host_id="vm_1",
            relationships=[{"target_id": "db_1", "target_name": "db", "type": definition["type"]}],
        ),
    ).run()
    assert "can be read here but not changed" in done.failure["message"]
    assert not done.failure["recoverable"]
    assert done.stored == {}
    asked = {(call["method"], call["args"]["id"]) for call in done.calls}
    assert asked == {
        ("node", "app"),
        ("node", "db"),
        ("node_instance", "db_1"),
        ("node_instance", "vm_1"),
        ("node", "vm"),
    }


def test_an_operation_of_a_deployment_has_no_instance(operations: Operations) -> None:
    begin = operations.begin("platform.node")
    del begin["node"], begin["instance"]
    assert operations.start(begin).run().result == os.uname().nodename


def test_functions_in_a_node_s_properties_are_evaluated_when_somebody_looks(operations: Operations) -> None:
    written = {"port": 80, "password": {"get_secret": "key"}, "list": [{"deep": {"concat": ["a", "b"]}}]}
    evaluated = {"port": 80, "password": "hidden", "list": [{"deep": "ab"}]}
    operations.answers["evaluate"] = lambda args: evaluated if args["value"] == written else None
    described = node("server", properties=written)
    looking = operations.python("def operation(ctx): return dict(ctx.node.properties)", node=described).run()
    assert looking.result == evaluated
    assert [call["args"]["instance"] for call in looking.calls] == ["server_1"]
    assert operations.python("def operation(ctx): return ctx.node.type", node=described).run().calls == []
    plain = node("server", properties={"port": 80, "list": [1, {}], "text": "{get_secret: x}"})
    assert operations.python("def operation(ctx): ctx.node.properties", node=plain).run().calls == []


def test_node_properties_cannot_be_changed(operations: Operations) -> None:
    for change in ('["x"] = 1', ".update(x=1)", ".pop('port')", ".clear()", ".setdefault('x', 1)"):
        done = operations.python(f"def operation(ctx): ctx.node.properties{change}").run()
        assert "cannot be changed by an operation" in done.failure["message"]


def test_update_stores_at_once_with_the_version_that_was_read(operations: Operations) -> None:
    stored = instance("server_1", version=4)
    operations.answers["update_node_instance"] = lambda args: (
        stored
        | {
            "version": args["version"] + 1,
            "runtime_properties": args["runtime_properties"],
        }
    )
    done = operations.python(
        """
def operation(ctx):
    properties = ctx.instance.runtime_properties
    properties["first"] = 1
    ctx.instance.update()
    ctx.instance.update()
    properties["second"] = 2
"""
    ).run()
    assert [call["args"] for call in done.calls] == [
        {"id": "server_1", "version": 3, "runtime_properties": {"first": 1}}
    ]
    assert done.end is not None
    assert done.end["updates"] == [
        {"id": "server_1", "version": 4, "runtime_properties": {"first": 1, "second": 2}}
    ]


def test_a_conflict_at_update_is_the_users_to_solve(operations: Operations) -> None:
    current = instance("server_1", version=9, runtime_properties={"theirs": 1})

    def update(args: dict[str, object]) -> dict[str, object]:
        if args["version"] != 9:
            raise Refusal("Conflict", "it was changed meanwhile")
        return current | {"version": 10, "runtime_properties": args["runtime_properties"]}

    operations.answers |= {"update_node_instance": update, "node_instance": lambda _: current}
    done = operations.python(
        """
from cloudify_rest_client.exceptions import CloudifyClientError

def operation(ctx):
    ctx.instance.runtime_properties["ours"] = 2
    try:
        ctx.instance.update()
    except CloudifyClientError as error:
        seen = [error.status_code, error.error_code]
    try:
        ctx.instance.refresh()
    except Exception as error:
        seen.append(type(error).__name__)
    ctx.instance.update(on_conflict=lambda ours, stored: {**stored, **ours})
    return seen + [dict(ctx.instance.runtime_properties)]
"""
    ).run()
    assert done.result == [409, "conflict_error", "NonRecoverableError", {"theirs": 1, "ours": 2}]
    assert done.stored == {}


def test_replacing_all_runtime_properties(operations: Operations) -> None:
    done = operations.python(
        """
def operation(ctx):
    held = ctx.instance.runtime_properties
    ctx.instance.runtime_properties = {"new": 1}
    return [dict(held), held.pop("absent"), held.dirty]
""",
        instance=instance("server_1", runtime_properties={"old": 1}),
    ).run()
    assert done.result == [{"new": 1}, None, True]
    assert done.stored == {"server_1": {"new": 1}}


def test_logs_and_events(operations: Operations) -> None:
    done = operations.python(
        """
import logging
from cloudify import ctx

def operation():
    ctx.logger.debug("fine %s", "detail")
    ctx.logger.warning("odd")
    ctx.logger.warn("old name")
    ctx.logger.info("%d apples", "many")
    ctx.logger.info("50%")
    ctx.logger.getChild("part").error("bad")
    ctx.logger.info("nul \\0 and \\udc80")
    ctx.logger.info("x" * 100_000)
    logging.getLogger("library").error("not the operation's")
    try:
        1 / 0
    except ZeroDivisionError:
        ctx.logger.exception("caught")
    ctx.send_event("half way")
    print("printed")
"""
    ).run()
    assert done.result is None
    told = [(log["level"], log["message"]) for log in done.logs]
    assert told[:2] == [("debug", "fine detail"), ("warning", "odd")]
    assert told[3][1].startswith("%d apples ('many',) (this message could not be formatted")
    assert told[4] == ("info", "50%")
    assert done.logs[5]["logger"] == "ctx.op1.part"
    assert told[6] == ("info", "nul \ufffd and ?")
    assert told[7][1].endswith("... (34464 more characters)")
    assert "ZeroDivisionError" in told[8][1]
    assert [(event["message"], event["event_type"]) for event in done.events] == [
        ("half way", "plugin_event")
    ]
    assert b"printed" in done.output
    assert b"not the operation's" in done.output


def test_threads_of_the_users_see_ctx(operations: Operations) -> None:
    operations.answers["node_instance"] = lambda args: instance(
        args["id"], runtime_properties={"me": args["id"]}
    )
    done = operations.python(
        """
from concurrent.futures import ThreadPoolExecutor
from cloudify import ctx
from cloudify.state import ctx_parameters, current_ctx

def ask(number):
    record = ctx._supervisor.call("node_instance", id=f"x_{number}")
    ctx.logger.info("asked %s", number)
    same = current_ctx.get_ctx() is ctx._get_current_object()
    return record["runtime_properties"]["me"], ctx_parameters["size"], same

def operation(**_):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, range(200)))
""",
        {"size": 4},
    ).run()
    assert done.result == [[f"x_{number}", 4, True] for number in range(200)]
    assert len(done.logs) == 200


def test_a_thread_that_is_left_behind_does_not_hold_the_end_up(operations: Operations) -> None:
    done = operations.python(
        """
import threading, time
def operation():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return 1
"""
    ).run()
    assert done.result == 1


def test_an_operation_can_learn_that_its_execution_was_asked_to_stop(operations: Operations) -> None:
    running = operations.python(
        """
import time
def operation(ctx):
    asked = ctx.has_cancel_request()
    ctx.logger.info("running")
    while not ctx.has_cancel_request():
        time.sleep(0.002)
    return [asked, ctx.has_cancel_request()]
"""
    )
    running.run(until=lambda it: it.logs)
    running.send({"type": "cancel", "mode": "cancel"})
    assert running.run().result == [False, True]


def test_a_cancel_that_comes_while_something_is_asked_is_not_lost(operations: Operations) -> None:
    def answer(args: dict[str, object]) -> dict[str, object]:
        running.send({"type": "cancel", "mode": "cancel"})
        return instance("x_1")

    operations.answers["node_instance"] = answer
    running = operations.python(
        "def operation(ctx):\n"
        "    ctx._supervisor.call('node_instance', id='x_1')\n"
        "    return ctx.has_cancel_request()\n"
    )
    assert running.run().result is True


def test_what_operations_are_forked_from_needs_nothing_but_python() -> None:
    program = """
import sys
import cloudwright.operation.child
import cloudwright.operation.scripts
names = {name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(*sorted(names - sys.stdlib_module_names))
"""
    environment = {"PYTHONPATH": os.path.dirname(os.path.dirname(cloudwright.__file__))}
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["cloudwright"]


def test_sigterm_ends_the_process(operations: Operations) -> None:
    running = operations.python(
        "import time\ndef operation(ctx):\n    ctx.logger.info('running')\n    time.sleep(600)"
    ).run(until=lambda it: it.logs)
    os.killpg(running.pid, signal.SIGTERM)
    running.run()
    assert running.status == signal.SIGTERM
    assert running.end is None


def test_a_process_whose_supervisor_is_gone_ends(operations: Operations) -> None:
    running = operations.python(
        """
import time
def operation(ctx):
    ctx.logger.info('running')
    while True:
        time.sleep(0.01)
        ctx.logger.info('still')
"""
    ).run(until=lambda it: it.logs)
    running.channel.close()
    _, status = os.waitpid(running.pid, 0)
    running.status = status
    assert os.waitstatus_to_exitcode(status) == 1


def test_an_interrupted_operation_runs_again_only_where_it_says_that_it_may(operations: Operations) -> None:
    source = """
from cloudify.decorators import operation as mark
@mark{mark}
def operation(ctx): return ctx.resume
"""
    resumed = {"resume": True, "attempt": 2}
    assert operations.python(source.format(mark="(resumable=True)"), operation=resumed).run().result is True
    done = operations.python(source.format(mark=""), operation=resumed).run()
    assert "is not marked with @operation(resumable=True)" in done.failure["message"]
    assert not done.failure["recoverable"]


def test_instances_take_turns(operations: Operations) -> None:
    states = {"server_1": "started", "server_2": "creating", "server_3": "creating"}
    operations.answers["node_instances"] = lambda _: [
        *(instance(id, index=index, state=state) for index, (id, state) in enumerate(states.items(), 1)),
        instance("other_1", index=1, state="creating"),
    ]
    source = """
from cloudify.decorators import serial_operation
@serial_operation({arguments})
def operation(ctx, **_): return "ran"
"""
    second, third = (instance(f"server_{index}", index=index) for index in (2, 3))
    assert operations.python(source.format(arguments=""), instance=second).run().result == "ran"
    failure = operations.python(source.format(arguments=""), instance=third).run().failure
    assert failure["recoverable"]
    assert "before it come `server_2` (creating)" in failure["message"]
    assert operations.python(source.format(arguments="threshold=1"), instance=third).run().result == "ran"
    assert (
        operations.python(source.format(arguments="workflows=['scale']"), instance=third).run().result
        == "ran"
    )
