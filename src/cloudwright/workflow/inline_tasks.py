"""Tasks that only record something: a node instance's state, an event, or nothing. They are done at once."""

from __future__ import annotations

from typing import Any

from cloudwright.workflow.tasks import Context, WorkflowTask


class NOPLocalWorkflowTask(WorkflowTask):
    """A task that does nothing: an operation that is not implemented."""

    kind = "nop"
    inline = True

    @property
    def name(self) -> str:
        return "NOP"

    def is_nop(self) -> bool:
        # With a handler it does something.
        return self.on_success is None and self.on_failure is None

    def run(self) -> None:
        return None


class SetNodeInstanceStateTask(WorkflowTask):
    """A task that sets a node instance's state, and records ``message`` as an event if there is one."""

    kind = "set_state"
    inline = True

    def __init__(
        self,
        node_instance_id: str,
        state: str,
        workflow_context: Context,
        message: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(workflow_context, **kwargs)
        self.node_instance_id = node_instance_id
        self.state = state
        self.message = message

    def parameters(self) -> dict[str, Any]:
        return {"node_instance_id": self.node_instance_id, "state": self.state, "message": self.message}

    def run(self) -> None:
        self.workflow_context.internal.set_state(self.node_instance_id, self.state)
        if self.message:
            self.workflow_context.internal.event(
                "workflow_node_event", self.message, node_instance_id=self.node_instance_id
            )


class SendNodeEventTask(WorkflowTask):
    """A task that records an event of a node instance."""

    kind = "node_event"
    inline = True

    def __init__(
        self,
        node_instance_id: str,
        event: str,
        workflow_context: Context,
        additional_context: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(workflow_context, **kwargs)
        self.node_instance_id = node_instance_id
        self.event = event
        self.additional_context = additional_context

    def parameters(self) -> dict[str, Any]:
        return {
            "node_instance_id": self.node_instance_id,
            "event": self.event,
            "additional_context": self.additional_context,
        }

    def run(self) -> None:
        self.workflow_context.internal.event(
            "workflow_node_event",
            self.event,
            node_instance_id=self.node_instance_id,
            details=self.additional_context,
        )


class SendWorkflowEventTask(WorkflowTask):
    """A task that records an event of the workflow."""

    kind = "workflow_event"
    inline = True

    def __init__(
        self,
        event: str,
        workflow_context: Context,
        event_type: str = "workflow_stage",
        additional_context: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(workflow_context, **kwargs)
        self.event = event
        self.event_type = event_type
        self.additional_context = additional_context

    def parameters(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "event_type": self.event_type,
            "additional_context": self.additional_context,
        }

    def run(self) -> None:
        self.workflow_context.internal.event(self.event_type, self.event, details=self.additional_context)


class DryRunTask(WorkflowTask):
    """An operation in a dry run: it records that the operation would run, and succeeds."""

    kind = "dry_run"
    inline = True

    def __init__(self, name: str, subject: dict[str, Any], workflow_context: Context, **kwargs: Any) -> None:
        super().__init__(workflow_context, **kwargs)
        self._name = name
        self._subject = subject

    @property
    def name(self) -> str:
        return self._name

    def run(self) -> None:
        for event_type, verb in (("task_started", "started"), ("task_succeeded", "succeeded")):
            self.workflow_context.internal.event(
                event_type,
                f"`{self._name}` {verb} (dry run)",
                details={"dry_run": self._name},
                **self._subject,
            )
