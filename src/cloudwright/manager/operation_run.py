"""One operation on its way through a worker: its subject, its ``begin`` frame, and the events about it."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass, field
from typing import Any

from cloudwright.manager.execution_context import ExecutionSnapshot, instance_frame
from cloudwright.manager.plugin_selection import PluginCode
from cloudwright.model.topology import NodeInstance
from cloudwright.process.runner import OperationEnd


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class OperationRun:
    """``operation`` is as docs/concepts/frames.md has it, sent under ``term``.

    ``ended`` is done once its end is stored. ``revoked``: it
    is not to begin. ``refusal``: why it cannot.
    """

    # Not in its repr, which a failed callback puts into the log: they hold inputs, passwords among them.
    snapshot: ExecutionSnapshot = field(repr=False)
    term: int
    operation: dict[str, Any] = field(repr=False)
    # Whether the workflow sent it in knowledge of a request to cancel.
    aware: bool = False
    ended: asyncio.Future[None] = field(default_factory=_future)
    preparing: asyncio.Task[Any] | None = None
    revoked: bool = False
    refusal: Exception | None = None
    #: When it was granted (monotonic seconds).
    granted_at: float | None = None
    pid: int | None = None
    pid_timer: asyncio.TimerHandle | None = None
    signals: list[int] = field(default_factory=list)
    #: Why it could not be ended, if it is not merely a process that withstands.
    unended: str | None = None
    #: The agent that it was granted to; None is the manager's own worker.
    agent: str | None = None

    def finish(self) -> None:
        """Wake those that wait for its end."""
        if not self.ended.done():
            self.ended.set_result(None)

    def stop_pid_timer(self) -> None:
        if self.pid_timer is not None:
            self.pid_timer.cancel()

    @property
    def id(self) -> str:
        return str(self.operation["id"])

    @property
    def attempt(self) -> int:
        return int(self.operation["attempt"])

    @property
    def name(self) -> str:
        return str(self.operation["name"])

    @property
    def execution_id(self) -> str:
        return self.snapshot.execution.id

    @property
    def depth(self) -> int:
        return self.snapshot.execution.depth

    @property
    def key(self) -> tuple[str, int, str, int]:
        """What a grant names."""
        return self.execution_id, self.term, self.id, self.attempt

    @property
    def plugin(self) -> dict[str, Any] | None:
        return self.snapshot.plugins.get(self.operation["plugin"])

    @property
    def scope(self) -> dict[str, Any]:
        """Which instances SELF, SOURCE and TARGET mean in the operation's inputs."""
        return {
            "self": self.operation.get("instance"),
            "source": self.operation.get("source"),
            "target": self.operation.get("target"),
        }

    @property
    def subject(self) -> dict[str, Any]:
        """What an event about this operation is about."""
        return {
            "operation": self.name,
            "operation_id": self.id,
            "node_instance_id": self.operation.get("instance"),
            "source_id": self.operation.get("source"),
            "target_id": self.operation.get("target"),
        }

    def begin(
        self, code: PluginCode, inputs: dict[str, Any], workdir: str, instances: dict[str, NodeInstance]
    ) -> dict[str, Any]:
        """Return the ``begin`` frame of the operation's process, without ``type``."""
        plugin = {
            "name": self.operation["plugin"],
            "version": code.version,
            "path": list(code.path),
            "properties": (self.plugin or {}).get("properties") or {},
        }
        # A user who resumes by force vouches for running again what may not be run again by itself.
        resume = bool(self.operation.get("resume")) and not self.snapshot.execution.reset_operations
        return (
            self.snapshot.head
            | {
                "operation": self.operation | {"inputs": inputs, "resume": resume},
                "plugin": plugin,
                "workdir": workdir,
                "agent": None,
            }
            | self._subjects(instances)
        )

    def _subjects(self, instances: dict[str, NodeInstance]) -> dict[str, Any]:
        def pair(id: str) -> dict[str, Any]:
            instance = instances[id]
            node = self.snapshot.node(instance.node_id)
            # Large, and seldom looked at: the process asks then.
            node.pop("relationships", None)
            return {"node": node, "instance": instance_frame(instance)}

        if self.operation.get("instance"):
            return pair(self.operation["instance"])
        if self.operation.get("source"):
            return {"source": pair(self.operation["source"]), "target": pair(self.operation["target"])}
        return {}

    # What is said of it (the arguments of EventRecorder.event).

    def signalled(self, signum: int, reason: str) -> dict[str, Any]:
        name = signal.Signals(signum).name
        return self._event(
            "operation_signalled",
            f"{name} was sent to operation `{self.name}` (process {self.pid} and what it started): {reason}.",
            signal=name,
            reason=reason,
        )

    def dead(self, end: OperationEnd) -> dict[str, Any]:
        how = end.exit_status.describe() if end.exit_status else "it was never started"
        return self._event(
            "operation_dead",
            f"The process {self.pid} of operation `{self.name}` was seen dead: {how}.",
            exit=how,
        )

    def survived(self) -> dict[str, Any]:
        return self._event(
            "operation_kill_failed",
            f"Operation `{self.name}` could not be ended: {self.unended}."
            if self.unended
            else f"Operation `{self.name}` could not be ended: its process {self.pid}, or something that it "
            "started, is still there.",
        )

    def _event(self, event_type: str, message: str, **details: Any) -> dict[str, Any]:
        return {
            "execution_id": self.execution_id,
            "event_type": event_type,
            "message": message,
            "details": {"pid": self.pid, **details},
            **self.subject,
        }
