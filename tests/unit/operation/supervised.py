"""A tiny supervisor: forks a real operation's process, replies to its calls and keeps what it sends."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudwright.compat import operation_preload  # noqa: F401 - as in a zygote: the names that plugins import
from cloudwright.model.frames.operation import check_from_operation
from cloudwright.operation.child import main
from cloudwright.process import frames
from cloudwright.process.channel import Channel
from cloudwright.process.frames import VERSION

PATIENCE = 30.0
Answer = Callable[[dict[str, Any]], Any]


class Refusal(Exception):
    """An answer that says no: ``kind`` is the name of an error class of ours."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Supervised:
    """One operation's process."""

    def __init__(self, begin: dict[str, Any], answers: dict[str, Answer]) -> None:
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                ours.close()
                os.close(reading)
                os.setsid()
                os.dup2(writing, 1)
                os.dup2(writing, 2)
                os.close(writing)
                logging.getLogger().handlers.clear()  # the test runner's
                sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
                sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
                main(Channel(theirs.detach()))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        theirs.close()
        os.close(writing)
        self.channel = ours
        self.stdout = reading
        self.output = b""
        self.logs: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.end: dict[str, Any] | None = None
        self.status: int | None = None
        self._answers = answers
        self._decoder = frames.Decoder(check=check_from_operation)
        self.send({"type": "begin", "version": VERSION, **begin})

    def send(self, frame: dict[str, Any]) -> None:
        self.channel.sendall(frames.encode(frame))

    def run(self, until: Callable[[Supervised], object] = lambda _: False) -> Supervised:
        """Listen until the process has ended, or ``until`` is true."""
        deadline = time.monotonic() + PATIENCE
        while self.status is None and not until(self):
            ends: list[Any] = [self.channel, self.stdout]
            readable, _, _ = select.select(ends, [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                self.kill()
                raise TimeoutError(
                    f"the operation's process says nothing more: {self.messages} {self.output!r}"
                )
            if self.stdout in readable:
                self.output += os.read(self.stdout, 65536)
            if self.channel in readable and not self._receive():
                self._reap()
        return self

    def _receive(self) -> bool:
        try:
            data = self.channel.recv(1 << 20)
        except ConnectionError:
            data = b""
        for frame in self._decoder.feed(data):
            self._take(frame)
        return bool(data)

    def _take(self, frame: dict[str, Any]) -> None:
        assert self.end is None, f"something was said after the end: {frame}"
        match frame["type"]:
            case "log":
                self.logs.append(frame)
            case "event":
                self.events.append(frame)
            case "end":
                self.end = frame
            case "call":
                self.calls.append(frame)
                self.send({"type": "reply", "id": frame["id"], **self._answer(frame)})

    def _answer(self, frame: dict[str, Any]) -> dict[str, Any]:
        answer = self._answers.get(frame["method"])
        if answer is None:
            return {"error": {"kind": "InvalidInput", "message": f"There is no call `{frame['method']}`."}}
        try:
            return {"value": answer(frame["args"])}
        except Refusal as error:
            return {"error": {"kind": error.kind, "message": str(error)}}

    def _reap(self) -> None:
        _, self.status = os.waitpid(self.pid, 0)

    def kill(self) -> None:
        if self.status is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                os.kill(self.pid, signal.SIGKILL)
            self._reap()

    def close(self) -> None:
        self.kill()
        self.channel.close()
        os.close(self.stdout)

    @property
    def messages(self) -> list[str]:
        return [log["message"] for log in self.logs]

    @property
    def failure(self) -> dict[str, Any]:
        assert self.end is not None, self.output
        assert self.end["outcome"] == "failed", self.end
        return self.end["failure"]  # type: ignore[no-any-return]

    @property
    def result(self) -> Any:
        assert self.end is not None, self.output
        assert self.end["outcome"] == "succeeded", self.end["failure"]
        return self.end["result"]

    @property
    def stored(self) -> dict[str, Any]:
        """Runtime properties that travelled with the end, by instance."""
        assert self.end is not None, self.output
        return {update["id"]: update["runtime_properties"] for update in self.end["updates"]}


def node(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "type": "cloudify.nodes.WebServer",
        "type_hierarchy": ["cloudify.nodes.Root", "cloudify.nodes.WebServer"],
        "properties": {"port": 8080, "tags": ["a", "b"]},
        "relationships": [],
        **more,
    }


def instance(id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "node_id": id.rpartition("_")[0],
        "deployment_id": "d1",
        "host_id": None,
        "index": 1,
        "state": "creating",
        "version": 3,
        "relationships": [],
        "scaling_groups": [],
        "runtime_properties": {},
        "system_properties": {},
        **more,
    }


class Operations:
    """Starts operations' processes, and leaves none behind."""

    def __init__(self, blueprint: Path) -> None:
        self.blueprint = blueprint
        self.answers: dict[str, Answer] = {}
        self._started: list[Supervised] = []
        self._sources = 0

    def begin(self, mapping: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        operation = {
            "id": "op1",
            "name": "cloudify.interfaces.lifecycle.start",
            "graph_id": None,
            "attempt": 1,
            "resume": False,
            "executor": "central_deployment_agent",
            "evaluate": False,
            "timeout": None,
            "timeout_recoverable": False,
            "retry_number": 0,
            "max_retries": 60,
            "mapping": mapping,
            "plugin": "web",
            "inputs": inputs or {},
            **more.pop("operation", {}),
        }
        return {
            "operation": operation,
            "execution": {
                "id": "e1",
                "workflow_id": "install",
                "deployment_id": "d1",
                "parameters": {"fast": True},
                "dry_run": False,
                "created_by": "ann",
                "is_system_workflow": False,
            },
            "deployment": {
                "id": "d1",
                "display_name": "D one",
                "description": None,
                "inputs": {"size": 2},
                "outputs": {},
                "capabilities": {},
                "scaling_groups": {},
                "labels": [],
                "resource_tags": {},
                "runtime_only_evaluation": False,
            },
            "blueprint": {"id": "b1", "path": str(self.blueprint), "imported": []},
            "tenant": {"name": "default_tenant"},
            "plugin": {
                "name": "web",
                "version": "1.2",
                "path": [str(self.blueprint / "plugins")],
                "properties": {},
            },
            "workdir": str(self.blueprint.parent / "work"),
            "agent": None,
            **({} if "source" in more else {"node": node("server"), "instance": instance("server_1")}),
            **more,
        }

    def start(self, begin: dict[str, Any]) -> Supervised:
        started = Supervised(begin, self.answers)
        self._started.append(started)
        return started

    def python(self, source: str, inputs: dict[str, Any] | None = None, /, **more: Any) -> Supervised:
        """Start the function ``operation`` of a plugin module with this source."""
        self._sources += 1
        module = f"written_by_a_test_{self._sources}"
        folder = self.blueprint / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(source)
        return self.start(self.begin(f"{module}.operation", inputs, **more))

    def script(
        self,
        source: str | bytes,
        inputs: dict[str, Any] | None = None,
        /,
        *,
        name: str = "scripts/start.sh",
        **more: Any,
    ) -> Supervised:
        """Start a script of the blueprint."""
        path = self.blueprint / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        return self.start(
            self.begin("script_runner.tasks.run", {"script_path": name, **(inputs or {})}, **more)
        )

    def close(self) -> None:
        for started in self._started:
            started.close()
