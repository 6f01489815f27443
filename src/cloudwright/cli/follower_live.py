"""An execution as a picture on a terminal: what it does, how far it is, how every node instance stands."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cloudwright.cli.event_lines import (
    colour,
    event_line,
    event_message,
    event_place,
    event_time,
    is_bad,
    is_debug,
)
from cloudwright.cli.formatting import colour_of, plain
from cloudwright.client.records import END_STATUSES

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution, NodeInstance

RECENT = 6
#: Lines of the picture besides node instances: heading, two titles, a spare one for the cursor.
AROUND = RECENT + 4
FEWEST_INSTANCES = 3
#: How a node instance stands, by its state; any other state is on its way.
MARKS = {
    "uninitialized": ("○", "dim"),
    "started": ("●", "green"),
    "deleted": ("○", "dim"),
    "stopped": ("○", "yellow"),
}
ON_ITS_WAY = ("◐", "cyan")


def can_paint() -> bool:
    """Return whether standard output is a terminal that can go back over what it shows, and has the signs."""
    console = Console()
    return console.is_terminal and not console.is_dumb_terminal and console.encoding.startswith("utf")


class LiveView:
    """Keeps a picture at the bottom of the terminal; notes and errors go above it and stay."""

    interval: float | None = 0.2
    wants_details = True

    def __init__(
        self,
        execution: Execution,
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._execution = execution
        self._instances: Sequence[NodeInstance] = []
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._counts: Counter[str] = Counter()
        self._clock = clock
        self._begun = clock()
        self._painted = 0.0
        self._lost_since: float | None = None
        self._console = console or Console(highlight=False)
        self._live = Live(
            console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def __enter__(self) -> LiveView:
        self._live.start()
        self._paint()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._paint()
        self._live.stop()

    def lost(self) -> None:
        if self._lost_since is None:
            self._lost_since = self._clock()
            self._paint()

    def event(self, event: Event) -> None:
        self._lost_since = None
        if is_debug(event):
            return
        self._counts[event.get("event_type") or ""] += 1
        self._recent.append(event)
        if is_bad(event):
            self._console.print(Text(event_line(event), style="red"))
        self.tick()

    def note(self, text: str) -> None:
        self._console.print(Text(plain(text), style="yellow"))
        self._paint()

    def standing(self, execution: Execution) -> None:
        self._execution = execution
        self._lost_since = None
        self._paint()

    def instances(self, instances: Sequence[NodeInstance]) -> None:
        self._instances = instances
        self._lost_since = None
        self._paint()

    def tick(self) -> None:
        """Paint, but no oftener than an eye can follow: a burst of events is one picture."""
        if self.interval is not None and self._clock() - self._painted >= self.interval / 2:
            self._paint()

    def _paint(self) -> None:
        self._painted = self._clock()
        self._live.update(self.picture(self._console.height), refresh=True)

    def picture(self, height: int) -> Group:
        """What is shown on a terminal of that many lines."""
        parts: list[Text | Table] = [self._heading()]
        if self._instances:
            parts.append(self._instance_table(max(FEWEST_INSTANCES, height - AROUND)))
        if self._recent and self._execution["status"] not in END_STATUSES:
            parts += [Text("latest events", style="dim"), *[_event_text(event) for event in self._recent]]
        return Group(*parts)

    def _heading(self) -> Text:
        execution = self._execution
        status = execution["status"]
        subject = f" on {execution['deployment_id']}" if execution.get("deployment_id") else ""
        heading = Text(plain(f"{execution['workflow_id']}{subject}"), style="bold")
        heading.append("  ", style="not bold")
        if self._lost_since is None:
            colour = "cyan" if status == "started" else colour_of(status) or ""
            heading.append(status, style=f"not bold {colour}")
        else:
            silent = elapsed(self._clock() - self._lost_since)
            heading.append(f"no answer for {silent}, last seen {status}", style="not bold yellow")
        heading.append(f"  {elapsed(self._clock() - self._begun)}{self._tasks()}", style="not bold dim")
        heading.no_wrap = True
        return heading

    def _tasks(self) -> str:
        # The API's counts of operations are of all tasks, those too that run inside the workflow's process.
        total = self._execution.get("total_operations")
        text = f"  {self._execution.get('finished_operations') or 0} of {total} tasks" if total else ""
        failed = self._counts["task_failed"]
        return f"{text}  {failed} failed" if failed else text

    def _instance_table(self, most: int) -> Table:
        """Return the table of node instances; those in transition come first if there is no room for all."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        shown = list(self._instances)
        if len(shown) > most:
            shown.sort(key=lambda instance: instance.get("state", "") in MARKS)
            shown = sorted(shown[: most - 1], key=lambda instance: instance["id"])
        for instance in shown:
            state = instance.get("state", "")
            mark, style = MARKS.get(state, ON_ITS_WAY)
            table.add_row(
                Text(plain(f"  {mark} {instance['id']}"), style=style), Text(plain(state), style=style)
            )
        if len(shown) < len(self._instances):
            names = {instance["id"] for instance in shown}
            others = Counter(item.get("state", "") for item in self._instances if item["id"] not in names)
            rest = ", ".join(f"{count} {state}" for state, count in others.most_common())
            table.add_row(Text(f"    and {others.total()} more", style="dim"), Text(rest, style="dim"))
        return table


def _event_text(event: Event) -> Text:
    clock = event_time(event).partition(" ")[2]
    text = Text(f"  {clock}  ", style="dim", no_wrap=True, overflow="ellipsis")
    place = event_place(event)
    if place:
        text.append(f"{place}  ", style="not dim")
    text.append(event_message(event).partition("\n")[0], style=f"not dim {colour(event) or ''}")
    return text


def elapsed(seconds: float) -> str:
    """``7 s``, ``3 min 05 s``, ``2 h 07 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
