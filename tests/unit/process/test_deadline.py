"""Deadlines: what a zygote runs ends when nobody extends its time, whoever is stopped meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from observing import HERE, end_group, fork, in_loop, soon, start_zygote, wait_dead

from cloudwright.errors import Unavailable
from cloudwright.process.boottime import boottime
from cloudwright.process.supervisor import ExitStatus

#: No test waits for it.
LATER = 3600.0


@in_loop
async def test_a_zygote_whose_deadline_passes_ends_all_that_it_runs() -> None:
    zygote = await start_zygote()
    zygote.extend(boottime() + LATER, boottime() + LATER)
    child, recorder = await fork(zygote, "have_a_family")
    pids = (await recorder.first_frame())["pids"]
    assert not child.ended
    zygote.extend(boottime() + 0.05, boottime() + LATER)
    assert await soon(child.exit) == ExitStatus(signal=9)
    await asyncio.to_thread(wait_dead, *pids)
    assert "did not extend its deadline" in await soon(zygote.died)
    with pytest.raises(Unavailable, match="has ended"):
        await fork(zygote, "nothing")


@in_loop
async def test_a_deadline_that_is_extended_does_not_pass() -> None:
    zygote = await start_zygote()
    zygote.extend(boottime() + 0.2, boottime() + 0.2)
    zygote.extend(boottime() + LATER, boottime() + LATER)
    child, _ = await fork(zygote, "wait")
    await asyncio.sleep(0.4)  # both earlier times are over
    other, _ = await fork(zygote, "nothing")
    assert await soon(other.exit) == ExitStatus(code=0)
    assert not child.ended
    child.signal(signal.SIGKILL)
    await soon(child.exit)


@in_loop
async def test_a_child_of_a_stopped_zygote_dies_with_it_at_the_last_deadline() -> None:
    zygote = await start_zygote()
    child, _ = await fork(zygote, "wait")
    zygote.extend(boottime() + 0.4, boottime() + 0.5)
    # It was read when another child is there.
    other, _ = await fork(zygote, "nothing")
    await soon(other.exit)
    os.kill(zygote.pid, signal.SIGSTOP)
    assert "signal 9 (SIGKILL)" in await soon(zygote.died)
    await asyncio.to_thread(wait_dead, child.pid)


@in_loop
async def test_a_deadline_that_is_over_ends_a_zygote_before_it_forks() -> None:
    zygote = await start_zygote()
    zygote.extend(boottime() - 1, boottime() + LATER)
    await soon(zygote.died)
    with pytest.raises(Unavailable):
        await fork(zygote, "nothing")


_STOPPED = """
import os, signal
from cloudwright.process.boottime import KillTimer, boottime
timer = KillTimer()
timer.set(boottime() + 3600)
timer.set(boottime() + 0.1)
print(os.getpid(), flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
print("went on", flush=True)
"""


def test_the_kernel_ends_a_stopped_process_at_its_time() -> None:
    source = str(Path(HERE).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", _STOPPED],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert done.returncode == -signal.SIGKILL
    assert "went on" not in done.stdout


@in_loop
async def test_what_children_left_on_purpose_outlives_the_deadline(tmp_path: Path) -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "leave_a_server", env={"COUNT": str(tmp_path / "count")})
    await soon(child.exit)
    group = os.getpgid(recorder.frames[0]["result"])
    zygote.extend(boottime() + 0.02, boottime() + LATER)
    await soon(zygote.died)
    os.killpg(group, 0)
    end_group(group)
