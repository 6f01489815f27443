"""A modification of the deployment, as a workflow sees it: instances that are added, and that are to go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from cloudwright.workflow.topology import WorkflowNode, WorkflowNodeInstance


class Caller(Protocol):
    """The runtime of the workflow, as modifications use it."""

    def call(self, method: str, /, **args: Any) -> Any:
        """Ask the host, and wait for the reply."""


class ModifiedContext(Protocol):
    """The context of the workflow, as modifications use it."""

    @property
    def internal(self) -> Caller: ...

    def refresh_node_instances(self) -> None:
        """Read all node instances again."""

    def get_node_instance(self, node_instance_id: str) -> WorkflowNodeInstance | None: ...


class ModificationNodes:
    """Instances that a modification adds or removes, and those with relationships to them.

    The instances are those of the context at the moment; what is there no more is left out.
    """

    def __init__(self, ctx: ModifiedContext, changed: list[str], related: list[str], what: str) -> None:
        self._ctx = ctx
        self._changed = changed
        self._related = related
        self._what = what

    @property
    def node_instances(self) -> Iterator[WorkflowNodeInstance]:
        """The instances; ``modification`` of those that are added or removed says so."""
        yield from self._found(self._changed, self._what)
        yield from self._found(self._related, None)

    @property
    def changed(self) -> list[WorkflowNodeInstance]:
        """Those that are added or removed."""
        return list(self._found(self._changed, self._what))

    @property
    def related(self) -> list[WorkflowNodeInstance]:
        """Those that stay."""
        return list(self._found(self._related, None))

    @property
    def nodes(self) -> Iterator[WorkflowNode]:
        """The nodes of the instances."""
        return iter({one.node_id: one.node for one in self.node_instances}.values())

    def _found(self, ids: list[str], what: str | None) -> Iterator[WorkflowNodeInstance]:
        for id in ids:
            instance = self._ctx.get_node_instance(id)
            if instance is not None:
                instance.record["modification"] = what
                yield instance


class Modification:
    """A modification of the deployment.

    It is going on until it is finished or rolled back, or its execution is over.
    """

    def __init__(self, ctx: ModifiedContext, record: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._record = dict(record)
        related = [id for id in record["related"] if id not in record["removed"]]
        self.added = ModificationNodes(ctx, list(record["added"]), related, "added")
        self.removed = ModificationNodes(ctx, list(record["removed"]), related, "removed")
        #: What becomes of which instance and why, from the step that has just started it.
        self.changes: list[dict[str, Any]] = list(record.get("changes") or ())

    @property
    def id(self) -> str:
        return str(self._record["id"])

    @property
    def status(self) -> str:
        """``started``, ``finished``, ``rolledback``, ``failed`` or ``cancelled``."""
        return str(self._record["status"])

    @property
    def reason(self) -> str | None:
        """Why it was taken back, or None."""
        reason: str | None = self._record["reason"]
        return reason

    def finish(self) -> None:
        """End it: what was to be removed is no part of the deployment any more."""
        self._record = self._ctx.internal.call("finish_modification", id=self.id)

    def rollback(self, reason: str | None = None) -> None:
        """Take it back: what was added, and is not live, is no part of the deployment any more."""
        self._record = self._ctx.internal.call("rollback_modification", id=self.id, reason=reason)
