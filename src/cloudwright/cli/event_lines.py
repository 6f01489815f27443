"""Events and log messages as lines for people, in the shape that Cloudify's users and their scripts know.

``2024-05-01 12:00:00.123  CFY <web> [vm_k3x9.create] Task started 'script_runner.tasks.run'``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudwright.cli.formatting import plain

if TYPE_CHECKING:
    from cloudwright.model.rest import Event


LOG = "cloudify_log"
#: How a traceback begins in the error of an execution, and in the event of its end.
TRACEBACK = "\nTraceback (most recent call last):"
#: The type of the event that says when an operation that failed is tried again.
RESCHEDULED = "task_rescheduled"
#: Types of events that report a failure or an end, whatever their message is.
BAD_EVENTS = frozenset({"task_failed", "workflow_failed", "workflow_node_event_failed"})
GOOD_EVENTS = frozenset({"task_succeeded", "workflow_succeeded"})
CANCEL_EVENTS = frozenset({"workflow_cancelled", "execution_cancel_requested", "task_cancelled"})
DEBUG_LEVELS = frozenset({"debug", "trace"})


def event_line(event: Event, *, traces: bool = False) -> str:
    """Return one event in one line, but for the lines that its message has itself. ``traces`` adds the
    traceback of a failure.
    """
    moment = event_time(event)
    mark = "LOG" if event.get("type") == LOG else "CFY"
    level = (event.get("level") or "info").upper()
    said = f"{level}: " if mark == "LOG" else ""
    owner = event.get("deployment_id") or event.get("execution_id") or "system"
    place = event_place(event)
    text = event_message(event, traces=traces)
    parts = (f"{moment} ", mark, f"<{owner}>", f"[{place}]" if place else "", said + text)
    return plain(" ".join(part for part in parts if part))


def event_time(event: Event) -> str:
    """``2024-05-01T12:00:00.123456Z`` as ``2024-05-01 12:00:00.123``."""
    text = event.get("timestamp") or event.get("reported_timestamp") or ""
    day, _, clock = text.partition("T")
    clock, _, fraction = clock.rstrip("Z").partition(".")
    return f"{day} {clock}.{(fraction + '000')[:3]}" if clock else text


def event_place(event: Event) -> str:
    """What it is about: ``instance.operation``, ``source->target.operation``, or nothing."""
    operation = (event.get("operation") or "").rpartition(".")[2]
    source, target = event.get("source_id"), event.get("target_id")
    subject = f"{source}->{target}" if source and target else (event.get("node_instance_id") or "")
    return plain(f"{subject}.{operation}" if subject and operation else subject or operation)


def event_message(event: Event, *, traces: bool = False) -> str:
    """Return the message with the causes of a failure below it, or its whole traceback."""
    lines = [(event.get("message") or event.get("event_type") or "").rstrip()]
    causes = event.get("error_causes") or []
    trace = (causes[0].get("traceback") or "").rstrip() if causes else ""
    if event.get("event_type") == "workflow_failed":
        # The traceback is part of the message; the operation's own event has it, too.
        lines[0], mark, rest = lines[0].partition(TRACEBACK)
        trace = f"{mark}{rest}".strip()
    if traces and trace:
        lines += [f"    {line}" for line in trace.splitlines()]
        return plain("\n".join(lines))
    for cause in causes:
        text = cause.get("message")
        if text and text not in lines[0]:
            lines.append(f"    caused by {cause.get('type') or 'an error'}: {text}")
    return plain("\n".join(lines))


def short_message(event: Event) -> str:
    """Return the message in one line, without what ``event_place`` says already."""
    details = event.get("details") or {}
    if event.get("event_type") == RESCHEDULED and "retry" in details:
        return f"{retry_text(details)} in {details.get('retry_after', 0):g} s"
    text, _, more = event_message(event).partition("\n")
    if text.endswith(":") and more:
        # What a program wrote last is what it failed of.
        text = f"{text} {more.rstrip().rpartition(chr(10))[2].strip()}"
    return text.removeprefix(f"{event.get('operation')} ") if event_place(event) else text


def retry_text(details: Mapping[str, Any]) -> str:
    """``retry 1 of 60``; without the number of all if there is no limit."""
    most = details.get("max_retries", -1)
    return plain(f"retry {details.get('retry')}" + (f" of {most}" if most >= 0 else ""))


def is_debug(event: Event) -> bool:
    """Return whether an event is shown only if the user asked for everything."""
    return event.get("type") == LOG and (event.get("level") or "").lower() in DEBUG_LEVELS


def is_bad(event: Event) -> bool:
    if event.get("type") == LOG:
        return (event.get("level") or "").lower() in ("error", "critical", "fatal")
    return event.get("event_type") in BAD_EVENTS


def colour(event: Event) -> str | None:
    """Return the colour of an event's line on a terminal."""
    if is_bad(event):
        return "red"
    if event.get("type") == LOG:
        return "yellow" if (event.get("level") or "").lower() in ("warning", "warn") else None
    kind = event.get("event_type")
    if kind in CANCEL_EVENTS:
        return "yellow"
    return "green" if kind in GOOD_EVENTS else None
