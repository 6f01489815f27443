"""How long a large installation takes this side of the socket: ``python measure.py [instances]``.

The host answers from memory, at once, so what is measured is the workflow's process alone. Every figure
should be the same for any number of instances: what an event costs does not depend on how large its graph
is.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from fake_host import FakeHost, instances_of, node, relationship

from cloudwright.process import frames
from cloudwright.workflow import child
from cloudwright.workflow.host_connection import HostConnection


class Answering:
    """A channel whose host reports every operation as started and succeeded as soon as it is sent."""

    def __init__(self) -> None:
        self.tasks = self.operations = self.frames = self.bytes = 0
        self.encoding = 0.0
        self._answers: deque[dict[str, Any]] = deque()
        self._socket, self._other = socket.socketpair()

    def send(self, message: dict[str, Any]) -> None:
        before = time.process_time()
        self.bytes += len(frames.encode(message))
        self.encoding += time.process_time() - before
        self.frames += 1
        for kind, *rest in message["entries"]:
            if kind == "graph":
                self.tasks += len(rest[2])
            elif kind == "tasks":
                self.tasks += len(rest[1])
            elif kind == "run":
                self.operations += 1
                told = {"type": "operation", "id": rest[0]["id"], "attempt": 1}
                self._answers.append(told | {"state": "started"})
                self._answers.append(told | {"state": "succeeded", "result": None})

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        return self._answers.popleft() if self._answers else None

    def fileno(self) -> int:
        return self._socket.fileno()


def measure(instances: int) -> None:
    per_node = 10
    does = ["create", "configure", "start"]
    nodes = [
        node(
            f"n{number}",
            does,
            instances=per_node,
            relationships=[relationship(f"n{number - 1}")] if number % 5 else [],
        )
        for number in range(instances // per_node)
    ]
    records = instances_of(nodes)
    for record in records:
        record["relationships"] = record["relationships"][:2]
    host = FakeHost(nodes, instances=records, mapping="cloudify.plugins.workflows.install")
    channel = Answering()
    text = json.dumps(host.begin)
    before = time.process_time()
    begin = json.loads(text)
    end = child.run(begin, HostConnection(channel))  # type: ignore[arg-type]
    took = time.process_time() - before
    assert end["outcome"] == "terminated", end
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(records)} instances: {channel.tasks} tasks, {channel.operations} operations in {took:.2f} s: "
        f"{took / channel.tasks * 1e6:.1f} us per task, {took / channel.operations * 1e6:.1f} us each; "
        f"{channel.frames} frames, {channel.bytes / 1e6:.1f} MB, {channel.encoding:.2f} s of it encoding; "
        f"{memory:.0f} MB of memory"
    )


if __name__ == "__main__":
    child.collect_rarely()
    for size in map(int, sys.argv[1:] or ["100", "500", "5000"]):
        measure(size)
