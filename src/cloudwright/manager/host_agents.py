"""The agents of hosts: which operations go to which, and what becomes of their connections.

Silence counts only while this manager listened: a loop that stood still, and a start, begin the count again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.errors import NotFound
from cloudwright.manager.agent_absence import AgentAbsence
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_context import ExecutionSnapshot, read_snapshot
from cloudwright.manager.operation_queue import OperationQueue
from cloudwright.manager.operation_run import OperationRun
from cloudwright.manager.workers.remote import RemoteWorker
from cloudwright.manager.workers.session import WorkerSession
from cloudwright.model.topology import NodeInstance
from cloudwright.storage import instances, manager_queries, operations, workers
from cloudwright.storage.records import Operation
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.workers import CONNECTED, DELETED, STOPPED, UNREACHABLE, WorkerRow

#: How often connections are looked at (seconds), and how late such a look may come before silence is counted
#: again.
LOOK_SECONDS = 1.0
LATE_SECONDS = 3.0
#: What a start of the manager adds to the silence after which a worker is unreachable (seconds).
START_GRACE = 5.0


log = logging.getLogger(__name__)


class _Agent:
    """One agent's queue and connection. ``lost_at`` is when it was heard last (seconds of the event loop)."""

    def __init__(
        self, row: WorkerRow, worker: RemoteWorker, queue: OperationQueue, absence: AgentAbsence, now: float
    ) -> None:
        self.row = row
        self.worker = worker
        self.queue = queue
        self.lost_at = now
        self.absence = absence


class HostAgents:
    """``make`` returns an agent's worker and queue. ``refuse`` takes operations whose host has none."""

    def __init__(
        self,
        store: Store,
        recorder: EventRecorder,
        clock: Callable[[], datetime],
        *,
        make: Callable[[WorkerRow], tuple[RemoteWorker, OperationQueue]],
        refuse: Callable[[list[OperationRun]], None],
        silence: float,
        home: Any,
        uninstall_wait: float = 60.0,
    ) -> None:
        self.silence = silence
        self._uninstall_wait = uninstall_wait
        #: New at each start of the manager: workers know by it whether calls can be sent again.
        self.life = secrets.token_hex(8)
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._make = make
        self._refuse = refuse
        self._home = home
        self._agents: dict[str, _Agent] = {}
        # Operations whose host is being looked up.
        self._routing: dict[str, OperationRun] = {}
        self._tasks = TaskSet()

    async def start(self) -> None:
        """Adopt operations that agents run since an earlier run of the manager."""
        rows = await self._store.read(workers.everything)
        if rows:
            running = await self._store.read(operations.running)
            for row in rows:
                agent = self._agent(row)
                if row.state == CONNECTED:
                    agent.lost_at += START_GRACE
                await self._adopt(agent, [task for task in running if task.worker == row.name])
        self._tasks.spawn(self._look(), "looking after agents")

    async def close(self) -> None:
        await self._tasks.close()
        for agent in self._agents.values():
            agent.queue.close()
            await agent.worker.close()

    def __len__(self) -> int:
        return len(self._routing) + sum(len(agent.queue) for agent in self._agents.values())

    def add(self, runs: Iterable[OperationRun]) -> None:
        """Send operations to the agents of their hosts."""
        for run in runs:
            self._routing[run.id] = run
            self._tasks.spawn(self._route(run), f"finding the agent for operation {run.id}")

    def drop(self, execution_id: str, term: int | None) -> list[OperationRun]:
        """Take out what waits of an execution, as ``OperationQueue.drop``."""
        dropped = [
            run
            for run in self._routing.values()
            if run.execution_id == execution_id and (term is None or run.term <= term)
        ]
        for run in dropped:
            del self._routing[run.id]
        for agent in self._agents.values():
            dropped += agent.queue.drop(execution_id, term)
        return dropped

    def worker(self, name: str | None) -> RemoteWorker | None:
        agent = self._agents.get(name or "")
        return None if agent is None else agent.worker

    def release(self, run: OperationRun) -> None:
        agent = self._agents.get(run.agent or "")
        if agent is not None:
            agent.queue.release(run)

    # Connections.

    def connect(self, row: WorkerRow, session: WorkerSession) -> RemoteWorker:
        """The worker of ``row`` is here with a session that is stored. Its inventory is expected next."""
        agent = self._agent(row)
        was_away = agent.worker.unreachable_since
        agent.row = row
        agent.worker.connect(session)
        if was_away is not None:
            self._say(agent, "agent_returned", f"Agent `{row.name}` is connected again.")
        return agent.worker

    def ready(self, name: str) -> None:
        """Its inventory was compared: it is given operations."""
        self._agents[name].queue.open(True)

    def disconnect(self, name: str, session: WorkerSession, *, stopped: bool = False) -> None:
        """A connection has ended; ``stopped``: its worker ended in good order."""
        agent = self._agents.get(name)
        if agent is None or not agent.worker.disconnect(session):
            return
        agent.queue.open(False)
        agent.lost_at = session.heard
        if agent.row.state == DELETED:
            if not agent.worker.operations:
                del self._agents[name]
        elif stopped:
            self._set_state(agent, session.number, STOPPED)

    def operations(self, name: str) -> list[OperationRun]:
        """Return what runs on an agent, as far as is known."""
        agent = self._agents.get(name)
        return [] if agent is None else agent.worker.operations

    def forget_deployment(self, tenant: str, deployment_id: str) -> None:
        """The agents of a deployment were deleted with it."""
        for name, agent in list(self._agents.items()):
            if (agent.row.tenant, agent.row.deployment_id) == (tenant, deployment_id):
                self.forget(name)

    def forget(self, name: str, *, gone: bool = False) -> None:
        """The agent was deleted: it is ordered to end what runs on it, and to stop.

        With ``gone`` its machine does not exist any more, and what ran there is lost.
        """
        agent = self._agents.get(name)
        if agent is None or agent.row.state == DELETED:
            return
        if gone:
            agent.worker.lose()
        if agent.worker.session is not None:
            agent.worker.session.send({"type": "stop", "reason": f"agent `{name}` was deleted"})
        agent.queue.open(False)
        agent.row = replace(agent.row, state=DELETED)

    def _agent(self, row: WorkerRow) -> _Agent:
        agent = self._agents.get(row.name)
        if agent is None or agent.row.state == DELETED:
            worker, queue = self._make(row)
            absence = AgentAbsence(row.name, self._recorder, self._refuse, self._uninstall_wait)
            agent = _Agent(row, worker, queue, absence, asyncio.get_running_loop().time())
            self._agents[row.name] = agent
        return agent

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = loop.time()
            late, last = now - last > LOOK_SECONDS + LATE_SECONDS, now
            for agent in self._agents.values():
                session = agent.worker.session
                if late:
                    agent.lost_at = now
                    if session is not None:
                        session.heard = now
                elif session is not None and now - session.heard >= self.silence:
                    # Nothing came although the connection seems to stand.
                    self.disconnect(agent.row.name, session)
                    session.close()
                self._look_at(agent, now)
                away_since = None if agent.worker.session is not None else agent.lost_at
                agent.absence.look(agent.queue, away_since, now)

    def _look_at(self, agent: _Agent, now: float) -> None:
        worker = agent.worker
        if (
            worker.session is None
            and worker.unreachable_since is None
            and now - agent.lost_at >= self.silence
        ):
            worker.give_up(self._clock() - timedelta(seconds=now - agent.lost_at))
            if agent.row.state == CONNECTED:
                self._set_state(agent, agent.row.session, UNREACHABLE)
            if agent.row.state not in (CONNECTED, UNREACHABLE):
                return  # It was not here before, or has said that it goes.
            what = ", ".join(sorted(run.name for run in worker.operations))
            self._say(
                agent,
                "agent_unreachable",
                f"Agent `{agent.row.name}` is unreachable: nothing was heard of it for {self.silence:g} s."
                + (f" It was running: {what}." if what else ""),
            )

    def _set_state(self, agent: _Agent, session: int, state: str) -> None:
        now = self._clock()
        heard = now - timedelta(seconds=asyncio.get_running_loop().time() - agent.lost_at)
        agent.row = replace(agent.row, state=state)
        self._store.write_about((), workers.set_state, agent.row.name, session, state, now, heard)

    def _say(self, agent: _Agent, event_type: str, message: str) -> None:
        """Record an event in every execution that has to do with the agent."""
        log.warning("%s", message)
        about = {run.execution_id for run in agent.worker.operations} | agent.queue.executions()
        for execution_id in about:
            self._recorder.event(execution_id, event_type, message, details={"agent": agent.row.name})

    # Operations.

    async def _route(self, run: OperationRun) -> None:
        row: WorkerRow | None = None
        # If its instance is gone, the grant says so.
        with contextlib.suppress(NotFound):
            row = await self._store.write_about((), _find_agent, run)
        if self._routing.pop(run.id, None) is None:
            return
        if row is None:
            self._refuse([run])
            return
        agent = self._agent(row)
        if agent.worker.session is None:
            if row.state in (CONNECTED, UNREACHABLE):
                what = f"Operation `{run.name}` waits for agent `{row.name}`, which is not connected."
            else:
                what = (
                    f"Operation `{run.name}` waits for agent `{row.name}`, which is {row.state}: "
                    f"`cfy agents enroll {row.name}` shows how to start it."
                )
            details = {"agent": row.name}
            self._recorder.event(run.execution_id, "waiting_for_agent", what, details=details, **run.subject)
        agent.queue.add([run])

    async def _adopt(self, agent: _Agent, tasks: list[Operation]) -> None:
        snapshots: dict[str, ExecutionSnapshot] = {}
        for task in tasks:
            try:
                snapshot = snapshots.get(task.execution_id)
                if snapshot is None:
                    snapshot = await self._store.read(_snapshot, task.execution_id, self._home)
                    snapshots[task.execution_id] = snapshot
            except NotFound as error:
                log.warning("operation %s on agent %s is left alone: %s", task.id, agent.row.name, error)
                continue
            run = OperationRun(snapshot, task.term, task.parameters | {"attempt": task.attempt})
            run.agent = agent.row.name
            agent.queue.hold(run)
            agent.worker.adopt(run)


def _find_agent(conn: Connection, run: OperationRun) -> WorkerRow | None:
    operation, tenant = run.operation, run.snapshot.execution.tenant
    subject: NodeInstance = instances.get_instance(
        conn, tenant, str(operation.get("instance") or operation[operation["side"]])
    )
    return None if subject.host_id is None else workers.of_host(conn, tenant, subject.host_id)


def _snapshot(conn: Connection, execution_id: str, home: Any) -> ExecutionSnapshot:
    return read_snapshot(conn, manager_queries.get(conn, execution_id), home)
