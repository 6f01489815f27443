"""The timeline of an execution: which operations ran when, as positions on one axis.

The axis reaches from the start of the execution to the last end that is known, or to now while anything runs:
an operation that outlives its execution is drawn on until it has really ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloudwright.console import formatting

#: How a part of a bar looks: waiting for a place, running, waiting for the next attempt, still running after
#: the end of the execution; and how an attempt ended.
WAIT, RUN, RETRY, RESIDUAL = "wait", "run", "retry", "residual"
_ENDINGS = {"succeeded": "done", "failed": "failed", "cancelled": "cancelled"}
# Below this a part could not be seen (percent of the axis).
_THINNEST = 0.25
_STEPS = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    1200,
    1800,
    3600,
    7200,
    14400,
)
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar, in percent of the axis; ``words`` say the same."""

    kind: str
    start: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    operation: Mapping[str, Any]
    segments: Sequence[Segment]
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that all rows show as a line."""

    kind: str
    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Timeline:
    bars: Sequence[Bar] = ()
    ticks: Sequence[tuple[float, str]] = ()
    marks: Sequence[Mark] = ()
    seconds: float = 0.0


@dataclass(slots=True)
class _Axis:
    start: datetime
    end: datetime
    length: float = field(init=False)

    def __post_init__(self) -> None:
        self.length = max((self.end - self.start).total_seconds(), 0.001)

    def at(self, time: datetime) -> float:
        share = (time - self.start).total_seconds() / self.length
        return round(min(max(share, 0.0), 1.0) * 100, 3)

    def segment(self, kind: str, start: datetime, end: datetime, words: str) -> Segment:
        left = self.at(start)
        width = max(self.at(end) - left, _THINNEST)
        return Segment(kind, min(left, 100 - width), round(width, 3), words)


def draw(
    execution: Mapping[str, Any],
    operations: Sequence[Mapping[str, Any]],
    attempts: Iterable[Mapping[str, Any]],
    now: datetime,
) -> Timeline:
    """Return where everything is drawn. ``attempts`` are the events of starts and ends of operations."""
    begun = [operation for operation in operations if operation["sent_at"]]
    start = _start(execution, begun)
    if start is None:
        return Timeline()
    over = _time(execution["ended_at"])
    running = [operation for operation in begun if operation["state"] in ("started", "sent")]
    ends = [time for operation in begun if (time := _time(operation["ended_at"]))]
    end = max([*ends, *([over] if over else []), *([now] if running or over is None else []), start])
    axis = _Axis(start, end)
    history = _history(attempts)
    bars = [_bar(axis, operation, history.get(operation["id"], []), over, now) for operation in begun]
    return Timeline(bars, _ticks(axis.length), _marks(axis, execution, over), axis.length)


def _start(execution: Mapping[str, Any], begun: Sequence[Mapping[str, Any]]) -> datetime | None:
    """The earliest of what is drawn: a resumed execution keeps the operations of its earlier runs."""
    times = [_time(execution["started_at"]), *(_time(operation["sent_at"]) for operation in begun)]
    return min((time for time in times if time), default=None)


def _history(attempts: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, datetime, int]]]:
    found: dict[str, list[tuple[str, datetime, int]]] = {}
    for event in attempts:
        if event["operation_id"]:
            number = int((event["details"] or {}).get("attempt") or 0)
            what = event["event_type"], formatting.parse_time(event["timestamp"]), number
            found.setdefault(event["operation_id"], []).append(what)
    return found


def _bar(
    axis: _Axis,
    operation: Mapping[str, Any],
    history: Sequence[tuple[str, datetime, int]],
    over: datetime | None,
    now: datetime,
) -> Bar:
    segments = _earlier(axis, operation, history)
    sent, started = _time(operation["sent_at"]), _time(operation["started_at"])
    ended = _time(operation["ended_at"])
    state, attempt = operation["state"], operation["attempt"]
    waited_until = started or ended or now
    # Of what an earlier attempt left, the time it was sent is its own.
    if sent and (waited_until - sent).total_seconds() > axis.length / 200 and not segments:
        words = f"waited {formatting.duration((waited_until - sent).total_seconds())} for a place"
        segments.append(axis.segment(WAIT, sent, waited_until, words))
    if started:
        until = ended or now
        ending = _ENDINGS.get(state, "running")
        words = f"attempt {attempt}: {state}, {formatting.duration((until - started).total_seconds())}"
        inside = min(until, over) if over and over > started else until
        segments.append(axis.segment(f"{RUN} {ending}", started, inside, words))
        if over and until > over and over > started:
            after = formatting.duration((until - over).total_seconds())
            words = f"ran on for {after} after the end" if ended else f"still runs, {after} after the end"
            segments.append(axis.segment(RESIDUAL, over, until, words))
    said = "; ".join(segment.words for segment in segments) or state
    return Bar(operation, segments, said)


def _earlier(
    axis: _Axis, operation: Mapping[str, Any], history: Sequence[tuple[str, datetime, int]]
) -> list[Segment]:
    """Return the attempts before the present one, and the pauses between them."""
    segments: list[Segment] = []
    begun: datetime | None = None
    failed: datetime | None = None
    for what, when, number in history:
        if what == "task_started":
            if failed:
                words = f"waited {formatting.duration((when - failed).total_seconds())} for the next attempt"
                segments.append(axis.segment(RETRY, failed, when, words))
            begun, failed = when, None
        elif begun and number < operation["attempt"]:
            words = f"attempt {number}: failed, {formatting.duration((when - begun).total_seconds())}"
            segments.append(axis.segment(f"{RUN} failed", begun, when, words))
            begun, failed = None, when
    return segments


def _marks(axis: _Axis, execution: Mapping[str, Any], over: datetime | None) -> list[Mark]:
    marks = []
    asked = _time(execution["cancel_requested_at"])
    if asked and asked >= axis.start:
        by = execution["cancel_requested_by"] or "the manager"
        marks.append(Mark("asked", axis.at(asked), f"{by} asked for a {execution['cancel_mode']}"))
    if over:
        marks.append(Mark("over", axis.at(over), f"the execution ended: {execution['status']}"))
    return marks


def _ticks(length: float) -> list[tuple[float, str]]:
    step = next((step for step in _STEPS if length / step <= 6), _DAY * max(1, round(length / _DAY / 5)))
    count = int(length / step)
    return [(round(number * step / length * 100, 3), _tick(number * step)) for number in range(count + 1)]


def _tick(seconds: float) -> str:
    return "0" if not seconds else formatting.duration(seconds).replace(".0 s", " s").replace(" 0 s", "")


def _time(text: str | None) -> datetime | None:
    return formatting.parse_time(text) if text else None
