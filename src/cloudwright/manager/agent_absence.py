"""What a workflow that takes instances down does not wait for: operations of a host whose agent is away."""

from __future__ import annotations

from collections.abc import Callable

from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.executors import AgentIsAway
from cloudwright.manager.operation_queue import OperationQueue
from cloudwright.manager.operation_run import OperationRun
from cloudwright.model.hosts import AGENT_INTERFACE
from cloudwright.planning.unsupported import UNINSTALL

#: Workflows that take instances down, for good or to recreate them.
_TAKING_DOWN = frozenset({"uninstall", "heal", "scale"})
_OPERATIONS = (
    (UNINSTALL.operations or frozenset())
    | (UNINSTALL.relationship_operations or frozenset())
    | {f"{AGENT_INTERFACE}.stop_amqp"}
)


class AgentAbsence:
    """One agent's. ``refuse`` takes operations that waited for ``wait`` seconds, with their refusals."""

    def __init__(
        self,
        agent: str,
        recorder: EventRecorder,
        refuse: Callable[[list[OperationRun]], None],
        wait: float,
    ) -> None:
        self._agent = agent
        self._recorder = recorder
        self._refuse = refuse
        self._wait = wait
        # Since when operations are seen to wait, by their ids.
        self._waiting: dict[str, float] = {}

    def look(self, queue: OperationQueue, away_since: float | None, now: float) -> None:
        """Refuse what has waited too long in ``queue``; ``away_since`` is None while the agent is here."""
        seen, self._waiting = self._waiting, {}
        if away_since is None:
            return

        def is_late(run: OperationRun) -> bool:
            if run.snapshot.execution.workflow_id not in _TAKING_DOWN or run.name not in _OPERATIONS:
                return False
            since = self._waiting[run.id] = seen.get(run.id, now)
            return now - max(since, away_since) >= self._wait

        late = queue.take(is_late)
        for run in late:
            what = (
                f"Operation `{run.name}` is passed over: its agent `{self._agent}` is not connected for "
                f"{now - away_since:.0f} s."
            )
            run.refusal = AgentIsAway(what)
            details = {"agent": self._agent}
            self._recorder.event(
                run.execution_id, "operation_passed_over", what, details=details, **run.subject
            )
        if late:
            self._refuse(late)
