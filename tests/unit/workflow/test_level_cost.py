"""What an operation costs the workflow's process does not depend on how many there are.

Counted in calls of functions, not in time, so that it is the same on a busy machine.
"""

from __future__ import annotations

import sys
from typing import Any

from fake_host import FakeHost, instances_of, node, relationship
from measure import Answering

from cloudwright.workflow import child
from cloudwright.workflow.host_connection import MAX_ENTRIES, HostConnection

CHAINS = 10


class Counted(Answering):
    """Also keeps the most rows that one frame asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def send(self, message: dict[str, Any]) -> None:
        rows = [len(entry[-1]) if entry[0] in ("graph", "tasks") else 1 for entry in message["entries"]]
        self.largest = max(self.largest, sum(rows))
        super().send(message)

    def close(self) -> None:
        self._socket.close()
        self._other.close()


def installed(count: int) -> tuple[float, Counted]:
    """Calls of functions for each operation of an installation of ``count`` nodes in chains, and its
    channel.
    """
    nodes = [
        node(
            f"n{number}",
            ["create", "start"],
            relationships=[relationship(f"n{number - CHAINS}")] if number >= CHAINS else [],
        )
        for number in range(count)
    ]
    host = FakeHost(nodes, instances=instances_of(nodes), mapping="cloudify.plugins.workflows.install")
    channel, calls = Counted(), 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    connection = HostConnection(channel)  # type: ignore[arg-type]
    sys.setprofile(profile)
    try:
        end = child.run(host.begin, connection)
    finally:
        sys.setprofile(None)
        connection.close()
        channel.close()
    assert end["outcome"] == "terminated", end
    assert channel.operations == 2 * count
    return calls / channel.operations, channel


def test_an_operation_costs_the_same_in_a_large_graph() -> None:
    installed(CHAINS)  # what is imported and compiled once
    small, _ = installed(50)
    large, channel = installed(800)
    assert large < 1.1 * small
    # A large graph is stored piece by piece: nobody else's write waits for all of it.
    assert channel.tasks > 10 * MAX_ENTRIES
    assert channel.largest <= 2 * MAX_ENTRIES
