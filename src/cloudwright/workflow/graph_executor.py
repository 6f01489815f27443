"""Runs the tasks of one graph: what is ready begins; what has ended lets others begin, or is tried again.

The executor has no thread of its own. It advances when a thread executes its graph or waits for one of its
tasks, and then only looks at what has changed: reports of tasks, retries whose time has come, tasks that
became ready.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from cloudwright.workflow.attempts import Attempts, ExecutorRuntime, apply_report, outcome_of
from cloudwright.workflow.cancellation import Watch
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.failures import workflow_failed
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.operation_task import LOST, OperationTask
from cloudwright.workflow.retry_policy import may_retry, verdict_on
from cloudwright.workflow.task_state import (
    TASK_CANCELLED,
    TASK_FAILED,
    TASK_PENDING,
    TASK_STARTED,
    TASK_SUCCEEDED,
)
from cloudwright.workflow.task_timers import TaskTimers, earliest
from cloudwright.workflow.tasks import HandlerResult, SubgraphTask, WorkflowTask

#: For how long the request to cancel that an operation was revoked for may still be on its way (seconds).
REQUEST_SECONDS = 10.0


class GraphExecutor:
    """Executes one graph.

    ``ready`` holds tasks that may be able to begin; whether they are is seen when their turn comes.
    """

    def __init__(self, graph: TaskDependencyGraph, runtime: ExecutorRuntime) -> None:
        self.ready: deque[WorkflowTask] = deque()
        self._graph = graph
        self._runtime = runtime
        self._connection = runtime.connection
        self._cancellation = runtime.connection.cancellation
        self._attempts = Attempts(graph, runtime)
        self._updates = self._attempts.updates
        self._unsent: list[OperationTask] = []
        self._timers = TaskTimers()
        # Operations that the host would not run, until it is known that the execution was asked to stop.
        self._revoked: list[OperationTask] = []
        # How many of the requests to retry at once were carried out.
        self._retry_requests = len(runtime.connection.retry_requests)
        # Tasks that were launched or awaited one by one, and whether the workflow knew of a request to cancel
        # then. Outside of an execution of the whole graph, no other task begins.
        self._wanted: dict[WorkflowTask, bool] = {}
        # How many threads wait for a task at this moment.
        self._awaited: Counter[WorkflowTask] = Counter()
        # Whether tasks were left out of `ready` because nothing wanted them.
        self._left_out = False
        # One thread advances the executor at a time; handlers that it calls may use the graph again.
        self._lock = threading.RLock()
        # The thread that executes the graph. While there is none, tasks begin as they are launched, and a
        # failure concerns a task and what waits for it only.
        self._executing: int | None = None
        self._failed: list[WorkflowTask] = []
        self._failed_at = 0.0

    # What a graph asks for.

    @property
    def executing(self) -> bool:
        """Whether the graph as a whole is being run."""
        return self._executing is not None

    def enqueue(self, task: WorkflowTask) -> None:
        """Look at the task when its turn comes: it may be able to begin."""
        self.ready.append(task)

    def execute(self) -> None:
        """Run the graph to its end; see TaskDependencyGraph.execute."""
        if self._executing is not None:
            raise RuntimeError("The graph is being executed already.")
        watch = self._cancellation.watch_graph()
        self._executing, self._failed = threading.get_ident(), []
        if self._left_out:
            self._left_out = False
            self.ready.extend(self._graph.tasks)
        try:
            with self._connection.gathering():
                self._run(watch)
        finally:
            with self._lock:
                self._withdraw()
                self._executing = None
        if any(isinstance(task.error, ExecutionCancelled) for task in self._failed):
            self._cancellation.acknowledge()
            raise ExecutionCancelled("A task of the graph stopped because the execution is to be cancelled.")
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
            if not task.status.is_pending:
                return
            self._want(task)
            self._begin(task)
            if not self.executing:
                self._advance()
                self._send(None)
            elif self._executing != threading.get_ident():
                # The thread that executes the graph sends it.
                self._connection.poke()

    def wait_for(self, task: WorkflowTask, timeout: float | None, *, insist: bool = True) -> None:
        """Return when ``task`` has ended for good.

        Without ``insist``, a task that does not run is refused if the workflow knows of a request to cancel.
        Raises ExecutionCancelled if that is interrupted, TimeoutError after ``timeout`` seconds.
        """
        with self._lock:
            if insist:
                self._awaited[task] += 1
                self._want(task)
        try:
            self._wait_for(task, timeout, insist)
        except ExecutionCancelled:
            # The workflow sees that this task may not run.
            task.status.observed = True
            raise
        finally:
            with self._lock:
                if insist:
                    self._awaited[task] -= 1
                    if not self._awaited[task]:
                        del self._awaited[task]

    def _wait_for(self, task: WorkflowTask, timeout: float | None, insist: bool) -> None:
        connection, status = self._connection, task.status
        watch = self._cancellation.watch_task(lambda: status.is_rescheduled)
        patience = None if timeout is None else connection.clock() + timeout

        def is_mine() -> bool:
            # If another thread executes the graph, that thread advances it.
            return self._executing in (None, threading.get_ident())

        while True:
            if is_mine():
                with self._lock:
                    self._advance()
                    self._send(watch if self.executing else None)
                    idle = not status.is_set and (status.is_pending or status.is_rescheduled)
                    if idle and not insist and not self.executing and self._is_unwanted(task):
                        self._refuse(task)
            if status.is_set:
                return
            watch.check()
            if patience is not None and connection.clock() >= patience:
                raise TimeoutError(f"{task.short_description} did not end within {timeout:g} s.")
            connection.wait(
                lambda: status.is_set or watch.interrupted or (is_mine() and self._has_news),
                earliest(self._deadline(), patience),
            )

    def adopt(self, task: WorkflowTask) -> None:
        """Wait for an operation from before a resume that still runs, instead of sending it."""
        self._attempts.adopt(task)

    def replay(self, task: WorkflowTask, failure: Mapping[str, Any]) -> None:
        """Apply a failure that was stored before a crash: the task is tried again or fails, as it would have
        been.
        """
        self._attempts.adopt(task)
        report = {"id": task.id, "attempt": None, "state": TASK_FAILED, "failure": failure}
        self._updates.append(report)

    def abandon(self, task: WorkflowTask) -> None:
        """Detach the task, which was taken out of the graph; its result is ignored."""
        self._wanted.pop(task, None)
        self._runtime.task_removed(task)
        if self._attempts.drop(task):
            self._connection.forget(task.id)

    # Advancing.

    def _advance(self) -> None:
        with self._lock:
            while True:
                if self._is_asked_to_retry:
                    self._retry_now()
                elif self._updates:
                    self._apply(self._updates.popleft())
                elif self._revoked and self._cancellation.requested is not None:
                    self._resend(self._revoked.pop())
                elif self._timers.is_due(self._connection.clock()):
                    self._on_timer(self._timers.pop())
                elif self.ready:
                    self._begin_if_ready(self.ready.popleft())
                else:
                    return

    @property
    def _has_news(self) -> bool:
        sent_anew = self._revoked and self._cancellation.requested is not None
        return bool(self._updates or self._unsent or self._is_asked_to_retry or sent_anew)

    def _begin_if_ready(self, task: WorkflowTask) -> None:
        if task.status.status != TASK_PENDING or task.blockers or not self._graph.has_task(task):
            return
        if self._halted and not (task.inline or task.is_subgraph):
            return
        if any(subgraph.failing for subgraph in task.subgraphs()):
            return
        if self._executing is None and self._is_unwanted(task):
            self._left_out = True
            return
        self._begin(task)

    def _want(self, task: WorkflowTask) -> None:
        """Record that the workflow wants this task run, and so what must end before it."""
        knowing = self._cancellation.acknowledged
        self.ready.append(task)
        wanted = [task]
        while wanted:
            item = wanted.pop()
            if item.status.is_terminated or self._wanted.get(item) is knowing:
                continue
            self._wanted[item] = knowing
            wanted += item.blockers
            self.ready += item.blockers

    def _is_unwanted(self, task: WorkflowTask) -> bool:
        """Return whether the task of a graph that is not executed must not begin: the workflow did not launch
        it or wait for it, or did so before it knew of a request to cancel.
        """
        acknowledged = self._cancellation.acknowledged
        return not any(
            item in self._awaited or (item in self._wanted and (self._wanted[item] or not acknowledged))
            for item in (task, *task.subgraphs())
        )

    @property
    def _halted(self) -> bool:
        """A task of the graph failed: nothing but inline tasks begins any more."""
        return bool(self._failed)

    def _begin(self, task: WorkflowTask) -> None:
        self._graph.journal.flush()
        if isinstance(task, SubgraphTask):
            task.status.started()
            for member in list(task.tasks.values()):
                self._graph.remove_dependency(member, task)
            self.check(task)
        elif isinstance(task, OperationTask):
            task.status.sending()
            self._unsent.append(task)
        elif task.inline:
            self._end_local(task, *outcome_of(task))
        elif not self.executing and self._cancellation.unacknowledged:
            self._refuse(task)
        else:
            self._attempts.run_local(task)

    def _send(self, watch: Watch | None) -> bool:
        """Send what became ready, together. Return False if the wait of ``watch`` was interrupted."""
        if not self._unsent:
            return True
        self._connection.look()
        with self._lock:
            # Read first: a request that another thread reads while this runs is not known here.
            aware = self._cancellation.requested is not None
            if watch is not None and watch.interrupted:
                self._withdraw()
                return False
            unsent, self._unsent = self._unsent, []
            if watch is None and self._cancellation.unacknowledged:
                for task in unsent:
                    self._refuse(task)
            else:
                self._attempts.send(unsent, aware=aware)
            return True

    def _withdraw(self) -> None:
        """Do not send what became ready. It stays in the graph, should the workflow execute it again."""
        for task in self._unsent:
            task.status.withdrawn()
        self.ready.extendleft(reversed(self._unsent))
        self._unsent = []

    def _refuse(self, task: WorkflowTask) -> None:
        """The workflow does not know of the request to stop: the task does not begin; waiting for it raises
        ExecutionCancelled.
        """
        task.status.refused(ExecutionCancelled("The execution was asked to stop before this task began."))
        self._graph.detach(task)
        self._wanted.pop(task, None)
        self._announce(task)

    # What has ended.

    def _apply(self, update: Any) -> None:
        if isinstance(update, tuple):
            task, value, error = update
            if self._attempts.drop(task):
                self._end_local(task, value, error)
                self._check_around(task)
            return
        task = self._attempts.out(update["id"])
        if not isinstance(task, OperationTask) or update.get("attempt") not in (None, task.attempt):
            return  # a report of an attempt from before
        if update["state"] == TASK_CANCELLED and not task.revoked:
            # It was sent before a request to cancel was known here, and that request may still be on its way.
            task.revoked = True
            self._revoked.append(task)
            self._timers.add(self._connection.clock() + REQUEST_SECONDS, task)
        elif apply_report(task, update):
            self._attempts.drop(task)
            self._on_ended(task)
            self._check_around(task)

    def _resend(self, task: OperationTask) -> None:
        """Let a revoked operation take another turn: it is sent again if the workflow, knowing of the request
        to cancel, wants it.
        """
        if self._attempts.drop(task):
            task.status.revoked()
            self.ready.append(task)

    def _end_local(self, task: WorkflowTask, value: Any, error: BaseException | None) -> None:
        if error is None:
            task.status.succeeded(value)
        else:
            task.status.failed(error)
        self._runtime.task_event(task, "task_succeeded" if error is None else "task_failed")
        self._on_ended(task)

    def _on_ended(self, task: WorkflowTask) -> None:
        verdict = verdict_on(task)
        if verdict.action == HandlerResult.HANDLER_RETRY:
            if not self._halted and may_retry(task, verdict):
                self._retry(task, verdict)
                return
            if verdict.retried_task is not None:
                self._graph.remove_task(verdict.retried_task)
            verdict = HandlerResult.fail()
        has_failed = verdict.action == HandlerResult.HANDLER_FAIL
        ignored = task.status.status == TASK_FAILED and not has_failed
        self._graph.journal.ended(task, ignored)
        if has_failed:
            self._fail(task)
        else:
            self._graph.release(task)
        if isinstance(task, OperationTask):
            self._connection.forget(task.id)
        elif isinstance(task, SubgraphTask) and ignored:
            self._graph.drop_members(task)
        self._wanted.pop(task, None)
        self._runtime.task_ended(task, failed=has_failed)
        self._announce(task)
        if task.containing_subgraph is not None:
            self.check(task.containing_subgraph)

    def _announce(self, task: WorkflowTask) -> None:
        task.async_result.announce()
        self._connection.poke()

    def _fail(self, task: WorkflowTask) -> None:
        """Let the task stay failed: what depends on it never begins."""
        self._graph.detach(task)
        subgraph = task.containing_subgraph
        if subgraph is not None:
            if subgraph.member_failed(task):
                # Wait for running members, up to the failure timeout.
                self._timers.add(self._connection.clock() + self._graph.ctx.wait_after_fail, subgraph)
        elif self.executing:
            if not self._failed:
                self._failed_at = self._connection.clock()
            self._failed.append(task)
            self._withdraw()

    def _check_around(self, task: WorkflowTask) -> None:
        """End the subgraphs that only waited for this task to end."""
        for subgraph in task.subgraphs():
            if subgraph.failed_task is not None:
                self.check(subgraph)

    def check(self, subgraph: SubgraphTask) -> None:
        """End the subgraph if nothing of it is left to run, or if it has failed and nothing of it runs."""
        if subgraph.status.status != TASK_STARTED or not self._graph.has_task(subgraph):
            return
        if subgraph.failed_task is not None:
            if subgraph.running:
                return
            subgraph.status.failed(subgraph.root_failure().error)
        elif not subgraph.tasks:
            subgraph.status.succeeded()
        else:
            return
        self._on_ended(subgraph)

    # Trying again.

    def _retry(self, task: WorkflowTask, verdict: HandlerResult) -> None:
        again = verdict.retried_task
        if again is None:
            if isinstance(task, SubgraphTask):
                raise RuntimeError(
                    f"A handler of {task!r} wants it retried, but set no `retried_task`: a subgraph is "
                    "retried by another subgraph."
                )
            if isinstance(task, OperationTask) and task.status.status == TASK_SUCCEEDED:
                again = task.again()
                self._graph.add_task(again)
        if again is None:
            again = task
            if isinstance(task, OperationTask):
                task.resume = task.failure is not None and task.failure.kind == LOST
                task.attempt += 1
            task.current_retries += 1
        else:
            again.current_retries = max(again.current_retries, task.current_retries + 1)
            self._graph.replace(task, again)
            if task in self._wanted:
                self._wanted[again] = self._wanted.pop(task)
            self._runtime.task_replaced(task, again)
        if not again.is_subgraph:
            delay = task.retry_interval if verdict.retry_after is None else max(0.0, verdict.retry_after)
            again.status.rescheduled()
            self._timers.add(self._connection.clock() + delay, again)
            self._runtime.retry_event(again, delay)
        # At once: were the process to die now, what is to be tried again must not count as done.
        self._graph.journal.flush()

    @property
    def _is_asked_to_retry(self) -> bool:
        return len(self._connection.retry_requests) > self._retry_requests

    def _retry_now(self) -> None:
        """Make the tasks that wait to be tried again due now, as a user requested."""
        requests = self._connection.retry_requests
        self._retry_requests = len(requests)
        if count := self._timers.retry_at(self._connection.clock()):
            self._runtime.retry_now_event(requests[-1], count)

    def _on_timer(self, task: WorkflowTask) -> None:
        if isinstance(task, SubgraphTask):
            if task.status.is_started and self._graph.has_task(task):
                for member in self._attempts.inside(task):
                    self.abandon(member)
                self.check(task)
        elif task in self._revoked:
            self._revoked.remove(task)
            self._apply({"id": task.id, "attempt": None, "state": TASK_CANCELLED})
        elif task.status.is_rescheduled and self._graph.has_task(task):
            task.status.due()
            self.ready.append(task)

    # When it is over.

    def _is_over(self) -> bool:
        if self._halted:
            return (
                not self._attempts
                or self._connection.clock() >= self._failed_at + self._graph.ctx.wait_after_fail
            )
        if not self._graph.has_tasks:
            return True
        if not (self._attempts or self._unsent or self._timers):
            stuck = ", ".join(repr(task) for task in self._graph.tasks[:5])
            raise RuntimeError(
                f"The tasks that are left wait for each other, or for a task that failed before: {stuck}."
            )
        return False

    def _deadline(self) -> float | None:
        last = self._failed_at + self._graph.ctx.wait_after_fail if self._halted else None
        return earliest(self._timers.next, last)
