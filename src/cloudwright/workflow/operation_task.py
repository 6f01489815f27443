"""Tasks that run an operation on a worker, as often as its retries allow."""

from __future__ import annotations

from typing import Any

from cloudwright.child.errors import NonRecoverableError, OperationRetry, RecoverableError
from cloudwright.model.executors import resolve
from cloudwright.model.operation import Failure
from cloudwright.workflow.inline_tasks import DryRunTask, NOPLocalWorkflowTask
from cloudwright.workflow.protocols import OperationSubject
from cloudwright.workflow.tasks import Context, WorkflowTask

#: The kind of a failure after which it is not known how far the operation came.
LOST = "Lost"
OPERATION_RETRY = "OperationRetry"
#: What operations are mapped to that run a script.
SCRIPT = "script_runner.tasks.run"


class OperationTask(WorkflowTask):
    """An operation of a node instance or of a relationship.

    ``operation`` is as in docs/concepts/frames.md, without the keys that change with each attempt.
    """

    kind = "operation"

    def __init__(self, operation: dict[str, Any], workflow_context: Context, **kwargs: Any) -> None:
        super().__init__(workflow_context, **kwargs)
        self.operation = operation
        self.attempt = 1
        #: Whether the attempt before this one was lost, so that only a resumable function may run again.
        self.resume = False
        #: Whether it was sent and revoked, because its execution was asked to stop meanwhile.
        self.revoked = False

    @property
    def name(self) -> str:
        return str(self.operation["mapping"])

    @property
    def kwargs(self) -> dict[str, Any]:
        """The operation's inputs; a handler may change them before the next attempt."""
        inputs: dict[str, Any] = self.operation["inputs"]
        return inputs

    @property
    def short_description(self) -> str:
        operation = self.operation
        if "instance" in operation:
            return f"`{operation['name']}` of `{operation['instance']}` ({self.name})"
        ends = f"`{operation['source']}` -> `{operation['target']}`"
        return f"`{operation['name']}` ({operation['side']}) of {ends} ({self.name})"

    @property
    def cloudify_context(self) -> dict[str, Any]:
        operation, internal = self.operation, self.workflow_context
        own = operation.get("instance") or operation[operation["side"]]
        instance = internal.get_node_instance(own)
        context = {
            "task_id": self.id,
            "task_name": self.name,
            "node_id": own,
            "node_name": instance.node_id if instance else None,
            "executor": operation["executor"],
            "plugin": {"name": operation["plugin"]},
            "operation": {
                "name": operation["name"],
                "retry_number": self.current_retries,
                "max_retries": self.total_retries,
            },
        }
        if "side" in operation:
            other = operation["target" if operation["side"] == "source" else "source"]
            context["related"] = {"node_id": other, "is_target": operation["side"] == "source"}
        return context

    def is_local(self) -> bool:
        return False

    def subject(self) -> dict[str, Any]:
        """Return the keys of an event about this task."""
        operation = self.operation
        return {
            "node_instance_id": operation.get("instance") or operation[operation["side"]],
            "operation": operation["name"],
            "operation_id": self.id,
        }

    def frame(self, graph_id: str | None, restore: dict[str, Any]) -> dict[str, Any]:
        """Return the operation as it is sent and stored."""
        return self.operation | {
            "id": self.id,
            "graph_id": graph_id,
            "attempt": self.attempt,
            "max_retries": self.total_retries,
            "retry_number": self.current_retries,
            "resume": self.resume,
            "task": restore,
        }

    def again(self) -> OperationTask:
        """Return a task that runs the same operation again; this one has succeeded, and that stays so."""
        task = OperationTask(self.operation, self.workflow_context)
        task.info, task.on_success, task.on_failure = self.info, self.on_success, self.on_failure
        task.total_retries, task.retry_interval = self.total_retries, self.retry_interval
        task.retry_backoff = self.retry_backoff
        task.send_task_events, task.current_retries = self.send_task_events, self.current_retries
        return task


def error_of(failure: Failure) -> Exception:
    """Return the exception that ``get()`` of a failed operation raises."""
    causes = [{"message": failure.message, "type": failure.kind, "traceback": failure.traceback}]
    if not failure.recoverable:
        return NonRecoverableError(failure.message, causes=causes)
    kind = OperationRetry if failure.kind == OPERATION_RETRY else RecoverableError
    return kind(failure.message, retry_after=failure.retry_after, causes=causes)


#: What of a task's retries an operation says itself, and as what.
_RETRIES = (
    ("total_retries", "max_retries"),
    ("retry_interval", "retry_interval"),
    ("retry_backoff", "retry_backoff"),
)


def operation_task(
    ctx: Context,
    name: str,
    operations: dict[str, Any],
    subject: OperationSubject,
    kwargs: dict[str, Any] | None,
    allow_kwargs_override: bool | None,
    send_task_events: bool,
    side: str | None = None,
) -> WorkflowTask:
    """Return the task that runs operation ``name`` of ``subject``, or one that does nothing if it is not
    implemented.

    ``side`` is "source" or "target" for a relationship. Raises RuntimeError if ``kwargs`` redefine an input
    and may not.
    """
    definition = operations.get(name) or {}
    mapping = definition.get("operation")
    if not mapping:
        return NOPLocalWorkflowTask(ctx)
    about, host_id = subject.operation_subject(side)
    operation = {
        "name": name,
        **about,
        "plugin": definition["plugin"],
        "mapping": mapping,
        "executor": resolve(definition.get("executor"), host_id),
        "inputs": _merge(name, definition.get("inputs") or {}, kwargs or {}, bool(allow_kwargs_override)),
        "evaluate": bool(definition.get("has_intrinsic_functions")),
        "timeout": definition.get("timeout"),
        "timeout_recoverable": bool(definition.get("timeout_recoverable")),
    }
    if ctx.dry_run:
        subject_id = about.get("instance") or about[str(side)]
        # Every script has the same function: the script is what says anything.
        script = operation["inputs"].get("script_path") if mapping == SCRIPT else None
        runs = script if isinstance(script, str) else mapping
        return DryRunTask(runs, {"node_instance_id": subject_id, "operation": name}, ctx)
    retries = ctx.internal.get_task_configuration()
    for key, own in _RETRIES:
        if definition.get(own) is not None:
            retries[key] = definition[own]
    return OperationTask(operation, ctx, send_task_events=send_task_events, **retries)


def _merge(name: str, inputs: dict[str, Any], kwargs: dict[str, Any], allow_override: bool) -> dict[str, Any]:
    twice = [] if allow_override else sorted(inputs.keys() & kwargs.keys())
    if twice:
        keys = ", ".join(f"`{key}`" for key in twice)
        raise RuntimeError(
            f"Operation `{name}` has inputs {keys} in the blueprint already. To give them other values, pass "
            "allow_kwargs_override=True."
        )
    return {**inputs, **kwargs}
