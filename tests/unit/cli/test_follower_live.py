"""The picture of an execution, whatever the size of the terminal."""

from __future__ import annotations

import io
import re
from itertools import count
from typing import Any

import pytest
from rich.console import Console

from cloudwright.cli.follower_live import LiveView, elapsed

EXECUTION: Any = {"id": "e1", "workflow_id": "install", "deployment_id": "web", "status": "started"}


def painted(view: LiveView, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=60, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(view.picture(height))
    return [line.rstrip() for line in captured.get().splitlines()]


def view(instances: list[Any] | None = None, *, step: float = 1, **execution: Any) -> LiveView:
    """A view whose clock goes on by ``step`` at every look."""
    made = LiveView(
        EXECUTION | execution,
        console=Console(file=io.StringIO(), width=60),
        clock=count(0, step).__next__,
    )
    if instances is not None:
        made.instances(instances)
    return made


def instance(id: str, state: str) -> Any:
    return {"id": id, "node_id": id[0], "state": state}


def test_a_small_terminal_shows_those_on_their_way_and_counts_the_others() -> None:
    instances = [instance(f"a_{number:02}", "started") for number in range(30)]
    instances += [instance("z_1", "creating"), instance("z_2", "uninitialized")]
    lines = painted(view(instances), 15)
    assert len(lines) == 6
    assert "  ◐ z_1" in "\n".join(lines)
    assert lines[-1].split() == ["and", "28", "more", "27", "started,", "1", "uninitialized"]


@pytest.mark.parametrize("height", [1, 5, 24, 100])
def test_it_never_grows_beyond_the_terminal(height: int) -> None:
    made = view([instance(f"a_{number}", "started") for number in range(50)])
    for number in range(20):
        made.event(
            {"type": "cloudify_event", "message": f"event {number}", "timestamp": "2024-05-01T12:00:00.1Z"}
        )
    assert len(painted(made, height)) <= max(height, 3 + 1 + 7)
    assert "event 19" in painted(made, height)[-1]


def test_long_messages_take_one_line_and_debug_messages_none() -> None:
    made = view()
    made.event({"type": "cloudify_log", "level": "debug", "message": "noise"})
    made.event({"type": "cloudify_log", "level": "info", "message": "long " * 50 + "\nsecond line"})
    lines = painted(made, 30)
    assert len(lines) == 3
    assert lines[-1].endswith("…")


def test_what_is_not_known_to_be_so_any_more_is_said_to_be_old() -> None:
    # Found by a trial: while the manager was down, the picture said "started" as if it were known.
    picture = view()
    picture.lost()
    assert "no answer for " in painted(picture, 30)[0]
    assert "last seen started" in painted(picture, 30)[0]
    picture.standing(EXECUTION | {"status": "cancelling"})
    assert painted(picture, 30)[0].startswith("install on web  cancelling  ")


def test_the_heading_says_how_far_it_is() -> None:
    heading = painted(view(total_operations=7, finished_operations=3), 30)[0]
    assert heading.startswith("install on web  started  ")
    assert heading.endswith("3 of 7 tasks")
    assert painted(view(deployment_id=None), 30)[0].startswith("install  started")


FAILED = {
    "timestamp": "2024-05-01T12:00:00.123Z",
    "type": "cloudify_event",
    "event_type": "task_failed",
    "message": "cloudify.interfaces.lifecycle.create failed: KeyError: 'port' (plugins/p/tasks.py:4, in f)",
    "operation": "cloudify.interfaces.lifecycle.create",
    "operation_id": "o1",
    "node_instance_id": "app_x7",
}
RETRY = {
    **FAILED,
    "event_type": "task_rescheduled",
    "message": "`create` of `app_x7` (p.tasks.create) will be tried again in 15 s (retry 1 of 60)",
    "details": {"retry_after": 15.0, "retry": 1, "max_retries": 60},
}


def test_what_waits_to_be_tried_again_is_not_counted_as_failed() -> None:
    made = view([instance("app_x7", "creating")], total_operations=7, finished_operations=3)
    made.event(FAILED)  # type: ignore[arg-type]
    made.event(RETRY)  # type: ignore[arg-type]
    lines = painted(made, 30)
    assert lines[0].endswith("3 of 7 tasks  1 to retry")
    assert re.fullmatch(r"  ↻ app_x7.create  retry 1 of 60 in 1\d s", lines[2])
    assert lines[3:] == [
        "latest events",
        "  12:00:00.123  app_x7.create  failed: KeyError: 'port' (pl…",
        "  12:00:00.123  app_x7.create  retry 1 of 60 in 15 s",
    ]
    made.event({**FAILED, "event_type": "task_started"})  # type: ignore[typeddict-item]
    assert "retry" not in painted(made, 30)[0]
    assert "failed" not in painted(made, 30)[0]


def test_what_was_to_be_tried_again_when_it_ended_has_failed() -> None:
    made = view([instance("app_x7", "creating")])
    made.event(FAILED)  # type: ignore[arg-type]
    made.event(RETRY)  # type: ignore[arg-type]
    made.standing(EXECUTION | {"status": "failed"})
    assert painted(made, 30)[0].endswith("  1 failed")
    assert "↻" not in "".join(painted(made, 30))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0 s"), (59, "59 s"), (65, "1 min 05 s"), (7500, "2 h 05 min")]
)
def test_elapsed(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


def failure(operation: str, message: str, kind: str = "task_failed", **more: Any) -> Any:
    about = {"node_instance_id": "vm_1", "operation": "a.b.create", "operation_id": operation}
    return {
        "type": "cloudify_event",
        "event_type": kind,
        "message": message,
        "timestamp": "2024-05-01T12:00:00.1Z",
    } | (about | more)


def printed(made: LiveView) -> str:
    file = made._console.file
    assert isinstance(file, io.StringIO)
    return " ".join(file.getvalue().split())


def test_a_failure_is_told_with_its_retry() -> None:
    made = view(step=0.01)
    made.event(failure("o1", "a.b.create failed: `x.sh` ended with exit code 7. The last lines:\none\ntwo"))
    retry = {"retry": 1, "max_retries": 3, "retry_after": 15}
    made.event(failure("o1", "again", "task_rescheduled", details=retry))
    told = "vm_1.create failed: `x.sh` ended with exit code 7. The last lines: two ↻ retry 1 of 3 in 15 s"
    assert told in printed(made)


def test_what_the_end_says_is_not_told_before_it() -> None:
    with view(step=0.01) as made:
        made.interval = None
        made.event(failure("o1", "a.b.create failed: no room"))
        made.event(failure("o2", "a.b.create failed: no light"))
        made.standing(EXECUTION | {"status": "failed", "error": "`a.b.create` of `vm_1` failed: no room"})
    assert "no light" in printed(made)
    assert "no room" not in printed(made)


def test_a_failure_that_nothing_follows_is_told_after_a_moment() -> None:
    made = view()
    made.event(failure("o1", "a.b.create failed: no room"))
    made.tick()
    made.tick()
    assert "no room" in printed(made)
