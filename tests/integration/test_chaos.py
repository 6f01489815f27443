"""A short run of the fault injector; `make chaos` runs as many rounds as are wanted, from any seed."""

from __future__ import annotations

import pytest

from chaos.running import run_rounds


@pytest.mark.timeout(1800)
def test_nothing_that_is_promised_breaks_in_two_hundred_rounds() -> None:
    said: list[str] = []
    outcome = run_rounds(200, seed=20261101, say=said.append, busy=False)
    assert outcome.violations == [], "\n".join(said)
    # It did what it is for: executions ended, were cancelled and resumed, and managers died meanwhile.
    assert outcome.ends >= outcome.rounds >= 200
    assert outcome.lives > 10
    # Deployments were scaled, healed and updated among it.
    assert outcome.done["made a part"] > 20
    # Plugins were installed, the clock was set, and zygotes were stopped.
    assert outcome.done["installer"] > 0
    assert outcome.done["clock_set"] > 0
    assert outcome.done["stop workflows zygote"] + outcome.done["stop operations zygote"] > 0
