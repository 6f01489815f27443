"""The model of the protocol between a manager and a worker on another machine
(docs/contributing/model/workers.pml): it keeps its promises in every state that it can reach, and breaks one
as soon as a defence is taken out.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cancellation_model import MODEL, search

WORKERS = MODEL.with_name("workers.pml")

NO_FAULTS = ("CUTS=0", "CRASHES=0", "MANAGER_CRASHES=0")
THE_WORKER_DIES = ("CUTS=1", "CRASHES=1", "MANAGER_CRASHES=0")
THE_MANAGER_DIES = ("CUTS=1", "CRASHES=0", "MANAGER_CRASHES=1")

#: Where a search has to have been.
ALWAYS = {
    "rest",
    "killed",
    "ended with a residual operation",
    "killed after the end",
    "may begin",
    "go came late",
    "revoked as it asked",
    "revoked before it began",
}
AFTER_A_CUT = ALWAYS | {"refused to begin", "killed while unreachable", "sent again", "killed on return"}
AFTER_A_CRASH = AFTER_A_CUT | {
    "an end of an earlier life",
    "ended what an earlier life left",
    "gone for ever",
    "left over",
    "lost with an earlier life",
}


@pytest.mark.parametrize(
    ("macros", "reached", "states"),
    [
        pytest.param(NO_FAULTS, ALWAYS, 5_000, id="nothing fails"),
        pytest.param(THE_WORKER_DIES, AFTER_A_CRASH, 1_000_000, id="the worker dies, a connection is cut"),
        pytest.param(THE_MANAGER_DIES, AFTER_A_CUT, 200_000, id="the manager dies, a connection is cut"),
    ],
)
def test_every_promise_holds_in_every_state(
    tmp_path: Path, macros: tuple[str, ...], reached: set[str], states: int
) -> None:
    found = search(tmp_path, macros, model=WORKERS)
    assert (found.errors, found.broken) == (0, []), found.output
    assert found.exhaustive, found.output
    assert found.reached >= reached
    assert found.states > states


@pytest.mark.parametrize(
    ("faults", "defence", "promise"),
    [
        (NO_FAULTS, "NO_STATUS_IN_GRANT", "C2"),
        (NO_FAULTS, "NO_STATUS_IN_GO", "C1"),
        (NO_FAULTS, "NO_SETTLEMENT", "C1"),
        (NO_FAULTS, "NO_WAIT_FOR_BEGUN", "C1"),
        (NO_FAULTS, "NO_GO", "truth"),
        (NO_FAULTS, "NO_BOUND", "C1"),
        (NO_FAULTS, "NO_ASKING_NUMBER", "C7"),
        (THE_WORKER_DIES, "NO_JOURNAL", "C8"),
        (THE_WORKER_DIES, "NO_END_OF_LEFTOVERS", "C7"),
        (THE_WORKER_DIES, "NO_KILL_ON_RETURN", "C7"),
        (THE_WORKER_DIES, "NO_NAMING", "C7"),
        (THE_MANAGER_DIES, "NO_ADOPTION", "C7"),
    ],
)
def test_a_promise_breaks_without(
    tmp_path: Path, faults: tuple[str, ...], defence: str, promise: str
) -> None:
    found = search(tmp_path, (*faults, defence), optimise="-O0", model=WORKERS)
    assert (found.errors, found.broken) == (1, [promise]), found.output
