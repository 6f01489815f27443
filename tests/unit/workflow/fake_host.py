"""A host in miniature: it speaks frames over a real socket, keeps what is said as the storage would, runs
no operation.

``FakeHost.run`` runs a workflow's process in the calling thread, with the host in a thread beside it. Time
is the test's: it passes when the workflow waits for a moment to come and the host has nothing more to say.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from cloudwright.compat import workflow_preload  # noqa: F401 - as in a zygote
from cloudwright.model.frames.workflow import check_from_workflow, check_to_workflow
from cloudwright.process import frames
from cloudwright.process.channel import Channel, ChannelClosed
from cloudwright.process.frames import VERSION
from cloudwright.workflow import child
from cloudwright.workflow.current import current_workflow_ctx
from cloudwright.workflow.host_connection import HostConnection

PATIENCE = 30.0
CONTAINED = "cloudify.relationships.contained_in"
CONNECTED = "cloudify.relationships.connected_to"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TimedConnection(HostConnection):
    """Tells the host whenever a thread has nothing to do but to wait (the call ``ping``), and instead of
    waiting for a moment to come makes it come, when the host has nothing to say.
    """

    def __init__(self, channel: Channel, clock: Clock) -> None:
        super().__init__(channel, clock=clock)
        self._time = clock
        self._pings = 0

    def wait(self, ready: Callable[[], bool], deadline: float | None = None) -> None:
        if ready():
            return
        self._ping()
        if deadline is None:
            super().wait(ready)
        elif not ready():
            self._time.now = max(self._time.now, deadline)

    def _ping(self) -> None:
        self._pings -= 1
        number = self._pings
        self.flush()
        self._channel.send({"type": "call", "id": number, "method": "ping", "args": {}})
        super().wait(lambda: self._calls.answered(number))
        self._calls.value(number)


class Tape(Channel):
    """A channel that keeps what went through it: ``cancel`` when that was read, a number when an operation
    was sent.
    """

    def __init__(self, fd: int, tape: list[Any]) -> None:
        super().__init__(fd)
        self._tape = tape

    def send(self, message: dict[str, Any]) -> None:
        self._tape += [entry[1]["id"] for entry in message.get("entries", ()) if entry[0] == "run"]
        super().send(message)

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        frame = super().receive(timeout)
        if frame is not None and frame["type"] == "cancel":
            self._tape.append("cancel")
        return frame


# A deployment.


def operation(name: str, **settings: Any) -> dict[str, Any]:
    return {
        "plugin": "lab",
        "operation": f"lab.{name.rpartition('.')[2]}",
        "executor": "central_deployment_agent",
        "inputs": {},
        "has_intrinsic_functions": False,
        "max_retries": None,
        "retry_interval": None,
        "timeout": None,
        "timeout_recoverable": None,
    } | settings


def operations(names: Iterable[str] | dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Operations by name; names without a dot are of the life cycle."""
    given = names if isinstance(names, dict) else {name: {} for name in names}
    full = {
        name if "." in name else f"cloudify.interfaces.lifecycle.{name}": item for name, item in given.items()
    }
    return {name: operation(name, **item) for name, item in full.items()}


def node(
    name: str,
    does: Iterable[str] | dict[str, dict[str, Any]] = (),
    *,
    host: bool = False,
    properties: dict[str, Any] | None = None,
    relationships: Iterable[dict[str, Any]] = (),
    instances: int = 1,
) -> dict[str, Any]:
    types = ["cloudify.nodes.Root", "cloudify.nodes.Compute"] if host else ["cloudify.nodes.Root"]
    return {
        "id": name,
        "name": name,
        "type": types[-1],
        "type_hierarchy": types,
        "host_id": name if host else None,
        "properties": properties or {},
        "operations": operations(does),
        "relationships": list(relationships),
        "plugins": [{"name": "lab"}],
        "instances": {"deploy": instances},
    }


def relationship(
    target: str,
    type: str = CONNECTED,
    source: Iterable[str] = (),
    target_does: Iterable[str] = (),
    properties: dict[str, Any] | None = None,
) -> dict[str, Any]:
    def full(names: Iterable[str]) -> dict[str, Any]:
        return operations([f"cloudify.interfaces.relationship_lifecycle.{name}" for name in names])

    return {
        "target_id": target,
        "type": type,
        "type_hierarchy": ["cloudify.relationships.depends_on", type],
        "properties": {"connection_type": "all_to_all"} | (properties or {}),
        "source_operations": full(source),
        "target_operations": full(target_does),
    }


def instances_of(nodes: Iterable[dict[str, Any]], state: str = "uninitialized") -> list[dict[str, Any]]:
    """Instances ``NAME_1``, ``NAME_2``, ... of every node, with relationships to every instance of the
    target.
    """
    counts = {item["name"]: item["instances"]["deploy"] for item in nodes}
    return [
        {
            "id": f"{item['name']}_{index}",
            "node_id": item["name"],
            "deployment_id": "d",
            "host_id": f"{item['name']}_{index}" if item["host_id"] else None,
            "index": index,
            "state": state,
            "version": 1,
            "relationships": [
                {
                    "target_id": f"{relation['target_id']}_{target}",
                    "target_name": relation["target_id"],
                    "type": relation["type"],
                }
                for relation in item["relationships"]
                for target in range(1, counts[relation["target_id"]] + 1)
            ],
            "scaling_groups": [],
            "runtime_properties": {},
            "system_properties": {},
        }
        for item in nodes
        for index in range(1, counts[item["name"]] + 1)
    ]


def label(item: dict[str, Any]) -> str:
    """An operation as tests name it: ``create vm_1``, ``establish app_1>vm_1 source``."""
    name = item["name"].rpartition(".")[2]
    if "instance" in item:
        return f"{name} {item['instance']}"
    return f"{name} {item['source']}>{item['target']} {item['side']}"


# What is kept.


class Books:
    """What the storage keeps of one execution. Raises AssertionError at what the storage would refuse."""

    def __init__(self) -> None:
        self.graphs: list[dict[str, Any]] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self.states: dict[str, str] = {}
        #: What was put into system properties, by instance.
        self.system: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.entries: list[list[Any]] = []
        #: Every operation that was ever sent, in this order, each attempt.
        self.sent: list[dict[str, Any]] = []

    def apply(self, entries: list[list[Any]]) -> list[dict[str, Any]]:
        """Keep a journal frame's entries, and answer the operations to run."""
        self.entries += entries
        order = {"graph": 0, "tasks": 1, "task": 2, "run": 3}
        run = []
        for kind, *rest in sorted(entries, key=lambda entry: order.get(entry[0], 4)):
            if kind == "graph":
                self.graphs.append({"id": rest[0], "name": rest[1]})
                self._add(rest[0], rest[2])
            elif kind == "tasks":
                self._add(*rest)
            elif kind == "task":
                self._change(*rest)
            elif kind == "run":
                self._send(rest[0])
                run.append(rest[0])
            elif kind == "state":
                self.states[rest[0]] = rest[1]
            elif kind == "system":
                self.system.setdefault(rest[0], {}).update(rest[1])
            elif kind == "event":
                self.events.append(rest[0])
            else:
                assert kind == "log", kind
                self.logs.append(rest[0])
        return run

    def _add(self, graph_id: str, tasks: list[dict[str, Any]]) -> None:
        assert graph_id in {graph["id"] for graph in self.graphs}
        for task in tasks:
            assert task["id"] not in self.tasks, f"{task} is stored twice"
            self.tasks[task["id"]] = task | {
                "graph_id": graph_id,
                "state": "pending",
                "attempt": 0,
                "result": None,
                "failure": None,
            }

    def _change(self, id: str, state: str, result: Any) -> None:
        task = self.tasks[id]
        if task["kind"] == "operation":
            assert task["state"] in ("pending", "failed", "cancelled"), task
            assert state in ("failed", "cancelled"), state
        task |= {"state": state, "result": result}

    def _send(self, operation: dict[str, Any]) -> None:
        id = operation["id"]
        task = self.tasks.setdefault(
            id,
            {
                "id": id,
                "name": operation["name"],
                "kind": "operation",
                "depends_on": [],
                "graph_id": operation["graph_id"],
                "state": "pending",
                "attempt": 0,
            },
        )
        assert task["kind"] == "operation"
        assert task["state"] in ("pending", "failed", "cancelled", "sent of an earlier owner"), task
        assert operation["attempt"] > task["attempt"] or task["state"] == "cancelled", (operation, task)
        task |= {
            "state": "sent",
            "attempt": operation["attempt"],
            "parameters": operation,
            "result": None,
            "failure": None,
        }
        self.sent.append(operation)

    def end(self, operation: dict[str, Any], state: str, result: Any, failure: dict[str, Any] | None) -> None:
        task = self.tasks[operation["id"]]
        assert task["state"] == "started", task
        assert task["attempt"] == operation["attempt"]
        task |= {"state": state, "result": result, "failure": failure}

    def close(self, crash: bool = False) -> None:
        """The process is gone: because the execution ended, or because its manager crashed."""
        for task in self.tasks.values():
            if crash and task["state"] == "sent":
                task["state"] = "sent of an earlier owner"
            elif not crash and task["state"] in ("pending", "sent"):
                task["state"] = "cancelled"

    def begin_graphs(self) -> list[dict[str, Any]]:
        """The stored graphs as a ``begin`` frame has them."""
        return [
            graph
            | {
                "tasks": [
                    {key: value for key, value in task.items() if key != "graph_id"}
                    | {"state": task["state"].partition(" ")[0], "running": task["state"] == "started"}
                    for task in self.tasks.values()
                    if task["graph_id"] == graph["id"]
                ]
            }
            for graph in self.graphs
        ]

    def run_order(self) -> list[str]:
        """The operations that were sent, as ``label`` names them."""
        return [label(operation) for operation in self.sent]

    def said(self) -> list[str]:
        """The messages of all events."""
        return [event["message"] for event in self.events]


# The host.

Behaviour = Callable[["FakeHost", dict[str, Any]], None]


def succeed(host: FakeHost, operation: dict[str, Any]) -> None:
    host.succeed(operation)


class FakeHost:
    """One workflow process's host; ``resumed`` makes the host of the next process of the same execution."""

    def __init__(
        self,
        nodes: Iterable[dict[str, Any]] = (),
        *,
        behaviour: Behaviour = succeed,
        instances: list[dict[str, Any]] | None = None,
        books: Books | None = None,
        **begin: Any,
    ) -> None:
        nodes = list(nodes)
        self.books = books or Books()
        self.behaviour = behaviour
        self.clock = Clock()
        self.instances = instances_of(nodes) if instances is None else instances
        self.calls: list[dict[str, Any]] = []
        self.answers: dict[str, Callable[..., Any]] = {
            "node_instances": lambda: [self._instance(item) for item in self.instances],
            "ping": lambda: None,
            "begin": lambda: None,
            "node_instance": lambda id: next(
                self._instance(item) for item in self.instances if item["id"] == id
            ),
        }
        #: Called in the host's thread with every entry of the journal, and when the process is about to send.
        self.on_entry: Callable[[FakeHost, list[Any]], None] = lambda host, entry: None
        self.trouble: BaseException | None = None
        #: What is done as soon as the process was told to begin.
        self.early: list[Callable[[], None]] = []
        #: What went through the process's channel, as Tape keeps it.
        self.tape: list[Any] = []
        #: Operations that were sent by a process that did not know of a request.
        self.unaware: set[str] = set()
        self.begin: dict[str, Any] = {
            "execution": {
                "id": "e1",
                "workflow_id": "w",
                "deployment_id": "d",
                "parameters": {},
                "dry_run": False,
                "created_by": "ann",
                "is_system_workflow": False,
            },
            "mapping": "user_workflows.function",
            "plugin": {"name": "lab", "version": None, "path": []},
            "deployment": {
                "id": "d",
                "display_name": "D",
                "description": None,
                "inputs": {"size": 3},
                "outputs": {},
                "capabilities": {},
                "scaling_groups": {},
                "labels": [],
                "resource_tags": {},
                "runtime_only_evaluation": False,
            },
            "blueprint": {"id": "b", "path": "/nowhere", "imported": []},
            "tenant": {"name": "default_tenant"},
            "nodes": nodes,
            "shared": None,
            "node_instances": [self._instance(item) for item in self.instances],
            "workflows": {},
            "policy": {
                "task_retries": 2,
                "task_retry_interval": 15,
                "subgraph_retries": 0,
                "wait_after_fail": 600,
            },
            "resume": False,
            "resumed": 0,
            "workflow_entered": False,
            "cancel": None,
            "graphs": [],
        }
        for key, value in begin.items():
            # Of these a test gives what differs.
            self.begin[key] = self.begin[key] | value if key in ("execution", "policy") else value
        self._ours, self._theirs = socket.socketpair()
        self._sending = threading.Lock()

    def _instance(self, item: dict[str, Any]) -> dict[str, Any]:
        system = item["system_properties"] | self.books.system.get(item["id"], {})
        return item | {
            "state": self.books.states.get(item["id"], item["state"]),
            "system_properties": {key: value for key, value in system.items() if value is not None},
        }

    def resumed(self, *, crash: bool = False, behaviour: Behaviour | None = None, **begin: Any) -> FakeHost:
        """The host of the process that goes on where this one's stopped; it reports what runs from before
        as well.
        """
        self.books.close(crash)
        nodes = self.begin["nodes"]
        host = FakeHost(
            nodes, behaviour=behaviour or self.behaviour, instances=self.instances, books=self.books
        )
        host.begin = (
            self.begin
            | {"resume": True, "resumed": self.begin["resumed"] + (not crash)}
            | {"cancel": None, "graphs": self.books.begin_graphs()}
            | begin
        )
        host.begin["node_instances"] = [host._instance(item) for item in self.instances]
        return host

    # Running a workflow.

    def outcome(self, function: Callable[..., Any] | None = None, **parameters: Any) -> str:
        """Run a workflow's process to its end, and return the outcome that its ``end`` frame has."""
        return str(self.end(function, **parameters)["outcome"])

    def end(self, function: Callable[..., Any] | None = None, **parameters: Any) -> dict[str, Any]:
        """Run a workflow's process to its end, and return its ``end`` frame."""
        end = self.run(function, **parameters)
        assert end is not None
        return end

    def run(self, function: Callable[..., Any] | None = None, **parameters: Any) -> dict[str, Any] | None:
        """Run a workflow's process to its end, and answer its ``end`` frame; None where it did not come
        that far.
        """
        if function is not None:
            module = sys.modules["user_workflows"] = ModuleType("user_workflows")
            module.function = function  # type: ignore[attr-defined]
        if parameters:
            self.begin["execution"] = self.begin["execution"] | {"parameters": parameters}
        theirs = self._theirs.dup()
        channel = Tape(self._theirs.detach(), self.tape)
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        try:
            return self._process(channel)
        finally:
            # Local tasks that still run are threads, which end with a real process.
            with contextlib.suppress(OSError):
                theirs.shutdown(socket.SHUT_RDWR)
            theirs.close()
            channel.close()
            thread.join(PATIENCE)
            assert not thread.is_alive()
            self._ours.close()
            current_workflow_ctx._shared = None
            if self.trouble is not None:
                raise self.trouble

    def _process(self, channel: Channel) -> dict[str, Any] | None:
        try:
            begin = channel.receive_begin(check_to_workflow)
            connection = TimedConnection(channel, self.clock)
            try:
                end = child.run(begin, connection)
                connection.flush()
            finally:
                connection.close()
            return end
        except ChannelClosed:
            return None

    # The host's thread.

    def _serve(self) -> None:
        try:
            self._send({"type": "begin", "version": VERSION, **self.begin})
            for what in self.early:
                what()
            decoder = frames.Decoder(check=check_from_workflow)
            while data := self._ours.recv(65536):
                for frame in decoder.feed(data):
                    self._take(frame)
        except OSError:
            pass  # the process or a test closed its end
        except BaseException as error:
            self.trouble = error
            self._ours.shutdown(socket.SHUT_RDWR)

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "call":
            if frame["method"] != "ping":
                self.calls.append(frame)
            answer = self.answers.get(frame["method"])
            reply: dict[str, Any] = {"type": "reply", "id": frame["id"]}
            if answer is None:
                reply["error"] = {"kind": "NotFound", "message": f"there is no {frame['method']}"}
            else:
                reply["value"] = answer(**frame["args"])
            self._send(reply)
            return
        assert frame["type"] == "journal", frame
        run = self.books.apply(frame["entries"])
        if not frame["aware"]:
            self.unaware.update(operation["id"] for operation in run)
        for entry in frame["entries"]:
            self.on_entry(self, entry)
        for operation in run:
            self.behaviour(self, operation)

    def _send(self, message: dict[str, Any]) -> None:
        # A process that is gone is told nothing.
        with self._sending, contextlib.suppress(OSError):
            self._ours.sendall(frames.encode(message))

    # What a behaviour does.

    def start(self, operation: dict[str, Any]) -> None:
        self.books.tasks[operation["id"]]["state"] = "started"
        self._report(operation, "started")

    def succeed(self, operation: dict[str, Any], result: Any = None) -> None:
        self.start(operation)
        self.finish(operation, result)

    def finish(self, operation: dict[str, Any], result: Any = None) -> None:
        """An operation that was started has succeeded."""
        self.books.end(operation, "succeeded", result, None)
        self._report(operation, "succeeded", result=result)

    def fail(self, operation: dict[str, Any], message: str = "it broke", **failure: Any) -> None:
        self.start(operation)
        described = {
            "message": message,
            "recoverable": True,
            "retry_after": None,
            "kind": "ValueError",
            "traceback": "",
        } | failure
        self.books.end(operation, "failed", None, described)
        self._report(operation, "failed", failure=described)

    def _report(self, operation: dict[str, Any], state: str, result: Any = None, failure: Any = None) -> None:
        self._send(
            {
                "type": "operation",
                "id": operation["id"],
                "attempt": operation["attempt"],
                "state": state,
                "result": result,
                "failure": failure,
            }
        )

    def revoke(self, operation: dict[str, Any], attempt: int | None = None) -> None:
        """The operation will not be started: the execution was asked to stop after it was sent."""
        self.books.tasks[operation["id"]]["state"] = "cancelled"
        self._report(operation | {"attempt": attempt}, "cancelled")

    def cancel(self) -> None:
        self._send({"type": "cancel", "mode": "cancel"})

    def crash(self) -> None:
        """The manager dies."""
        self._ours.shutdown(socket.SHUT_RDWR)
