"""Events as lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.cli.event_lines import colour, event_line, event_place, event_time, is_debug, short_message

EVENT = {
    "timestamp": "2024-05-01T12:00:00.123Z",
    "type": "cloudify_event",
    "event_type": "task_started",
    "message": "Task started 'p.run'",
    "deployment_id": "web",
    "execution_id": "e1",
}


def line(**more: Any) -> str:
    return event_line({**EVENT, **more})  # type: ignore[typeddict-item]


def test_the_shape_that_scripts_know() -> None:
    assert line() == "2024-05-01 12:00:00.123  CFY <web> Task started 'p.run'"
    assert line(node_instance_id="vm_1", operation="cloudify.interfaces.lifecycle.create") == (
        "2024-05-01 12:00:00.123  CFY <web> [vm_1.create] Task started 'p.run'"
    )
    assert line(type="cloudify_log", level="warning", message="careful") == (
        "2024-05-01 12:00:00.123  LOG <web> WARNING: careful"
    )
    assert line(deployment_id=None) == "2024-05-01 12:00:00.123  CFY <e1> Task started 'p.run'"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"source_id": "a_1", "target_id": "b_1", "operation": "x.establish"}, "a_1->b_1.establish"),
        ({"node_instance_id": "a_1"}, "a_1"),
        ({"operation": "x.create"}, "create"),
        ({}, ""),
    ],
)
def test_what_an_event_is_about(fields: dict[str, str], place: str) -> None:
    assert event_place(fields) == place  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_time", "shown"),
    [
        ("2024-05-01T12:00:00.123456Z", "2024-05-01 12:00:00.123"),
        ("2024-05-01T12:00:00Z", "2024-05-01 12:00:00.000"),
        ("2024-05-01T12:00:00.5Z", "2024-05-01 12:00:00.500"),
        ("", ""),
    ],
)
def test_times_have_milliseconds(given_time: str, shown: str) -> None:
    assert event_time({"timestamp": given_time}) == shown


def test_causes_of_a_failure_are_below_it() -> None:
    causes = [{"type": "OSError", "message": "no space"}, {"message": "Task started 'p.run'"}]
    assert line(error_causes=causes).splitlines()[1:] == ["    caused by OSError: no space"]


def test_a_traceback_is_shown_if_asked_for() -> None:
    causes = [
        {"type": "KeyError", "message": "'port'", "traceback": "Traceback ...\n  File x\nKeyError: 'port'\n"}
    ]
    event: Any = {**EVENT, "message": "create failed: KeyError: 'port'", "error_causes": causes}
    assert len(event_line(event).splitlines()) == 1
    assert event_line(event, traces=True).splitlines()[1:] == [
        "    Traceback ...",
        "      File x",
        "    KeyError: 'port'",
    ]


def test_the_failure_of_a_workflow_shows_its_traceback_only_if_asked_for() -> None:
    message = "`install` failed: boom\nTraceback (most recent call last):\n  File x\nValueError: boom"
    event: Any = {**EVENT, "event_type": "workflow_failed", "message": message}
    assert event_line(event).endswith("`install` failed: boom")
    assert "      File x" in event_line(event, traces=True)


def test_short_messages_leave_out_what_the_place_says() -> None:
    operation = "cloudify.interfaces.lifecycle.create"
    event: Any = {**EVENT, "operation": operation, "message": f"{operation} started on m1"}
    assert short_message(event) == "started on m1"
    assert short_message({**EVENT, "message": "x started"}) == "x started"  # type: ignore[typeddict-item]
    details = {"retry_after": 2.5, "retry": 3, "max_retries": -1}
    event |= {"event_type": "task_rescheduled", "details": details}
    assert short_message(event) == "retry 3 in 2.5 s"


def test_what_a_program_wrote_to_steer_a_terminal_is_taken_out() -> None:
    hostile = "\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m\r\x08 \x9b5m\ttab\nnext"
    assert line(message=hostile).endswith("> red 5m\ttab\nnext")


@given(st.text())
def test_no_control_character_passes(message: str) -> None:
    shown = line(message=message)
    assert not any(character in shown for character in "\x1b\x07\x08\r\x00\x9b")


def test_debug_messages_and_colours() -> None:
    assert is_debug({"type": "cloudify_log", "level": "debug"})
    assert not is_debug({"type": "cloudify_event", "event_type": "debug"})
    assert colour({"event_type": "task_failed"}) == "red"
    assert colour({"event_type": "task_succeeded"}) == "green"
    assert colour({"event_type": "workflow_cancelled"}) == "yellow"
    assert colour({"type": "cloudify_log", "level": "warning"}) == "yellow"
    assert colour({"type": "cloudify_log", "level": "ERROR"}) == "red"
    assert colour({"event_type": "task_started"}) is None
