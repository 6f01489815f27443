"""Many executions on one manager that nothing is done to: what it holds in memory stays level."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from cloudwright.model.execution import END_STATUSES
from cloudwright.storage.schema import executions
from cloudwright.storage.store import database_at

from .batch import await_ends
from .chaos_environment import ChaosEnvironment
from .processes import memory

#: How many run at once, and how much more may be held (MiB) after the second half than after the first.
AT_ONCE = 25
GROWTH = 12.0
STEPS = [{"operation": "chaos.act", "name": f"step{number}"} for number in range(3)]


def run_quiescence(rounds: int, say: Callable[[str], None] = print) -> list[str]:
    """Run so many executions, a third of them cancelled in each way; return what is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="cwquiet-"))
    environment = ChaosEnvironment(folder)
    try:
        environment.start()
        environment.upload()
        levels = [_run(environment, number) for number in range(rounds // AT_ONCE)]
        environment.stop()
    except BaseException:
        environment.abort()
        raise
    finally:
        shutil.rmtree(folder)
    say(f"{rounds} executions; MiB after each {AT_ONCE}: {', '.join(f'{level:.1f}' for level in levels)}")
    half = levels[len(levels) // 2]
    return [f"memory grew from {half:.1f} to {levels[-1]:.1f} MiB"] if levels[-1] > half + GROWTH else []


def _run(environment: ChaosEnvironment, number: int) -> float:
    client = environment.client()
    parameters = {"event_log": str(environment.event_log), "steps": STEPS}
    ids = []
    for place in range(AT_ONCE):
        deployment = f"quiet{place}"
        if number == 0:
            client.deployments.create(deployment, blueprint_id="chaos")
        workflow = ("chain", "spinning", "polite")[place % 3]
        ids.append(client.executions.start(workflow, deployment, parameters=parameters)["id"])
    for id in ids[1::3]:
        client.executions.cancel(id, "force-cancel" if number % 2 else "kill")
    await_ends(environment, set(ids), 120, idle=True)
    with database_at(environment.database_url).reading.connect() as conn:
        left = conn.execute(select(executions.c.id).where(executions.c.status.not_in(END_STATUSES))).all()
    assert not left, f"they did not end: {left}"
    assert environment.process is not None
    return memory(environment.process.pid)
