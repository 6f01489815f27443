"""Where an execution is shown while it is followed: lines, lines of JSON, or nothing until its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudwright.cli.event_lines import colour, event_line, is_debug
from cloudwright.cli.execution_follower import View
from cloudwright.cli.lazy import lazy
from cloudwright.cli.output import Output

if TYPE_CHECKING:
    from cloudwright.cli import follower_live
    from cloudwright.model.rest import Event, Execution, NodeInstance
else:
    follower_live = lazy("cloudwright.cli.follower_live")

#: From here on debug messages are shown too.
DEBUG_VERBOSITY = 2


class Lines:
    """A line per event, coloured on a terminal."""

    interval: float | None = None
    wants_details = False

    def __init__(self, out: Output, *, followed: bool = False) -> None:
        """``followed`` is whether the end of the execution is reported by another one."""
        self._out = out
        self._followed = followed

    def event(self, event: Event) -> None:
        if is_debug(event) and self._out.verbosity < DEBUG_VERBOSITY:
            return
        if self._followed and event.get("event_type") == "workflow_failed":
            event = {**event, "message": (event.get("message") or "").partition(":")[0]}
        line = event_line(event, traces=self._out.verbosity > 0)
        self._out.line(line, colour=colour(event))

    def note(self, text: str) -> None:
        self._out.warn(text)

    def lost(self) -> None:
        pass

    def standing(self, execution: Execution) -> None:
        pass

    def instances(self, instances: Sequence[NodeInstance]) -> None:
        pass

    def tick(self) -> None:
        pass


class JsonLines(Lines):
    """A line of JSON per event, whatever its level."""

    def event(self, event: Event) -> None:
        self._out.json_line(event)


class Nothing(Lines):
    """Shows no events, only messages about the following itself."""

    def event(self, event: Event) -> None:
        pass


@contextmanager
def open_view(out: Output, execution: Execution, *, json_lines: bool) -> Iterator[View]:
    """The view that fits: painted on a terminal, unless the options ask for every line or none."""
    if json_lines:
        yield JsonLines(out)
    elif out.as_json or out.quiet:
        yield Nothing(out)
    elif out.is_terminal and not out.verbosity and follower_live.can_paint():
        with follower_live.LiveView(execution) as view:
            yield view
    else:
        yield Lines(out, followed=True)
