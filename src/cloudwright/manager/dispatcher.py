"""Dispatches the operations of executions to workers, and reports what becomes of them.

An operation's way: *sent* (its workflow asked for it, and that is stored) -> *prepared* (``preparations``:
its plugin's environment is installed) -> *granted* (``operation_queue``: one guarded write, for all that can
start at this moment) -> *run* by a worker -> its end is *recorded* (``operation_recorder``) -> *reported* to
its workflow, if there still is one. An operation outlives its execution unless it is killed: its end is
recorded all the same.

Granted is not begun. What was granted and was not sent ``begin`` is revoked by every request to stop and by
the end of its execution; before an end is stored, what was sent ``begin`` has begun or is dead (``settle``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from cloudwright.manager.begin_gate import BeginGate
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_context import ExecutionSnapshot
from cloudwright.manager.host_agents import HostAgents
from cloudwright.manager.metrics import Metrics
from cloudwright.manager.operation_queue import OperationQueue
from cloudwright.manager.operation_recorder import OperationRecorder
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.plugin_wheels import PluginWheels
from cloudwright.manager.preparations import Preparations
from cloudwright.manager.traces import Traces
from cloudwright.manager.workers.local import LocalWorker, start_failure
from cloudwright.manager.workers.protocol import Subjects, Worker
from cloudwright.manager.workers.remote import RemoteWorker
from cloudwright.manager.workers.remote_begin import RemoteBegin
from cloudwright.model.execution import CancelMode
from cloudwright.model.executors import HOST_AGENT
from cloudwright.model.operation import Failure, OperationState
from cloudwright.storage.records import Operation
from cloudwright.storage.store import Store
from cloudwright.storage.workers import WorkerRow

Listener = Callable[[dict[str, Any]], None]


class Dispatcher:
    """Routes operations to this manager's local worker, as many at once as it has slots, and to agents."""

    def __init__(
        self,
        store: Store,
        recorder: EventRecorder,
        environments: PluginEnvironments,
        rpc: ChildRpc,
        metrics: Metrics,
        traces: Traces,
        *,
        worker: str,
        home: Path,
        slots: int,
        kill_grace: float,
        memory_limit: int | None,
        silence: float,
        uninstall_wait: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._rpc = rpc
        self._clock = clock
        self._kill_grace = kill_grace
        self._listeners: dict[str, Listener] = {}
        self._events = recorder
        self._metrics = metrics
        self._traces = traces
        self._gate = BeginGate()
        self._queue = OperationQueue(
            store,
            worker,
            slots,
            clock,
            before_grant=recorder.flush,
            granted=self._run,
            revoked=self._revoked,
            refused=self._refused,
            answered=self._answered,
        )
        self._recorder = OperationRecorder(
            store,
            recorder,
            rpc,
            self._queue.running,
            clock,
            recorded=self._report,
            dropped=self._release,
        )
        self._local = LocalWorker(
            worker,
            self._recorder,
            environments,
            rpc,
            self._gate,
            home=home,
            kill_grace=kill_grace,
            memory_limit=memory_limit,
            variables=traces.environment,
        )
        self._preparations = Preparations(environments, recorder, self._queue.add)
        metrics.watch("operations_running", "Operations that hold a slot.", lambda: len(self._queue.running))
        metrics.watch("operations_waiting", "Operations that wait for a slot.", lambda: self._queue.waiting)
        #: Makes what agents are sent, and knows the files that they may fetch.
        self.remote_begin = RemoteBegin(store, rpc, PluginWheels(home), memory_limit)
        self.agents = HostAgents(
            store,
            recorder,
            clock,
            make=self._make_agent,
            refuse=self._queue.add,
            silence=silence,
            uninstall_wait=uninstall_wait,
            home=home,
        )

    def follow(self, execution_id: str, listener: Listener) -> None:
        """Call ``listener`` with what becomes of the execution's operations (``operation`` frames without
        their type).
        """
        self._listeners[execution_id] = listener

    def unfollow(self, execution_id: str) -> None:
        """Drop the listener. Queued operations are discarded; running ones finish and are recorded."""
        self._listeners.pop(execution_id, None)
        self._drop(execution_id)

    def send(
        self,
        snapshot: ExecutionSnapshot,
        term: int,
        accepted: Iterable[dict[str, Any]],
        *,
        aware: bool = False,
    ) -> None:
        """Run operations that are stored as ``sent`` under ``term``.

        ``aware`` is whether the workflow sent them in knowledge of a request to cancel.
        """
        ready = []
        for operation in accepted:
            run = OperationRun(snapshot, term, operation, aware)
            if operation["executor"] == HOST_AGENT:
                self.agents.add([run])
            elif self._preparations.is_prepared(run):
                ready.append(run)
            else:
                self._preparations.add(run)
        if ready:
            self._queue.add(ready)

    def hold(self, execution_id: str) -> AbstractContextManager[None]:
        """Let no operation of the execution begin while a request to stop it is being stored."""
        return self._gate.hold(execution_id)

    def revoke(self, execution_id: str) -> None:
        """Discard the execution's operations that wait, report that, and revoke those that were granted and
        were not sent ``begin``; running ones continue.
        """
        for run in self._drop(execution_id):
            self._notify(run, OperationState.CANCELLED)
        self.revoke_granted(execution_id)

    def revoke_granted(self, execution_id: str) -> None:
        """Revoke the execution's operations that were granted and were not sent ``begin``."""
        for run in self._queue.running_of(execution_id):
            self._worker_of(run).revoke(run)

    async def settle(self, execution_id: str) -> list[str]:
        """Wait until every operation of the execution that was granted has begun, or is revoked or dead; it
        has no workflow any more.

        Returns those that have not begun and could not be killed: their ids, or what is known of them.
        """
        self._drop(execution_id)
        runs = self._queue.running_of(execution_id)
        settled = await asyncio.gather(*(self._worker_of(run).settle(run) for run in runs))
        return [run.unended or run.id for run, done in zip(runs, settled, strict=True) if not done]

    def cancel(self, execution_id: str, mode: CancelMode) -> None:
        """Notify the execution's running operations that it was asked to stop."""
        for run in self._queue.running_of(execution_id):
            self._worker_of(run).cancel(run.id, mode)

    async def kill(self, execution_id: str, term: int, reason: str) -> list[str]:
        """End every operation that the execution sent under ``term`` or earlier ones, and wait until their
        processes are gone and their ends are stored.

        Returns those that could not be ended, by their ids or with what is known of them; each is an event
        of the execution too.
        """
        self._drop(execution_id, term)
        targets = [run for run in self._queue.running_of(execution_id) if run.term <= term]
        gone = await asyncio.gather(*(self._kill_one(run, reason) for run in targets))
        return [run.unended or run.id for run, ended in zip(targets, gone, strict=True) if not ended]

    def lost(self, tasks: Iterable[Operation]) -> list[str]:
        """Return the ids of those of ``tasks`` that are stored as running although nothing runs them.

        Its own worker says so of an operation. One of another manager's worker is lost as well: the caller
        owns its execution, so that manager's lease has ended, and with it its worker's life.
        """
        lost = []
        for task in tasks:
            worker = self._worker(task.worker)
            if task.running and (worker is None or task.id not in worker.inventory()):
                lost.append(task.id)
        return lost

    @property
    def busy(self) -> bool:
        return bool(self._queue) or bool(self._preparations) or bool(len(self.agents))

    async def close(self) -> None:
        """Kill all that runs. The rows are left as they are: the next start finds them and knows what
        happened.
        """
        self._queue.close()
        await self._preparations.close()
        # Before the recorder: an end that it drops would be acknowledged, and lost.
        await self.agents.close()
        await self.remote_begin.wheels.close()
        self._recorder.stop()
        await self._local.close()
        await self._recorder.close()

    def _drop(self, execution_id: str, term: int | None = None) -> list[OperationRun]:
        waiting = self._preparations.drop(execution_id, term) + self._queue.drop(execution_id, term)
        return waiting + self.agents.drop(execution_id, term)

    def _worker(self, name: str | None) -> Worker | None:
        return self._local if name == self._local.name else self.agents.worker(name)

    def _worker_of(self, run: OperationRun) -> Worker:
        agent = None if run.agent is None else self.agents.worker(run.agent)
        return self._local if agent is None else agent

    def _make_agent(self, row: WorkerRow) -> tuple[RemoteWorker, OperationQueue]:
        worker = RemoteWorker(
            row.name,
            self._recorder,
            self._rpc,
            self._gate,
            self._store,
            self.remote_begin,
            self._events,
            kill_grace=self._kill_grace,
        )

        def granted(run: OperationRun, subjects: Subjects) -> None:
            self._notify(run, OperationState.STARTED)
            run.agent = row.name
            run.granted_at = time.monotonic()
            worker.run(run, subjects)

        queue = OperationQueue(
            self._store,
            row.name,
            row.capacity,
            self._clock,
            before_grant=self._events.flush,
            granted=granted,
            revoked=self._revoked,
            refused=self._refused,
            answered=self._answered,
            running=self._queue.running,
            is_open=False,
        )
        return worker, queue

    def _release(self, run: OperationRun) -> None:
        self._queue.release(run)
        if run.agent is not None:
            self.agents.release(run)

    def _run(self, run: OperationRun, subjects: Subjects) -> None:
        run.granted_at = time.monotonic()
        self._notify(run, OperationState.STARTED)
        self._local.run(run, subjects)

    def _revoked(self, run: OperationRun) -> None:
        self._notify(run, OperationState.CANCELLED)

    def _answered(self, execution_ids: set[str]) -> None:
        for id in execution_ids:
            self._events.changed(id, "operations")

    def _refused(self, run: OperationRun, error: BaseException) -> None:
        self._notify(run, OperationState.FAILED, failure=start_failure(error))

    def _report(self, run: OperationRun, state: OperationState, result: Any, failure: Failure | None) -> None:
        self._queue.release(run)
        taken = None if run.granted_at is None else time.monotonic() - run.granted_at
        self._metrics.operation_ended(state, taken)
        self._traces.operation_ended(run, state, taken, failure)
        self._release(run)
        self._notify(run, state, result, failure)

    async def _kill_one(self, run: OperationRun, reason: str) -> bool:
        gone = await self._worker_of(run).kill(run, reason)
        if not gone:
            self._recorder.survived(run)
        return gone

    def _notify(
        self, run: OperationRun, state: OperationState, result: Any = None, failure: Failure | None = None
    ) -> None:
        listener = self._listeners.get(run.execution_id)
        if listener is not None:
            update = {"id": run.id, "attempt": run.attempt, "state": str(state)}
            listener(update | {"result": result, "failure": asdict(failure) if failure else None})
