"""What a manager measures of itself, in Prometheus' terms.

Counters and histograms count since the manager started. What can be asked for is asked when the metrics are
read: the stored statuses, queues, and what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

import cloudwright
from cloudwright.model.execution import END_STATUSES, CancelMode, ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage.records import Execution

_CANCEL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_OPERATION_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 1800)


class Metrics:
    """The metrics of one manager, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Info("cloudwright", "The manager's version.", registry=self._registry).info(
            {"version": cloudwright.__version__}
        )
        self._executions = self._gauge("executions", "Executions that have not ended, by status.", ["status"])
        self._event_loop_lag = self._gauge(
            "event_loop_lag_seconds", "How late the event loop came to what was due, at most, in a minute."
        )
        self._executions_ended = Counter(
            "cloudwright_executions_ended",
            "Executions whose workflow ran on this manager and that ended, by their last status.",
            ["status"],
            registry=self._registry,
        )
        self._cancels = Histogram(
            "cloudwright_cancel_seconds",
            "Seconds from a request to cancel to the stored end, by the strongest request.",
            ["mode"],
            buckets=_CANCEL_SECONDS,
            registry=self._registry,
        )
        self._operations_ended = Counter(
            "cloudwright_operations_ended",
            "Attempts of operations that ended, by outcome.",
            ["state"],
            registry=self._registry,
        )
        self._operations = Histogram(
            "cloudwright_operation_seconds",
            "Seconds from the grant of an operation's attempt to its stored end.",
            buckets=_OPERATION_SECONDS,
            registry=self._registry,
        )
        self._commits = Histogram(
            "cloudwright_commit_seconds",
            "Seconds that a transaction took, from its beginning to its commit.",
            buckets=_COMMIT_SECONDS,
            registry=self._registry,
        )
        for mode in CancelMode:
            self._cancels.labels(str(mode))
        for state in (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED):
            self._operations_ended.labels(str(state))
        for status in END_STATUSES:
            self._executions_ended.labels(str(status))

    def watch(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """Add a gauge ``cloudwright_NAME`` whose value is asked for whenever the metrics are read."""
        self._gauge(name, documentation).set_function(value)

    def execution_ended(self, execution: Execution) -> None:
        """Count an execution that was just stored as ended, and how long its cancellation took."""
        self._executions_ended.labels(str(execution.status)).inc()
        asked, ended = execution.cancel_requested_at, execution.ended_at
        if execution.cancel_mode is not None and asked is not None and ended is not None:
            self._cancels.labels(str(execution.cancel_mode)).observe(_seconds(asked, ended))

    def operation_ended(self, state: OperationState, seconds: float | None) -> None:
        """Count an attempt whose end was stored ``seconds`` after its grant; None if it is not known."""
        self._operations_ended.labels(str(state)).inc()
        if seconds is not None:
            self._operations.observe(seconds)

    def committed(self, seconds: float) -> None:
        """Count a transaction. May be called by any thread."""
        self._commits.observe(seconds)

    def text(self, statuses: Mapping[ExecutionStatus, int], event_loop_lag: float) -> bytes:
        """Return all metrics in Prometheus' text format.

        ``statuses`` counts the executions that have not ended; ``event_loop_lag`` is the largest of the last
        minute, in seconds.
        """
        for status in sorted(frozenset(ExecutionStatus) - END_STATUSES):
            self._executions.labels(str(status)).set(statuses.get(status, 0))
        self._event_loop_lag.set(event_loop_lag)
        return generate_latest(self._registry)

    def _gauge(self, name: str, documentation: str, labels: list[str] | None = None) -> Gauge:
        return Gauge(f"cloudwright_{name}", documentation, labels or [], registry=self._registry)


def _seconds(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin).total_seconds())
