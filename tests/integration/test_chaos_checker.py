"""The fault injector's checker finds what it is there for, and nothing in a round that is as it should be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.checker import check
from chaos.clock import true_time
from chaos.history import Entry
from chaos.plan import JUMPS, Actor
from chaos.record import Record
from cloudwright.model.execution import ExecutionStatus
from cloudwright.model.operation import OperationState

T = 1_800_000_000.0


@pytest.mark.parametrize("hours", [0, *JUMPS])
def test_the_true_time_of_what_a_wrong_clock_says(hours: int) -> None:
    since = datetime.fromtimestamp(T, UTC)
    for seconds in (-3.0, 0.0, 0.25, 1800.0):
        true = since + timedelta(seconds=seconds)
        assert true_time(true + timedelta(hours=hours), T) == true


def event(at: float, kind: str, operation: str | None = None, **details: Any) -> SimpleNamespace:
    when = datetime.fromtimestamp(T + at, UTC)
    return SimpleNamespace(event_type=kind, timestamp=when, operation_id=operation, details=details)


def requested(at: float, mode: str, status: str = "started") -> SimpleNamespace:
    return event(at, "execution_cancel_requested", mode=mode, by="u", previous_status=status)


def line(at: float, what: str, operation: str = "o", pid: int = 7) -> dict[str, Any]:
    return {
        "time": T + at,
        "what": what,
        "execution": "e",
        "name": "step0",
        "operation": operation,
        "pid": pid,
        "birth": 1,
    }


def seen(at: float, what: str, **details: Any) -> Entry:
    return Entry(T + at, what, None, details)


class Round:
    """An execution with one operation, killed while that ran; what a test says of it is put in its place."""

    def __init__(self) -> None:
        self.state = OperationState.FAILED
        self.started_at = 1.0
        self.events = [
            event(0.0, "workflow_started"),
            event(1.0, "task_started", "o"),
            requested(2.0, "kill"),
            event(2.1, "operation_signalled", "o"),
            event(2.2, "operation_dead", "o"),
            event(2.3, "workflow_cancelled"),
        ]
        self.event_log = [line(0.1, "workflow", "e"), line(1.1, "start")]
        self.environment = [seen(-1.0, "manager_answers")]
        self.properties: list[dict[str, Any]] = [{}]
        self.slowness = 1.0

    def ended(self, at: float) -> Round:
        """The operation came to its end, and its result is stored."""
        self.event_log.append(line(at, "end"))
        self.events = [
            *(event for event in self.events if not str(event.event_type).startswith("operation_")),
        ]
        self.state, self.properties = OperationState.SUCCEEDED, [{"step0": 1}]
        return self

    def violations(self) -> list[str]:
        events = sorted(self.events, key=lambda event: event.timestamp)
        for id, one in enumerate(events, 1):
            one.id = id
        row = SimpleNamespace(
            id="o",
            state=self.state,
            failure=None,
            started_at=datetime.fromtimestamp(T + self.started_at, UTC),
        )
        return list(
            check(
                Record(
                    actor=Actor(0, 0, "chain", [], 0.0, []),
                    execution="e",
                    row=SimpleNamespace(status=ExecutionStatus.CANCELLED),
                    shown={"status": ExecutionStatus.CANCELLED},
                    operations={"o": row},
                    events=events,
                    properties=self.properties,
                    event_log=self.event_log,
                    history=[Entry(T + 2.0, "acknowledged", "e", {"what": self.mode(), "grace": None})],
                    environment=sorted(self.environment, key=lambda entry: entry.time),
                    slowness=self.slowness,
                )
            )
        )

    def mode(self) -> str:
        (request,) = [event for event in self.events if event.event_type == "execution_cancel_requested"]
        return str(request.details["mode"])


@pytest.fixture
def round_() -> Round:
    return Round()


def test_a_round_that_is_as_it_should_be(round_: Round) -> None:
    assert round_.violations() == []
    assert Round().ended(1.5).violations() == []


def test_a_start_after_a_forced_request_by_the_order_of_events(round_: Round) -> None:
    round_.events.append(event(2.05, "task_started", "o"))
    assert any(text.startswith("C1, C2") for text in round_.violations())


def test_a_start_after_a_forced_request_by_the_row_s_own_time(round_: Round) -> None:
    round_.started_at = 2.2
    found = round_.violations()
    assert any("no event says so" in text for text in found)
    assert any("was started 0.200 s after" in text for text in found)


def test_an_operation_that_begins_long_after_it_was_forced(round_: Round) -> None:
    round_.events[2] = requested(2.0, "force-cancel")
    round_.event_log[1] = line(9.0, "start")
    assert any("began long after" in text for text in round_.violations())
    # A zygote had to be started again meanwhile: that takes its time.
    round_.environment.append(seen(1.5, "kill_process", kind="operations zygote", pid=1, child=""))
    assert not any("began long after" in text for text in round_.violations())


def test_an_operation_that_begins_after_the_end(round_: Round) -> None:
    round_.event_log[1] = line(9.0, "start")
    assert any("began 6.700 s after the end" in text for text in round_.violations())


def test_an_operation_that_begins_although_it_was_revoked(round_: Round) -> None:
    round_.events.append(event(2.05, "task_cancelled", "o"))
    assert any("began without a grant" in text for text in round_.violations())


@pytest.mark.parametrize("what", ["start", "child", "end"])
def test_an_operation_that_writes_after_it_was_killed(round_: Round, what: str) -> None:
    round_.event_log.append(line(2.6, what))
    assert any("C4, C7: operation o wrote 0.300 s after" in text for text in round_.violations())


def test_a_workflow_that_writes_after_its_end(round_: Round) -> None:
    round_.event_log.append(line(2.6, "workflow_end", "e"))
    assert any("C4, C7: the workflow wrote 0.300 s after" in text for text in round_.violations())


def test_an_end_that_takes_too_long(round_: Round) -> None:
    round_.events[5] = event(9.0, "workflow_cancelled")
    assert any("C3: kill of event 3 took 7.0 s" in text for text in round_.violations())
    # No manager lived for most of it, and the next one had to begin.
    round_.environment += [seen(2.5, "kill_manager"), seen(8.0, "manager_answers")]
    assert not any("C3" in text for text in round_.violations())


def test_an_end_takes_longer_beside_busy_processes_or_a_zygote_that_was_stopped(round_: Round) -> None:
    round_.events[5] = event(9.0, "workflow_cancelled")
    round_.slowness = 2.0
    assert not any("C3" in text for text in round_.violations())
    round_.slowness = 1.0
    assert any("C3" in text for text in round_.violations())
    # It was stopped long before anything was asked of it.
    round_.environment.append(seen(0.1, "stop_process", kind="workflows zygote", pid=3, child=""))
    assert not any("C3" in text for text in round_.violations())


LOST = "came to its end, and is stored as failed"


@pytest.mark.parametrize(
    ("fault", "costs"),
    [
        (seen(1.4, "kill_process", kind="workflow", pid=3, child="e"), False),
        (seen(1.4, "kill_process", kind="operation", pid=8, child="another"), False),
        (seen(1.4, "kill_process", kind="workflows zygote", pid=3, child=""), False),
        (seen(3.5, "kill_manager"), False),
        (seen(1.6, "blown", point="workflows.report", pid=3), False),
        (seen(1.6, "blown", point="operations.born", pid=8), False),
        (seen(1.4, "kill_process", kind="operation", pid=7, child="o"), True),
        (seen(1.4, "kill_process", kind="operations zygote", pid=2, child=""), True),
        (seen(1.4, "stop_process", kind="operations zygote", pid=2, child=""), True),
        (seen(1.4, "stop_process", kind="workflows zygote", pid=3, child=""), False),
        (seen(1.6, "kill_manager"), True),
        (seen(1.6, "blown", point="operations.report", pid=2), True),
        (seen(1.6, "blown", point="operations.frame.after", pid=7), True),
    ],
)
def test_a_result_is_lost_only_where_a_fault_was_in_its_way(round_: Round, fault: Entry, costs: bool) -> None:
    round_.ended(1.5)
    round_.state = OperationState.FAILED
    assert any(LOST in text for text in round_.violations())
    round_.environment.append(fault)
    assert any(LOST in text for text in round_.violations()) is not costs


def test_a_result_that_was_there_before_its_operation_was_killed(round_: Round) -> None:
    round_.started_at = 0.15
    round_.events[1] = event(0.15, "task_started", "o")
    round_.event_log[1:] = [line(0.2, "start"), line(0.3, "end")]
    assert any(LOST in text for text in round_.violations())
    # It was signalled before its result can have been stored.
    round_.events[3] = event(0.4, "operation_signalled", "o")
    assert not any(LOST in text for text in round_.violations())


def test_a_signal_of_which_no_death_is_told(round_: Round) -> None:
    del round_.events[4]
    # It lived long enough to tell.
    round_.environment.append(seen(9.0, "kill_manager"))
    assert any("C6: event 4 is of a signal" in text for text in round_.violations())
    round_.environment.append(seen(2.15, "kill_manager"))
    assert not any("is of a signal" in text for text in round_.violations())
