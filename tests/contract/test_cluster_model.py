"""The model of two managers over one database (docs/contributing/model/cluster.pml): it keeps its promises in
every state that it can reach, and breaks one as soon as a defence is taken out.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cancellation_model import MODEL, search

CLUSTER = MODEL.with_name("cluster.pml")

#: Where a search has to have been.
REACHED = {
    "rest",
    "a manager that did not renew is ended",
    "a renewal is lost",
    "an end that came too late",
    "forced by its owner",
    "a zygote passed its deadline",
    "left by a stopped zygote",
    "taken over while it ran",
    "run again by the other",
    "forced by the other",
    "a message is lost",
}


def test_every_promise_holds_in_every_state(tmp_path: Path) -> None:
    found = search(tmp_path, (), model=CLUSTER)
    assert (found.errors, found.broken) == (0, []), found.output
    assert found.exhaustive, found.output
    assert found.reached >= REACHED
    assert found.states > 10_000


@pytest.mark.parametrize(
    ("defence", "promise"),
    [
        ("NO_LEASE", "C8"),
        ("NO_MARGIN", "C8"),
        ("NO_MANAGER_TIMER", "C8"),
        ("NO_ZYGOTE_TIMER", "C8"),
        ("NO_TIME_OF_SENDING", "C8"),
        ("NO_STATUS_IN_BEGIN", "C2"),
        ("NO_ATTEMPT_IN_END", "truth"),
        ("NO_RECONCILE", "C3"),
    ],
)
def test_a_promise_breaks_without(tmp_path: Path, defence: str, promise: str) -> None:
    found = search(tmp_path, (defence,), optimise="-O0", model=CLUSTER)
    assert (found.errors, found.broken) == (1, [promise]), found.output
