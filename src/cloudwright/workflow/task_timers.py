"""When tasks of a graph are due that wait for a time: retries, requests to cancel, failed subgraphs."""

from __future__ import annotations

import heapq

from cloudwright.workflow.tasks import WorkflowTask


class TaskTimers:
    """Tasks by the time at which each is due; of those due at one time, the first that was added is first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, WorkflowTask]] = []
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def next(self) -> float | None:
        """When the first task is due; None if none waits."""
        return self._heap[0][0] if self._heap else None

    def add(self, time: float, task: WorkflowTask) -> None:
        self._count += 1
        heapq.heappush(self._heap, (time, self._count, task))

    def is_due(self, now: float) -> bool:
        return bool(self._heap) and self._heap[0][0] <= now

    def pop(self) -> WorkflowTask:
        """Take the task that is due first."""
        return heapq.heappop(self._heap)[2]

    def retry_at(self, now: float) -> int:
        """Make the tasks that wait to be tried again due by ``now``; return how many they are."""
        waiting = sum(task.status.is_rescheduled for _, _, task in self._heap)
        self._heap = [
            (min(time, now) if task.status.is_rescheduled else time, count, task)
            for time, count, task in self._heap
        ]
        heapq.heapify(self._heap)
        return waiting


def earliest(*times: float | None) -> float | None:
    """Return the first of ``times``; None is never."""
    return min((time for time in times if time is not None), default=None)
