"""Traces for OpenTelemetry: a span of each execution, and below it one of each attempt of an operation.

Their ids are made of the ids of the execution and the operation. So a manager that was restarted continues
the trace, and an operation is told its span (``TRACEPARENT``) before the span is over and exported.

The libraries are an extra (`cloudwright[otel]`) and are loaded if an endpoint is set, not otherwise.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime
from time import time_ns
from typing import TYPE_CHECKING, Protocol

import cloudwright
from cloudwright.errors import InvalidInput
from cloudwright.manager.operation_run import OperationRun
from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.operation import Failure, OperationState
from cloudwright.storage.records import Execution

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
    from opentelemetry.trace import SpanContext

#: How long (seconds) a batch of spans is tried to be exported. The end of a manager waits for the last one.
EXPORT_SECONDS = 3
_LONGEST_MESSAGE = 1000


class Traces(Protocol):
    """What is told to a tracer."""

    def environment(self, run: OperationRun) -> Mapping[str, str]:
        """Return the variables by which an operation continues the trace."""

    def operation_ended(
        self, run: OperationRun, state: OperationState, seconds: float | None, failure: Failure | None
    ) -> None:
        """Export an attempt that has just ended, ``seconds`` after its grant; None if it never had one."""

    def execution_ended(self, execution: Execution) -> None:
        """Export an execution that has just ended."""

    async def close(self) -> None:
        """Export what waits."""


class NoTraces:
    def environment(self, run: OperationRun) -> Mapping[str, str]:
        return {}

    def operation_ended(
        self, run: OperationRun, state: OperationState, seconds: float | None, failure: Failure | None
    ) -> None:
        pass

    def execution_ended(self, execution: Execution) -> None:
        pass

    async def close(self) -> None:
        pass


def open_traces(endpoint: str, manager: str) -> Traces:
    """Return what exports to an OTLP/HTTP endpoint, such as `http://collector:4318`; nothing does if it is
    empty.

    Raises InvalidInput if the libraries are not installed.
    """
    if not endpoint:
        return NoTraces()
    try:
        # Loaded for those who want traces only.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise InvalidInput(
            f"CLOUDWRIGHT_OTLP_ENDPOINT is set, and what exports traces is not installed ({error}): "
            "`pip install 'cloudwright[otel]'`."
        ) from error
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    return ExportedTraces(BatchSpanProcessor(exporter), manager)


class ExportedTraces:
    """Hands spans to ``processor``, whose own thread exports them; those that it has no room for are lost."""

    def __init__(self, processor: SpanProcessor, manager: str) -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415

        self._processor = processor
        self._resource = Resource.create({"service.name": "cloudwright", "service.instance.id": manager})
        self._scope = InstrumentationScope("cloudwright", cloudwright.__version__)

    def environment(self, run: OperationRun) -> Mapping[str, str]:
        return {"TRACEPARENT": f"00-{_trace_id(run.execution_id):032x}-{_attempt_id(run):016x}-01"}

    def operation_ended(
        self, run: OperationRun, state: OperationState, seconds: float | None, failure: Failure | None
    ) -> None:
        if seconds is None:
            return
        ended = time_ns()
        attributes = {
            "cloudwright.operation.id": run.id,
            "cloudwright.operation.attempt": run.attempt,
            "cloudwright.operation.state": str(state),
            "cloudwright.worker": run.agent or "manager",
            "cloudwright.plugin": run.operation.get("plugin"),
            "cloudwright.node_instance.id": run.operation.get("instance") or run.operation.get("source"),
            "cloudwright.target_instance.id": run.operation.get("target"),
        }
        self._export(
            run.name,
            self._context(run.execution_id, _attempt_id(run)),
            ended - int(seconds * 1e9),
            ended,
            attributes | _of_execution(run.snapshot.execution),
            parent=self._context(run.execution_id, _execution_span_id(run.execution_id)),
            error=failure.message if failure is not None else None,
            failed=state is OperationState.FAILED,
        )

    def execution_ended(self, execution: Execution) -> None:
        if execution.started_at is None or execution.ended_at is None:
            return
        attributes = {
            **_of_execution(execution),
            "cloudwright.execution.status": str(execution.status),
            "cloudwright.execution.created_by": execution.created_by,
            "cloudwright.execution.cancel_mode": execution.cancel_mode and str(execution.cancel_mode),
            "cloudwright.execution.parent_id": execution.parent_id,
            "cloudwright.execution.resumed": execution.resumed,
        }
        parent = execution.parent_id
        self._export(
            f"{execution.workflow_id} {execution.deployment_id or ''}".strip(),
            self._context(execution.id, _execution_span_id(execution.id)),
            _ns(execution.started_at),
            _ns(execution.ended_at),
            attributes,
            linked=None if parent is None else self._context(parent, _execution_span_id(parent)),
            error=execution.error,
            failed=execution.status is ExecutionStatus.FAILED,
        )

    async def close(self) -> None:
        await asyncio.to_thread(self._processor.shutdown)

    def _export(
        self,
        name: str,
        context: SpanContext,
        start: int,
        end: int,
        attributes: Mapping[str, str | int | None],
        *,
        parent: SpanContext | None = None,
        linked: SpanContext | None = None,
        error: str | None,
        failed: bool,
    ) -> None:
        from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
        from opentelemetry.trace import Link, SpanKind, Status, StatusCode  # noqa: PLC0415

        message = (error or "")[:_LONGEST_MESSAGE]
        span: ReadableSpan = ReadableSpan(
            name=name,
            context=context,
            parent=parent,
            resource=self._resource,
            attributes={key: value for key, value in attributes.items() if value is not None},
            links=[] if linked is None else [Link(linked)],
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, message) if failed else Status(StatusCode.OK),
            start_time=start,
            end_time=end,
            instrumentation_scope=self._scope,
        )
        self._processor.on_end(span)

    @staticmethod
    def _context(execution_id: str, span_id: int) -> SpanContext:
        from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

        return SpanContext(
            _trace_id(execution_id), span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        )


def _of_execution(execution: Execution) -> dict[str, str | None]:
    return {
        "cloudwright.execution.id": execution.id,
        "cloudwright.workflow": execution.workflow_id,
        "cloudwright.deployment.id": execution.deployment_id,
        "cloudwright.blueprint.id": execution.blueprint_id,
        "cloudwright.tenant": execution.tenant,
    }


def _trace_id(execution_id: str) -> int:
    return _hashed(f"execution {execution_id}", 16)


def _execution_span_id(execution_id: str) -> int:
    return _hashed(f"execution {execution_id}", 8)


def _attempt_id(run: OperationRun) -> int:
    return _hashed(f"operation {run.id} {run.attempt}", 8)


def _hashed(text: str, size: int) -> int:
    # Zero is no id.
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest(), "big") or 1


def _ns(time: datetime) -> int:
    return int(time.timestamp() * 1e9)
