"""Runs the tasks of one graph: what is ready begins; what has ended lets others begin, or is tried again.

The engine has no thread of its own. It moves whenever somebody executes its graph or waits for one of its
tasks, and then only looks at what has changed: news of tasks, retries whose time has come, tasks that
became ready.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from cloudwright.model.operation import Failure, RetryPolicy, retry_delay
from cloudwright.operation.errors import NonRecoverableError, OperationRetry
from cloudwright.workflow.cancellation import Watch
from cloudwright.workflow.connection import Updates
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.failures import workflow_failed
from cloudwright.workflow.operation_task import LOST, OperationTask, error_of
from cloudwright.workflow.subgraph import SubgraphTask
from cloudwright.workflow.tasks import (
    INFINITE_TOTAL_RETRIES,
    TASK_CANCELLED,
    TASK_FAILED,
    TASK_PENDING,
    TASK_RESCHEDULED,
    TASK_SENDING,
    TASK_SENT,
    TASK_STARTED,
    TASK_SUCCEEDED,
    HandlerResult,
    WorkflowTask,
)

if TYPE_CHECKING:
    from cloudwright.workflow.graph import TaskDependencyGraph

#: For how long the request to cancel that an operation was revoked for may still be on its way (seconds).
REQUEST_SECONDS = 10.0

_FAILURE_KEYS = frozenset(field.name for field in fields(Failure))


class GraphExecutor:
    """``ready`` holds tasks that may be able to begin; whether they are is seen when their turn comes."""

    def __init__(self, graph: TaskDependencyGraph) -> None:
        self.ready: deque[WorkflowTask] = deque()
        self._graph = graph
        self._internal = graph.ctx.internal
        self._connection = graph.ctx.internal.connection
        self._updates: Updates = deque()
        self._running: dict[str, WorkflowTask] = {}
        self._unsent: list[OperationTask] = []
        self._timers: list[tuple[float, int, WorkflowTask]] = []
        # Operations that the host would not run, until it is known that the execution was asked to stop.
        self._revoked: list[OperationTask] = []
        self._timer_count = 0
        # One thread moves the engine at a time; handlers that it calls may use the graph again.
        self._lock = threading.RLock()
        # The thread that executes the graph. While there is none, tasks begin as they are launched, and a
        # failure is a matter between a task and whoever waits for it.
        self._executing: int | None = None
        self._failed: list[WorkflowTask] = []
        self._failed_at = 0.0

    # What a graph asks for.

    @property
    def executing(self) -> bool:
        return self._executing is not None

    def execute(self) -> None:
        """Run the graph to its end; see TaskDependencyGraph.execute."""
        if self._executing is not None:
            raise RuntimeError("The graph is being executed already.")
        watch = self._connection.cancellation.watch_graph()
        self._executing, self._failed = threading.get_ident(), []
        try:
            with self._connection.gathering():
                self._run(watch)
        finally:
            self._executing = None
        if self._failed:
            raise workflow_failed(self._failed)

    def _run(self, watch: Watch) -> None:
        while True:
            watch.check()
            self._advance()
            if self._is_over():
                return
            if self._send(watch):
                self._connection.wait(lambda: self._has_news or watch.interrupted, self._deadline())

    def launch(self, task: WorkflowTask) -> None:
        """Begin a task that was just made."""
        with self._lock:
            if task._state != TASK_PENDING:
                return
            self._begin(task)
            if not self.executing:
                self._advance()
                self._send(None)

    def wait_for(self, task: WorkflowTask, timeout: float | None) -> None:
        """Return when ``task`` has ended for good.

        Raises ExecutionCancelled where that is interrupted, TimeoutError after ``timeout`` seconds.
        """
        connection, result = self._connection, task.async_result
        watch = connection.cancellation.watch_task(lambda: task._state == TASK_RESCHEDULED)
        patience = None if timeout is None else connection.clock() + timeout

        def is_mine() -> bool:
            # Where another thread executes the graph, that thread moves it.
            return self._executing in (None, threading.get_ident())

        while True:
            if is_mine():
                with self._lock:
                    self._advance()
                    self._send(watch if self.executing else None)
            if result.is_set:
                return
            watch.check()
            if patience is not None and connection.clock() >= patience:
                raise TimeoutError(f"{task.short_description} did not end within {timeout:g} s.")
            connection.wait(
                lambda: result.is_set or watch.interrupted or (is_mine() and self._has_news),
                earliest(self._deadline(), patience),
            )

    def adopt(self, task: OperationTask) -> None:
        """An operation from before a resume still runs: wait for it, and do not send it."""
        task._state = TASK_STARTED
        self._track(task)
        self._connection.expect(task.id, self._updates)

    def abandon(self, task: WorkflowTask) -> None:
        """The task was taken out of the graph: whatever becomes of it is of no interest any more."""
        if self._untrack(task):
            self._connection.forget(task.id)

    # Moving.

    def _advance(self) -> None:
        with self._lock:
            while True:
                if self._updates:
                    self._apply_update(self._updates.popleft())
                elif self._revoked and self._connection.cancellation.requested is not None:
                    self._resend(self._revoked.pop())
                elif self._timers and self._timers[0][0] <= self._connection.clock():
                    self._on_timer(heapq.heappop(self._timers)[2])
                elif self.ready:
                    self._begin_if_ready(self.ready.popleft())
                else:
                    return

    @property
    def _has_news(self) -> bool:
        if self._updates:
            return True
        return bool(self._revoked) and self._connection.cancellation.requested is not None

    def _begin_if_ready(self, task: WorkflowTask) -> None:
        if task._state != TASK_PENDING or task._blockers or not self._graph.has_task(task):
            return
        if self._halted and not (task.inline or task.is_subgraph):
            return
        if any(subgraph.failing for subgraph in task.subgraphs()):
            return
        self._begin(task)

    @property
    def _halted(self) -> bool:
        """A task of the graph failed: nothing but bookkeeping begins any more."""
        return bool(self._failed)

    def _begin(self, task: WorkflowTask) -> None:
        self._graph.journal.flush()
        if isinstance(task, SubgraphTask):
            task._state = TASK_STARTED
            for member in list(task._left):
                self._graph.remove_dependency(member, task)
            self.check(task)
        elif isinstance(task, OperationTask):
            task._state = TASK_SENDING
            self._unsent.append(task)
        elif task.inline:
            self._end_local(task, *_outcome(task))
        elif not self.executing and self._connection.cancellation.unacknowledged:
            self._refuse_cancelled(task)
        else:
            task._state = TASK_STARTED
            self._track(task)
            self._internal.task_event(task, "task_started")
            self._internal.thread_pool.submit(
                lambda: self._connection.post(self._updates, (task, *_outcome(task)))
            )

    def _send(self, watch: Watch | None) -> bool:
        """Send what became ready, together. False where the wait of ``watch`` was interrupted meanwhile."""
        if not self._unsent:
            return True
        outgoing, self._unsent = self._unsent, []
        self._connection.look()
        if watch is not None and watch.interrupted:
            # They stay in the graph, should the workflow decide to execute it all the same.
            for task in outgoing:
                task._state = TASK_PENDING
            self.ready.extendleft(reversed(outgoing))
            return False
        if watch is None and self._connection.cancellation.unacknowledged:
            for task in outgoing:
                self._refuse_cancelled(task)
            return True
        entries = []
        for task in outgoing:
            before = self._internal.stored.running(task.operation)
            if before is not None:
                # It runs already, from before the execution was resumed.
                task.attempt = before["attempt"]
                self._graph.identify({before["id"]: task})
                self.adopt(task)
                continue
            task._state = TASK_SENT
            self._track(task)
            self._connection.expect(task.id, self._updates)
            graph_id = self._graph.journal.id if task.stored else None
            entries.append(["run", task.frame(graph_id, self._graph.task_notes(task))])
        self._connection.journal(*entries)
        return True

    def _refuse_cancelled(self, task: WorkflowTask) -> None:
        """The workflow does not know that it is to stop: the task does not begin; waiting for it tells."""
        task._state = TASK_PENDING
        task.async_result.settle(
            None, ExecutionCancelled("The execution was asked to stop before this task began.")
        )
        self._graph.detach(task)
        task.async_result.announce()
        self._connection.poke()

    def _track(self, task: WorkflowTask) -> None:
        self._running[task.id] = task
        for subgraph in task.subgraphs():
            subgraph._running += 1

    def _untrack(self, task: WorkflowTask) -> bool:
        if self._running.pop(task.id, None) is None:
            return False
        for subgraph in task.subgraphs():
            subgraph._running -= 1
        return True

    # What has ended.

    def _apply_update(self, update: Any) -> None:
        if isinstance(update, tuple):
            task, value, error = update
            if self._untrack(task):
                self._end_local(task, value, error)
                self._check_around(task)
            return
        task = self._running.get(update["id"])
        if not isinstance(task, OperationTask) or update.get("attempt") not in (None, task.attempt):
            return  # news of an attempt from before
        state = update["state"]
        if state == TASK_STARTED:
            task._state = TASK_STARTED
            return
        if state == TASK_CANCELLED and not task.revoked:
            # It was sent before a request to cancel was known here, and that request may still be on its way.
            task.revoked = True
            self._revoked.append(task)
            self._set_timer(self._connection.clock() + REQUEST_SECONDS, task)
            return
        self._untrack(task)
        if state == TASK_SUCCEEDED:
            task._state, task.failure = TASK_SUCCEEDED, None
            task.async_result.settle(update.get("result"), None)
        else:
            task._state = TASK_FAILED
            task.failure = _failure(state, update.get("failure"))
            task.async_result.settle(None, error_of(task.failure))
        self._on_ended(task)
        self._check_around(task)

    def _resend(self, task: OperationTask) -> None:
        """Whether the workflow wants it, knowing of the request, is seen where it is sent."""
        if self._untrack(task):
            self._begin(task)

    def _end_local(self, task: WorkflowTask, value: Any, error: BaseException | None) -> None:
        task._state = TASK_SUCCEEDED if error is None else TASK_FAILED
        task.async_result.settle(value, error)
        self._internal.task_event(task, "task_succeeded" if error is None else "task_failed")
        self._on_ended(task)

    def _on_ended(self, task: WorkflowTask) -> None:
        verdict = self._verdict(task)
        if verdict.action == HandlerResult.HANDLER_RETRY:
            self._retry(task, verdict)
            return
        ignored = task._state == TASK_FAILED and verdict.action != HandlerResult.HANDLER_FAIL
        self._graph.journal.ended(task, ignored)
        if verdict.action == HandlerResult.HANDLER_FAIL:
            self._fail(task)
        else:
            self._graph.release(task)
        if isinstance(task, OperationTask):
            self._connection.forget(task.id)
        elif isinstance(task, SubgraphTask) and ignored:
            self._graph.drop_members(task)
        task.async_result.announce()
        self._connection.poke()
        if task.containing_subgraph is not None:
            self.check(task.containing_subgraph)

    def _fail(self, task: WorkflowTask) -> None:
        """The task stays failed: what depends on it never begins."""
        self._graph.detach(task)
        subgraph = task.containing_subgraph
        if subgraph is not None:
            if isinstance(task, SubgraphTask):
                subgraph._failed.append(task)
            if subgraph.failed_task is None:
                subgraph.failed_task = task
                # What runs of it is waited for, but not for ever.
                self._set_timer(self._connection.clock() + self._graph.ctx.wait_after_fail, subgraph)
        elif self.executing:
            if not self._failed:
                self._failed_at = self._connection.clock()
            self._failed.append(task)
            for outgoing in self._unsent:
                outgoing._state = TASK_PENDING
            self._unsent.clear()

    def _check_around(self, task: WorkflowTask) -> None:
        """End the subgraphs that only waited for this task to come in."""
        for subgraph in task.subgraphs():
            if subgraph.failed_task is not None:
                self.check(subgraph)

    def check(self, subgraph: SubgraphTask) -> None:
        """End the subgraph if nothing of it is left to run, or if it has failed and nothing of it runs."""
        if subgraph._state != TASK_STARTED or not self._graph.has_task(subgraph):
            return
        if subgraph.failed_task is not None:
            if subgraph._running:
                return
            subgraph._state = TASK_FAILED
            subgraph.async_result.settle(None, subgraph.root_failure().error)
        elif not subgraph._left:
            subgraph._state = TASK_SUCCEEDED
            subgraph.async_result.settle(None, None)
        else:
            return
        self._on_ended(subgraph)

    # Trying again.

    def _verdict(self, task: WorkflowTask) -> HandlerResult:
        if task._state == TASK_SUCCEEDED:
            verdict = task.on_success(task) if task.on_success else HandlerResult.cont()
        else:
            verdict = self._verdict_of_failure(task)
        if not isinstance(verdict, HandlerResult):
            raise TypeError(
                f"A handler of {task.short_description} answered {verdict!r}; it must answer a HandlerResult."
            )
        if verdict.action == HandlerResult.HANDLER_RETRY and not self._may_retry(task, verdict):
            if verdict.retried_task is not None:
                self._graph.remove_task(verdict.retried_task)
            return HandlerResult.fail()
        return verdict

    def _verdict_of_failure(self, task: WorkflowTask) -> HandlerResult:
        error = task.error
        if isinstance(error, OperationRetry):
            # The task itself wants to be run again: nothing went wrong, so this is no matter for a handler.
            return HandlerResult.retry(retry_after=error.retry_after)
        if task.on_failure is not None:
            return task.on_failure(task)
        if task.is_subgraph:
            return HandlerResult.fail()
        if task.failure is None:
            if isinstance(error, NonRecoverableError) or not isinstance(error, Exception):
                return HandlerResult.fail()
            return HandlerResult.retry(retry_after=getattr(error, "retry_after", None))
        policy = RetryPolicy(task.total_retries, task.retry_interval)
        delay = retry_delay(policy, task.current_retries + 1, task.failure)
        return HandlerResult.fail() if delay is None else HandlerResult.retry(retry_after=delay)

    def _may_retry(self, task: WorkflowTask, verdict: HandlerResult) -> bool:
        if self._halted or any(subgraph.failing for subgraph in task.subgraphs()):
            return False
        return (
            verdict.ignore_total_retries
            or task.total_retries == INFINITE_TOTAL_RETRIES
            or task.current_retries < task.total_retries
        )

    def _retry(self, task: WorkflowTask, verdict: HandlerResult) -> None:
        again = verdict.retried_task
        if again is None:
            if isinstance(task, SubgraphTask):
                raise RuntimeError(
                    f"A handler of {task!r} wants it retried, but set no `retried_task`: a subgraph is "
                    "retried by another subgraph."
                )
            if isinstance(task, OperationTask) and task._state == TASK_SUCCEEDED:
                again = task.again()
                self._graph.add_task(again)
        if again is None:
            again = task
            task.async_result.unsettle()
            if isinstance(task, OperationTask):
                task.resume = task.failure is not None and task.failure.kind == LOST
                task.attempt += 1
            task.current_retries += 1
        else:
            again.current_retries = max(again.current_retries, task.current_retries + 1)
            self._graph.replace(task, again)
        if not again.is_subgraph:
            delay = task.retry_interval if verdict.retry_after is None else max(0.0, verdict.retry_after)
            again._state = TASK_RESCHEDULED
            self._set_timer(self._connection.clock() + delay, again)
            self._internal.retry_event(again, delay)
        # At once: were the process to die now, what is to be tried again must not count as done.
        self._graph.journal.flush()

    def _set_timer(self, time: float, task: WorkflowTask) -> None:
        self._timer_count += 1
        heapq.heappush(self._timers, (time, self._timer_count, task))

    def _on_timer(self, task: WorkflowTask) -> None:
        if isinstance(task, SubgraphTask):
            if task._state == TASK_STARTED and self._graph.has_task(task):
                for member in [item for item in self._running.values() if task in item.subgraphs()]:
                    self.abandon(member)
                self.check(task)
        elif task in self._revoked:
            self._revoked.remove(task)
            self._apply_update({"id": task.id, "attempt": None, "state": TASK_CANCELLED})
        elif task._state == TASK_RESCHEDULED and self._graph.has_task(task):
            task._state = TASK_PENDING
            self.ready.append(task)

    # When it is over.

    def _is_over(self) -> bool:
        if self._halted:
            return (
                not self._running
                or self._connection.clock() >= self._failed_at + self._graph.ctx.wait_after_fail
            )
        if not self._graph.has_tasks:
            return True
        if not (self._running or self._unsent or self._timers):
            stuck = ", ".join(repr(task) for task in self._graph.tasks[:5])
            raise RuntimeError(
                f"The tasks that are left wait for each other, or for a task that failed before: {stuck}."
            )
        return False

    def _deadline(self) -> float | None:
        timer = self._timers[0][0] if self._timers else None
        last = self._failed_at + self._graph.ctx.wait_after_fail if self._halted else None
        return earliest(timer, last)


def earliest(*times: float | None) -> float | None:
    """The first of ``times``, where None is never."""
    return min((time for time in times if time is not None), default=None)


def _outcome(task: WorkflowTask) -> tuple[Any, BaseException | None]:
    try:
        return task.run(), None
    except BaseException as error:  # noqa: BLE001 - whatever a function does ends its task, not the workflow
        return None, error


def _failure(state: str, stored: dict[str, Any] | None) -> Failure:
    if state == TASK_CANCELLED:
        return Failure("it was revoked before it began", recoverable=False, kind="Cancelled")
    known = {key: value for key, value in (stored or {}).items() if key in _FAILURE_KEYS}
    return Failure(**({"message": "the operation failed without a reason"} | known))
