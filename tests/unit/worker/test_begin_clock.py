"""The seconds within which `go` counts."""

from __future__ import annotations

import pytest

from cloudwright.worker.begin_clock import BEGIN_SECONDS, is_fresh, now

ASKED = (1000.0, 500.0, 1.0e9)


@pytest.mark.parametrize("clock", range(3))
@pytest.mark.parametrize("jump", [BEGIN_SECONDS, 3600.0, -1.0])
def test_one_clock_that_jumped_is_enough_to_ask_again(clock: int, jump: float) -> None:
    later = tuple(value + (jump if place == clock else 0.1) for place, value in enumerate(ASKED))
    assert not is_fresh(ASKED, lambda: (later[0], later[1], later[2]))


def test_a_moment_later_it_counts() -> None:
    assert is_fresh(ASKED, lambda: (1000.1, 500.1, 1.0e9 + 0.1))
    asked = now()
    assert is_fresh(asked)
