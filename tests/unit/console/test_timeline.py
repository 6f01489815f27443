"""What is drawn of an execution, as positions on the axis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cloudwright.console.timeline import draw

START = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def execution(**more: Any) -> dict[str, Any]:
    fields = {"started_at": at(0), "ended_at": None, "status": "started", "cancel_requested_at": None}
    return {**fields, "cancel_requested_by": "ann", "cancel_mode": "cancel", **more}


def operation(**more: Any) -> dict[str, Any]:
    fields = {"id": "o", "name": "act", "state": "started", "attempt": 1, "sent_at": at(0)}
    return {**fields, "started_at": at(0), "ended_at": None, **more}


def parts(drawn: Any) -> list[tuple[str, float, float]]:
    return [(part.kind, part.start, part.width) for part in drawn.segments]


def test_what_runs_is_drawn_to_now() -> None:
    timeline = draw(execution(), [operation(started_at=at(2))], [], START + timedelta(seconds=10))
    assert timeline.seconds == 10
    assert parts(timeline.bars[0]) == [("wait", 0, 20), ("run running", 20, 80)]


def test_what_outlives_its_execution_is_drawn_past_the_end_until_it_really_ends() -> None:
    over = execution(ended_at=at(4), status="cancelled", cancel_requested_at=at(3))
    running = draw(over, [operation()], [], START + timedelta(seconds=10))
    assert parts(running.bars[0]) == [("run running", 0, 40), ("residual", 40, 60)]
    assert "still runs, 6.0 s after the end" in running.bars[0].words
    assert [(mark.kind, mark.at) for mark in running.marks] == [("asked", 30), ("over", 40)]

    ended = draw(over, [operation(state="failed", ended_at=at(8))], [], START + timedelta(seconds=60))
    assert ended.seconds == 8
    assert parts(ended.bars[0]) == [("run failed", 0, 50), ("residual", 50, 50)]
    assert "ran on for 4.0 s after the end" in ended.bars[0].words


def test_attempts_and_the_pauses_between_them() -> None:
    def event(kind: str, when: float, attempt: int) -> dict[str, Any]:
        return {
            "event_type": kind,
            "timestamp": at(when),
            "operation_id": "o",
            "details": {"attempt": attempt},
        }

    history = [
        event("task_started", 0, 1),
        event("task_failed", 2, 1),
        event("task_started", 5, 2),
        event("task_succeeded", 10, 2),
    ]
    done = operation(state="succeeded", attempt=2, sent_at=at(5), started_at=at(5), ended_at=at(10))
    timeline = draw(execution(ended_at=at(10), status="terminated"), [done], history, START)
    assert parts(timeline.bars[0]) == [("run failed", 0, 20), ("retry", 20, 30), ("run done", 50, 50)]


def test_nothing_that_was_not_sent_is_drawn_and_nothing_leaves_the_axis() -> None:
    timeline = draw(execution(), [operation(sent_at=None, started_at=None)], [], START)
    assert timeline.bars == []
    instant = draw(execution(ended_at=at(0)), [operation(state="succeeded", ended_at=at(0))], [], START)
    (part,) = instant.bars[0].segments
    assert part.width > 0
    assert part.start + part.width <= 100


def test_an_execution_that_did_not_begin_has_no_timeline() -> None:
    assert draw(execution(started_at=None), [], [], START).bars == ()


def test_the_axis_has_few_ticks_whatever_its_length() -> None:
    for seconds in (0.05, 3, 59, 3600, 86400 * 40):
        timeline = draw(execution(), [operation()], [], START + timedelta(seconds=seconds))
        assert 2 <= len(timeline.ticks) <= 8, seconds
