"""What a dry run would do, as a plan: a line per node instance, `+` made, `-` removed, `~` changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudwright.cli.event_lines import event_place
from cloudwright.cli.follower_lines import Lines
from cloudwright.cli.formatting import plain

if TYPE_CHECKING:
    from cloudwright.cli.output import Output
    from cloudwright.model.rest import Event

#: What states and operations say of where their node instance goes.
MAKES = frozenset({"creating", "created", "configuring", "configured", "starting", "started"}) | {
    *("precreate", "create", "preconfigure", "configure", "postconfigure", "start", "poststart", "establish")
}
REMOVES = frozenset({"stopping", "stopped", "deleting", "deleted"}) | {
    *("prestop", "stop", "predelete", "delete", "postdelete", "unlink")
}
COLOURS = {"+": "green", "-": "red", "~": "yellow", "-/+": "red"}
ACTIONS = {"add": "+", "remove": "-", "update": "~", "replace": "-/+"}


class PlanView(Lines):
    """Shows nothing while the dry run lasts; ``tell`` prints the plan."""

    def __init__(self, out: Output) -> None:
        super().__init__(out)
        self._words: dict[str, list[str]] = {}
        self._steps: dict[str, list[tuple[str, str]]] = {}
        self._changes: list[dict[str, Any]] = []

    def event(self, event: Event) -> None:
        details = event.get("details") or {}
        self._changes += details.get("instance_changes") or ()
        runs = details.get("dry_run")
        if event.get("event_type") == "workflow_node_event" and event.get("node_instance_id"):
            # A node without operations is made and removed all the same.
            word = (event.get("message") or "").partition(" ")[0].lower()
            self._words.setdefault(event_place(event), []).append(word)
        if runs is None or event.get("event_type") != "task_started":
            return
        subject, _, operation = event_place(event).rpartition(".")
        self._steps.setdefault(subject, []).append((operation, str(runs)))

    def tell(self) -> None:
        """Print what would be done, in the order in which it would begin."""
        subjects = list(dict.fromkeys([*self._words, *self._steps]))
        width = max(map(len, subjects), default=0)
        counts = {"-/+": 0, "+": 0, "~": 0, "-": 0}
        for change in self._changes:
            sign = ACTIONS.get(change["action"], "~")
            counts[sign] += 1
            self._out.line(plain(f"{sign} {change['id']} ({change['reason']})"), colour=COLOURS[sign])
        for subject in subjects:
            steps = self._steps.get(subject, [])
            sign = _sign(self._words.get(subject) or [operation for operation, _ in steps])
            counts[sign] += 1
            whole = " -> ".join(f"{operation} ({runs})" for operation, runs in steps) or "no operations"
            self._out.line(plain(f"{sign} {subject.ljust(width)}  {whole}"), colour=COLOURS[sign])
        words = {"-/+": "to recreate", "+": "to make", "~": "to change", "-": "to remove"}
        told = ", ".join(f"{count} {words[sign]}" for sign, count in counts.items() if count)
        self._out.say(f"Plan: {told or 'nothing to do'}. Nothing was run.")


def _sign(operations: list[str]) -> str:
    makes = any(operation in MAKES for operation in operations)
    removes = any(operation in REMOVES for operation in operations)
    return "~" if makes == removes else "+" if makes else "-"
