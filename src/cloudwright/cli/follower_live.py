"""Draws an execution on a terminal: its operations, its progress, and the state of each node instance."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from operator import itemgetter
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cloudwright.cli.event_lines import (
    RESCHEDULED,
    colour,
    event_place,
    event_time,
    is_bad,
    is_debug,
    retry_text,
    short_message,
)
from cloudwright.cli.formatting import colour_of, plain, with_short_ids
from cloudwright.client.records import END_STATUSES

if TYPE_CHECKING:
    from cloudwright.model.rest import Event, Execution, NodeInstance

RECENT = 6
#: Lines of the picture besides node instances: heading, two titles, a spare one for the cursor.
AROUND = RECENT + 4
FEWEST_INSTANCES = 3
#: So many operations that wait to be tried again are named; the others are counted.
MOST_RETRIES = 4
#: So many columns have room for a word about keys.
ROOMY = 80
#: Seconds that a failure waits for what follows it before it is printed by itself.
PATIENCE = 1.0
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
        # What waits to be tried again, by the operation's id: what it is, and when it is due.
        self._waiting: dict[str, tuple[str, float]] = {}
        self._clock = clock
        self._begun = clock()
        # What failed, and when that was heard of: what follows at once says whether it is tried again.
        self._failures: list[tuple[Event, float]] = []
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
        self._drop_told_failures()
        self._print_failures()
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
        kind = event.get("event_type") or ""
        self._counts[kind] += 1
        self._note_retries(kind, event)
        self._recent.append(event)
        # How the workflow itself failed is said at the end.
        if is_bad(event) and kind != "workflow_failed":
            self._failures.append((event, self._clock()))
        elif kind == RESCHEDULED:
            self._print_failures(retry=event)
        self.tick()

    def _print_failures(self, *, retry: Event | None = None, older_than: float = 0.0) -> None:
        """Print the failures that wait for what follows them: that of the operation that ``retry`` is about,
        with when it is tried again, or else those of some age.
        """
        left = []
        for event, heard in self._failures:
            if retry is not None and retry.get("operation_id") == event.get("operation_id"):
                text = _event_text(event, whole=True)
                text.append(f"  ↻ {short_message(retry)}", style="not dim yellow")
                self._console.print(text)
            elif retry is None and self._clock() - heard >= older_than:
                self._console.print(_event_text(event, whole=True))
            else:
                left.append((event, heard))
        self._failures = left

    def _drop_told_failures(self) -> None:
        """Forget the failures that the error of the execution says, which the command ends with."""
        error = self._execution.get("error") or ""
        if self._execution["status"] == "failed":
            self._failures = [item for item in self._failures if _reason(item[0]) not in error]

    def _note_retries(self, kind: str, event: Event) -> None:
        operation, details = event.get("operation_id") or "", event.get("details") or {}
        if kind == RESCHEDULED and "retry" in details:
            due = self._clock() + float(details.get("retry_after") or 0)
            self._waiting[operation] = (f"{event_place(event)}  {retry_text(details)}", due)
        else:
            self._waiting.pop(operation, None)

    def note(self, text: str) -> None:
        self._console.print(Text(with_short_ids(plain(text)), style="yellow"))
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
        self._print_failures(older_than=PATIENCE)
        if self.interval is not None and self._clock() - self._painted >= self.interval / 2:
            self._paint()

    def _paint(self) -> None:
        self._painted = self._clock()
        self._live.update(self.picture(self._console.height), refresh=True)

    def picture(self, height: int) -> Group:
        """What is shown on a terminal of that many lines."""
        parts: list[Text | Table] = [self._heading()]
        retries = self._retries()
        if self._instances:
            around = AROUND + len(retries)
            parts.append(self._instance_table(max(FEWEST_INSTANCES, height - around)))
        parts += retries
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
        if status not in END_STATUSES and self._console.width >= ROOMY:
            heading.append("  (d detaches)", style="not bold dim")
        heading.no_wrap = True
        return heading

    def _tasks(self) -> str:
        # The API's counts of operations are of all tasks, those too that run inside the workflow's process.
        total = self._execution.get("total_operations")
        text = f"  {self._execution.get('finished_operations') or 0} of {total} tasks" if total else ""
        waiting = 0 if self._execution["status"] in END_STATUSES else len(self._waiting)
        # A failed attempt after which the operation ran again is none any more.
        failed = self._counts["task_failed"] - self._counts[RESCHEDULED] + len(self._waiting) - waiting
        text = f"{text}  {failed} failed" if failed > 0 else text
        return f"{text}  {waiting} to retry" if waiting else text

    def _retries(self) -> list[Text]:
        """Lines about what is to be tried again, the next one first."""
        if self._execution["status"] in END_STATUSES:
            return []
        now, lines = self._clock(), []
        for text, due in sorted(self._waiting.values(), key=itemgetter(1))[:MOST_RETRIES]:
            left = due - now
            lines.append(
                Text(f"  ↻ {text} {'in ' + elapsed(left + 1) if left > 0 else 'now'}", style="yellow")
            )
            lines[-1].no_wrap, lines[-1].overflow = True, "ellipsis"
        if len(self._waiting) > MOST_RETRIES:
            lines.append(Text(f"    and {len(self._waiting) - MOST_RETRIES} more retries", style="dim"))
        return lines

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


def _event_text(event: Event, *, whole: bool = False) -> Text:
    """Return an event as a line of the picture; ``whole`` is folded rather than cut off."""
    clock = event_time(event).partition(" ")[2]
    text = Text(f"{'' if whole else '  '}{clock}  ", style="dim")
    place = event_place(event)
    if place:
        text.append(f"{place}  ", style="not dim")
    text.append(short_message(event), style=f"not dim {colour(event) or ''}")
    if not whole:
        text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _reason(event: Event) -> str:
    """Return the first line of why an operation failed, as the error of its execution has it too."""
    first = (event.get("message") or "").partition("\n")[0]
    return first.partition(" failed: ")[2] or first


def elapsed(seconds: float) -> str:
    """``7 s``, ``3 min 05 s``, ``2 h 07 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
