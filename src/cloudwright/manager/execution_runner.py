"""Drives one owned execution: its workflow's process, its cancellation, and its end.

Its end is stored in one transaction once the workflow's process is dead. A forced or killed execution only
skips the steps that it does not need any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cloudwright.background import TaskSet
from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.errors import CloudwrightError
from cloudwright.manager.awaited import LOOK_AGAIN, Awaited
from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.manager.dispatcher import Dispatcher
from cloudwright.manager.event_recorder import EventRecorder
from cloudwright.manager.execution_context import (
    ExecutionSnapshot,
    chunked,
    read_progress,
    read_snapshot,
    workflow_begin,
    workflow_plugin,
)
from cloudwright.manager.metrics import Metrics
from cloudwright.manager.modifications import Modifications
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.preparations import prepare_plugin
from cloudwright.manager.reconcile import MODE_OF_STATUS, STRENGTH
from cloudwright.manager.traces import Traces
from cloudwright.manager.workflow_host import WorkflowEnd, WorkflowHost
from cloudwright.manager.workflow_journal import WorkflowJournal
from cloudwright.manager.workflow_steps import WorkflowSteps
from cloudwright.manager.zygotes import WORKFLOWS
from cloudwright.model.execution import FORCED_MODES, CancelMode, Outcome
from cloudwright.model.operation import LOST
from cloudwright.planning import holds_functions
from cloudwright.process.supervisor import Zygote
from cloudwright.settings import Settings
from cloudwright.storage import manager_queries, operations
from cloudwright.storage.executions import ending
from cloudwright.storage.records import Execution
from cloudwright.storage.store import Store

#: For how long (seconds) a forced or killed execution waits for those that it started, at least.
CHILD_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class RunningExecution:
    """An owned execution. ``cancel_mode`` is the strongest cancellation that was applied to it; ``killed``
    says that its operations were ended too.
    """

    id: str
    term: int = 0
    depth: int = 0
    cancel_mode: CancelMode | None = None
    killed: bool = False
    abandoned: bool = False
    preparing: asyncio.Task[Any] | None = None
    host: WorkflowHost | None = None
    #: Why its workflow is not to be run, though it is owned.
    refusal: str | None = None
    #: Since when it runs after its manager died (monotonic seconds), until that is not counted against it.
    suspect_since: float | None = None
    unreachable: set[str] = field(default_factory=set)
    #: Executions that it started and that were not over when it stopped waiting for them.
    left_children: list[str] = field(default_factory=list)
    #: Set when its cancellation is raised, and when it is abandoned.
    altered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def forced(self) -> bool:
        return self.cancel_mode in FORCED_MODES or self.abandoned

    @property
    def note(self) -> str | None:
        """What the execution's record is to say however it ends."""
        said = [self.refusal] if self.refusal else []
        if self.unreachable:
            said.append(f"These operations could not be ended: {', '.join(sorted(self.unreachable))}.")
        if self.left_children:
            said.append(f"These executions that it started are not over: {', '.join(self.left_children)}.")
        return " ".join(said) or None


class ExecutionRunner:
    def __init__(
        self,
        store: Store,
        bus: Bus,
        recorder: EventRecorder,
        dispatcher: Dispatcher,
        environments: PluginEnvironments,
        rpc: ChildRpc,
        modifications: Modifications,
        metrics: Metrics,
        traces: Traces,
        *,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._bus = bus
        self._recorder = recorder
        self._dispatcher = dispatcher
        self._environments = environments
        self._rpc = rpc
        self._modifications = modifications
        self._metrics = metrics
        self._traces = traces
        self._settings = settings
        self._clock = clock
        self._tasks = TaskSet()

    def apply_cancel(self, running: RunningExecution, mode: CancelMode | None) -> None:
        """Carry out a stored cancellation, unless one as strong was carried out before."""
        if mode is None or STRENGTH[mode] <= STRENGTH[running.cancel_mode]:
            return
        running.cancel_mode = mode
        running.altered.set()
        if mode is CancelMode.CANCEL:
            if running.host is not None:
                running.host.cancel(mode)
        else:
            _stop(running)
        self._dispatcher.revoke(running.id)
        if mode is CancelMode.KILL:
            # At once, beside the end of the workflow's process; ``_record_end`` joins it.
            self._tasks.spawn(self._kill_operations(running), f"the kill of execution {running.id}")
        else:
            self._dispatcher.cancel(running.id, mode)

    def abandon(self, running: RunningExecution) -> None:
        """End the workflow's process, and store nothing of the execution any more."""
        running.abandoned = True
        running.altered.set()
        _stop(running)
        self._dispatcher.revoke_granted(running.id)

    async def prepare(self, execution: Execution) -> ExecutionSnapshot:
        """Return the execution's snapshot once what its workflow's plugin needs is installed."""
        # By the writer: it waits for a database that is away; a reader would fail the execution.
        snapshot = await self._store.write_about((), read_snapshot, execution, self._settings.home)
        await prepare_plugin(self._environments, self._recorder, snapshot, workflow_plugin(snapshot))
        return snapshot

    async def drive(
        self, running: RunningExecution, execution: Execution, snapshot: ExecutionSnapshot | None = None
    ) -> None:
        """Run the execution's workflow, and store its end. ``snapshot`` is what ``prepare`` returned."""
        outcome, error = Outcome.DIED, None
        try:
            if running.refusal is None:
                end = await self._run(running, execution, snapshot)
                if end is not None:
                    outcome, error = end.outcome, end.error
            else:
                error = running.refusal
        except CloudwrightError as problem:
            outcome, error = Outcome.FAILED, f"The workflow could not be started: {problem}"
        except Exception as problem:
            log.exception("execution %s could not be run", running.id)
            outcome = Outcome.FAILED
            error = f"The workflow could not be run: {type(problem).__name__}: {problem}"
        try:
            if not running.abandoned:
                await self._record_end(running, outcome, error)
        finally:
            self._dispatcher.unfollow(running.id)

    def announce_end(self, running: RunningExecution) -> None:
        """Wake those that follow the execution, and those that its place was missing for."""
        self._recorder.changed(running.id, "status")
        self._bus.publish(topics.WORK, {})

    async def close(self) -> None:
        await self._tasks.join()

    async def _run(
        self, running: RunningExecution, execution: Execution, snapshot: ExecutionSnapshot | None
    ) -> WorkflowEnd | None:
        """Run the workflow's process until it is dead; None if a forced request came before the fork."""
        # May take long (a plugin's installation), so a forced request interrupts it.
        preparing = asyncio.ensure_future(self._prepare(running, execution, snapshot))
        running.preparing = preparing
        if running.forced:
            preparing.cancel()
        try:
            zygote, begin, host = await preparing
        except asyncio.CancelledError:
            if running.forced:
                return None
            raise
        if running.forced:
            # It came after the preparation had ended and before this resumed: nothing was interrupted.
            return None
        running.host = host
        begin["cancel"] = running.cancel_mode
        end = await host.run(zygote, begin, memory_limit=self._settings.workflow_memory or None)
        if end.error:
            # Here the snapshot is still there, which has what the execution read.
            end = replace(end, error=self._recorder.conceal(running.id, end.error))
        if end.outcome is Outcome.DIED or running.forced:
            how = end.exit.describe()
            self._recorder.event(
                running.id,
                "workflow_process_dead",
                f"The workflow's process {end.pid} was seen dead: {how}.",
                details={"pid": end.pid, "exit": how},
            )
        return end

    async def _prepare(
        self, running: RunningExecution, execution: Execution, snapshot: ExecutionSnapshot | None
    ) -> tuple[Zygote, dict[str, Any], WorkflowHost]:
        """Return where to fork the workflow's process, its ``begin`` frame, and its host."""
        if snapshot is None:
            snapshot = await self.prepare(execution)
        snapshot.execution = execution
        environment = await self._environments.open(
            WORKFLOWS, workflow_plugin(snapshot), snapshot.blueprint_path, snapshot.codes
        )
        journal = WorkflowJournal(
            self._store,
            self._recorder,
            self._dispatcher,
            self._rpc,
            WorkflowSteps(
                self._store,
                self._modifications,
                snapshot,
                running.term,
                home=self._settings.home,
                clock=self._clock,
            ),
            snapshot,
            running.term,
            self._clock,
        )
        host = journal.host = WorkflowHost(running.id, journal)
        # Follow first, read second: an operation from before that ends in between is reported twice, and not
        # lost.
        self._dispatcher.follow(running.id, host.operation)
        instances, graphs, tasks = await self._store.write_about((), read_progress, execution)
        lost = self._dispatcher.lost(tasks)
        if lost:
            await self._store.write_about((execution.id,), operations.lose, lost, LOST.message, self._clock())
            instances, graphs, tasks = await self._store.write_about((), read_progress, execution)
        if execution.term > 1:
            graphs = self._rpc.unseal(snapshot, graphs)
        whole = workflow_begin(snapshot, self._settings, instances, graphs, resume=execution.term > 1)
        if holds_functions(execution.parameters):
            parameters = await self._rpc.evaluate_inputs(snapshot, execution.parameters, {})
            whole["execution"] = whole["execution"] | {"parameters": parameters}
        begin, parts = chunked(whole)
        journal.pending_chunks = dict(enumerate(parts))
        begin["plugin"] |= {"version": environment.code.version, "path": list(environment.code.path)}
        return environment.zygote, begin, host

    async def _kill_operations(self, running: RunningExecution) -> None:
        left = await self._dispatcher.kill(running.id, running.term, "a kill of the execution was requested")
        running.unreachable.update(left)

    async def _record_end(self, running: RunningExecution, outcome: Outcome, error: str | None) -> None:
        while True:
            if running.cancel_mode is CancelMode.KILL:
                # Whether or not a kill ran already: another one ends what was being forked meanwhile, and
                # costs nothing else.
                await self._kill_operations(running)
                running.killed = True
            waited = await self._await_children(running)
            if running.abandoned:
                return
            # An operation that the end does not list as running will never begin.
            running.unreachable.update(await self._dispatcher.settle(running.id))
            self._recorder.flush()
            result = await self._store.write_about(
                (running.id,),
                ending.finish,
                running.id,
                running.term,
                outcome,
                error=error,
                note=running.note,
                killed=running.killed,
                waited=waited,
                now=self._clock(),
            )
            if result is None:
                return
            if not result.kill_first and not result.children_first:
                self._metrics.execution_ended(result.execution)
                self._traces.execution_ended(result.execution)
                return
            # A request was stored after we looked: `cancelled` may be stored only once its operations are
            # dead, if it is a kill, and its children are over.
            self.apply_cancel(running, MODE_OF_STATUS.get(result.execution.status))

    async def _await_children(self, running: RunningExecution) -> bool:
        """Wait for the children of a cancelled execution, which were asked to stop with it; returns whether
        it is cancelled.

        A standard request waits for as long as they take, a forced one for ``CHILD_SECONDS``.
        """
        loop = asyncio.get_running_loop()
        bound: float | None = None
        told = False
        while running.cancel_mode is not None and not running.abandoned:
            running.altered.clear()
            children = await self._store.write_about((), manager_queries.unfinished_children, running.id)
            running.left_children = [_describe(child) for child in children]
            if not children:
                return True
            if not told:
                told = True
                names = ", ".join(running.left_children)
                message = f"It waits for the executions that it started: {names}."
                details = {"executions": [child.id for child in children]}
                self._recorder.event(running.id, "execution_waits_for_children", message, details=details)
            if running.forced and bound is None:
                bound = loop.time() + max(CHILD_SECONDS, 2 * self._settings.kill_grace)
            left = LOOK_AGAIN if bound is None else bound - loop.time()
            if left <= 0:
                return True
            await self._change(running, [child.id for child in children], min(left, LOOK_AGAIN))
        return False

    async def _change(self, running: RunningExecution, ids: list[str], seconds: float) -> None:
        """Wait until one of these executions is over, or the request for this one is raised."""
        async with Awaited(self._store, self._bus, ids) as awaited:
            left = await self._store.write_about((), manager_queries.unfinished_children, running.id)
            if {child.id for child in left} != set(ids):
                return
            waits = [
                asyncio.ensure_future(awaited.change(seconds)),
                asyncio.ensure_future(running.altered.wait()),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)


def _describe(execution: Execution) -> str:
    return f"`{execution.id}` (`{execution.workflow_id}` of `{execution.deployment_id}`, {execution.status})"


def _stop(running: RunningExecution) -> None:
    if running.host is not None:
        running.host.kill()
    elif running.preparing is not None:
        running.preparing.cancel()
