"""Who dies with whom: signals to groups, zygotes and managers killed with kill -9, and what is meant to live
on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from observing import (
    HERE,
    PATIENCE,
    WAYS,
    Runs,
    end_group,
    fork,
    in_loop,
    in_uvloop,
    is_dead,
    soon,
    start_zygote,
    wait_dead,
)

import cloudwright
from cloudwright.errors import Unavailable
from cloudwright.process import orphans, zygote_start
from cloudwright.process.process_table import child_key
from cloudwright.process.supervisor import ExitStatus

on_every_loop = pytest.mark.parametrize("runs", [in_loop, in_uvloop], ids=["asyncio", "uvloop"])


@in_loop
async def test_a_signal_ends_a_child() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "wait")
    await recorder.first_frame()
    child.signal(signal.SIGTERM)
    assert await soon(child.exit) == ExitStatus(signal=15)
    await soon(child.tree_gone)
    child.signal(signal.SIGTERM)


@in_loop
async def test_a_signal_right_after_the_fork_is_not_lost() -> None:
    zygote = await start_zygote()
    for _ in range(200):
        child, _ = await fork(zygote, "wait")
        child.signal(signal.SIGTERM)
        assert await soon(child.exit) == ExitStatus(signal=15)
        await soon(child.tree_gone)


@in_loop
async def test_a_child_that_ignores_sigterm_obeys_sigkill() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "ignore_sigterm")
    await recorder.first_frame()
    child.signal(signal.SIGTERM)
    other, _ = await fork(zygote, "nothing")
    await soon(other.exit)
    assert not child.exit.done()
    child.signal(signal.SIGKILL)
    assert await soon(child.exit) == ExitStatus(signal=9)


@on_every_loop
def test_a_child_outlives_a_sigterm_for_as_long_as_what_it_started_does(runs: Runs) -> None:
    async def test() -> None:
        zygote = await start_zygote()
        child, recorder = await fork(zygote, "have_a_family")
        leader, *others = (await recorder.first_frame())["pids"]
        child.signal(signal.SIGTERM)
        other, _ = await fork(zygote, "nothing")
        await soon(other.exit)
        assert not child.exit.done()
        for pid in others:
            os.kill(pid, signal.SIGKILL)
        # Alone now, and it does not end by itself: it gets a SIGTERM of its own.
        assert await soon(child.exit) == ExitStatus(signal=15)
        await soon(child.tree_gone)
        assert is_dead(leader)

    runs(test)()


@on_every_loop
def test_a_child_is_gone_when_the_last_of_what_it_started_is(runs: Runs) -> None:
    async def test() -> None:
        zygote = await start_zygote()
        child, recorder = await fork(zygote, "have_a_family")
        pids = (await recorder.first_frame())["pids"]
        child.signal(signal.SIGTERM)
        child.signal(signal.SIGKILL)
        await soon(child.tree_gone)
        assert [is_dead(pid) for pid in pids] == [True, True, True]

    runs(test)()


@pytest.mark.parametrize("way", WAYS)
def test_a_dead_process_that_nobody_waits_for_keeps_nobody(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        child, recorder = await fork(zygote, "leave_a_dead_one_unreaped")
        told = await recorder.first_frame()
        child.signal(signal.SIGKILL)
        await soon(child.tree_gone)
        assert all(is_dead(pid) for pid in [*told["pids"], told["careless"]])

    test()


def _served(count: Path) -> None:
    """Wait until a server, printing all the while, has served again and again."""
    before = count.stat().st_size
    deadline = time.monotonic() + PATIENCE
    while count.stat().st_size < before + 20:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _drain_of(server: int) -> int:
    """The process that reads what a server prints: wait until there is one."""
    pipe = os.readlink(f"/proc/{server}/fd/1")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.readlink(folder / "fd/0") == pipe:
                    return int(folder.name)
    raise AssertionError("nobody reads it")


@on_every_loop
def test_what_a_child_leaves_running_survives_its_end_and_an_orderly_close(
    runs: Runs, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    count.touch()

    async def test() -> None:
        zygote = await start_zygote()
        child, recorder = await fork(zygote, "leave_a_server", env={"COUNT": str(count)})
        assert await soon(child.exit) == ExitStatus(code=0)
        server = recorder.frames[0]["result"]
        told = len(recorder.told)
        _served(count)
        assert not child.tree_gone.done()
        await zygote.close()
        # What it prints is not told any more, but it does not die of that.
        _served(count)
        assert len(recorder.told) == told
        drain = _drain_of(server)
        end_group(child.pid)
        wait_dead(drain)

    runs(test)()


@in_loop
async def test_the_end_of_what_was_left_running_is_told() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "leave_a_server")
    await soon(child.exit)
    assert not child.tree_gone.done()
    child.signal(signal.SIGTERM)
    await soon(child.tree_gone)
    assert is_dead(recorder.frames[0]["result"])


@pytest.mark.parametrize("way", WAYS)
def test_a_daemon_of_a_child_that_has_ended_is_not_touched(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        child, recorder = await fork(zygote, "leave_a_daemon")
        await soon(child.exit)
        daemon = recorder.frames[0]["result"]
        other, of_other = await fork(zygote, "have_a_family")
        await of_other.first_frame()
        other.signal(signal.SIGKILL)
        await soon(other.tree_gone)
        await zygote.close()
        assert not is_dead(daemon)
        os.kill(daemon, signal.SIGKILL)
        wait_dead(daemon)

    test()


@in_loop
async def test_closing_kills_what_runs() -> None:
    zygote = await start_zygote()
    _, recorder = await fork(zygote, "have_a_family")
    pids = (await recorder.first_frame())["pids"]
    many = [await fork(zygote, "ignore_sigterm") for _ in range(20)]
    await zygote.close()
    await zygote.close()
    assert all(is_dead(pid) for pid in [*pids, zygote.pid])
    assert recorder.exits == [ExitStatus(signal=9)]
    for other, of_other in many:
        assert other.exit.result() == ExitStatus(signal=9)
        assert of_other.exits == [ExitStatus(signal=9)]


@in_loop
async def test_a_zygote_takes_no_notice_of_a_terminals_signals() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "echo")
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(zygote.pid, signum)
    child.send({"type": "a"})
    await recorder.first_frame()
    other, _ = await fork(zygote, "nothing")
    assert await soon(other.exit) == ExitStatus(code=0)
    assert os.getsid(zygote.pid) != os.getsid(0)


@on_every_loop
def test_when_a_zygote_is_killed_its_children_die_and_everybody_is_told(runs: Runs) -> None:
    async def test() -> None:
        zygote = await start_zygote()
        child, recorder = await fork(zygote, "have_a_family")
        pids = (await recorder.first_frame())["pids"]
        served, of_served = await fork(zygote, "leave_a_server")
        await soon(served.exit)
        server = of_served.frames[0]["result"]
        _drain_of(server)
        os.kill(zygote.pid, signal.SIGKILL)
        forking = asyncio.ensure_future(fork(zygote, "wait"))
        assert "signal 9 (SIGKILL)" in await soon(zygote.died)
        assert recorder.told[-1] == ("exited", ExitStatus(signal=9))
        assert child.fault == "its zygote test died"
        assert child.tree_gone.done()
        assert all(is_dead(pid) for pid in pids)
        with pytest.raises(Unavailable):
            await soon(forking)
        with pytest.raises(Unavailable):
            await fork(zygote, "nothing")
        # What was left running on purpose has nobody but the supervisor now.
        assert not is_dead(server)
        assert not served.tree_gone.done()
        served.signal(signal.SIGKILL)
        await soon(served.tree_gone)
        assert is_dead(server)

    runs(test)()


@on_every_loop
def test_a_zygote_killed_in_the_middle_of_forks_leaves_nobody_untold(runs: Runs) -> None:
    # Found: a child that was just forked held the zygote's socket open, so that its reader stayed registered
    # under the number of the next zygote's socket; and an end that was heard but not told yet was told twice.
    async def test() -> None:
        for round_ in range(20):
            zygote = await start_zygote()
            entries = ["nothing", "wait", "leave_at_once", "have_a_family"]
            forking = [asyncio.ensure_future(fork(zygote, entry)) for entry in entries]
            for _ in range(round_):
                await asyncio.sleep(0)
            os.kill(zygote.pid, signal.SIGKILL)
            outcomes = await asyncio.gather(*forking, return_exceptions=True)
            await soon(zygote.died)
            for outcome in outcomes:
                if isinstance(outcome, tuple):
                    child, recorder = outcome
                    await soon(child.exit)
                    child.signal(signal.SIGKILL)
                    await soon(child.tree_gone)
                    assert len(recorder.exits) == 1
                else:
                    assert isinstance(outcome, Unavailable)

    runs(test)()


@in_loop
async def test_a_group_that_was_to_end_ends_with_its_zygote() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "have_a_family")
    _, *others = (await recorder.first_frame())["pids"]
    child.signal(signal.SIGTERM)
    os.kill(zygote.pid, signal.SIGKILL)
    await soon(zygote.died)
    assert child.tree_gone.done()
    assert all(is_dead(pid) for pid in others)


@in_loop
async def test_what_a_zygote_prints_before_it_dies_is_in_the_reason(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("import sys\nprint('a warning of a library', file=sys.stderr)\n")
    zygote = await cloudwright.process.supervisor.Zygote.start(
        name="loud", path=[str(tmp_path)], preload=["loud"]
    )
    os.kill(zygote.pid, signal.SIGKILL)
    reason = await soon(zygote.died)
    assert reason == "Zygote loud ended with signal 9 (SIGKILL). The last it printed:\na warning of a library"


@pytest.mark.parametrize("way", WAYS)
def test_the_close_of_a_zygote_waits_no_longer_than_its_children_live(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("cloudwright.process.supervisor.DEATH_SECONDS", 3600.0)

    async def test() -> None:
        zygote = await start_zygote(way=way)
        for _ in range(5):
            child, recorder = await fork(zygote, "wait")
            await recorder.first_frame()
        await soon(zygote.close())
        assert child.exit.done()

    in_loop(test)()


MANAGER = """
import asyncio, json, sys
sys.path.insert(0, {here!r})
from observing import fork, start_zygote

async def main():
    zygote = await start_zygote()
    pids = []
    for number in range(3):
        child, recorder = await fork(zygote, "have_a_family", name={name!r})
        pids += (await recorder.first_frame())["pids"]
    name, count = {name!r} + " served", {count!r}
    child, recorder = await fork(zygote, "leave_a_server", name=name, env={{"COUNT": count}})
    await child.exit
    server = recorder.frames[0]["result"]
    entry = "start_one_that_loses_its_first_thread"
    child, recorder = await fork(zygote, entry, name={name!r} + " threaded")
    await recorder.until(lambda told: "ready" in told.printed)
    running = {{"zygote": zygote.pid, "pids": pids, "server": server}}
    print(json.dumps(running | {{"threaded": int(recorder.printed.split()[0])}}), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def _manager(name: str, count: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """A manager of its own, with children that run and one that left a server."""
    source = str(Path(cloudwright.__file__).parent.parent)
    manager = subprocess.Popen(
        [sys.executable, "-c", MANAGER.format(here=HERE, name=name, count=str(count))],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert manager.stdout is not None
    with manager.stdout:
        return manager, json.loads(manager.stdout.readline())


@pytest.mark.parametrize("stopped", [False, True], ids=["", "with its zygote stopped"])
def test_when_a_manager_is_killed_everything_of_it_dies_but_what_was_left_on_purpose(
    tmp_path: Path, stopped: bool
) -> None:
    count = tmp_path / "count"
    count.touch()
    manager, running = _manager(f"test {os.getpid()} managed", count)
    if stopped:
        os.kill(running["zygote"], signal.SIGSTOP)
    manager.kill()
    manager.wait()
    wait_dead(running["zygote"], *running["pids"], running["threaded"])
    _served(count)
    end_group(os.getpgid(running["server"]))


@in_loop
async def test_what_survives_a_manager_and_its_zygote_is_found_and_killed(tmp_path: Path) -> None:
    name = f"test {os.getpid()} orphaned"
    manager, running = _manager(name, tmp_path / "count")
    os.kill(running["zygote"], signal.SIGSTOP)
    manager.kill()
    os.kill(running["zygote"], signal.SIGKILL)
    manager.wait()
    leaders = running["pids"][::3]
    left = sorted(set(running["pids"]) - set(leaders))
    wait_dead(running["zygote"], *leaders)
    assert not any(is_dead(pid) for pid in left)
    found = await asyncio.to_thread(orphans.find, {child_key(name): name})
    assert {orphan.name for orphan in found} == {name}
    assert sorted({pid for orphan in found for pid in orphan.pids}) == left
    assert await orphans.kill(found) == []
    assert all(is_dead(pid) for pid in left)
    assert orphans.find({child_key(name): name}) == []
    others = [name + " served", name + " threaded"]
    await orphans.kill(orphans.find({child_key(other): other for other in others}))


@in_loop
async def test_a_kill_does_not_wait_for_a_stopped_zygote_which_is_replaced() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "have_a_family")
    pids = (await recorder.first_frame())["pids"]
    os.kill(zygote.pid, signal.SIGSTOP)
    child.signal(signal.SIGKILL)
    await asyncio.to_thread(wait_dead, *pids)
    # It does not say so: it is killed for that.
    assert await soon(child.exit) == ExitStatus(signal=9)
    await soon(child.tree_gone)
    assert "signal 9 (SIGKILL)" in await soon(zygote.died)


def test_a_zygote_that_is_stopped_while_it_starts_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn = zygote_start.spawn

    def spawn_and_stop(name: str, python: str, env: Mapping[str, str]) -> Any:
        spawned = spawn(name, python, env)
        os.kill(spawned[0].pid, signal.SIGSTOP)
        return spawned

    monkeypatch.setattr(zygote_start, "spawn", spawn_and_stop)

    @in_loop
    async def test() -> None:
        with pytest.raises(Unavailable, match="SIGKILL"):
            await soon(start_zygote())

    test()


@in_loop
async def test_what_is_to_be_forked_by_a_stopped_zygote_is_refused() -> None:
    zygote = await start_zygote()
    os.kill(zygote.pid, signal.SIGSTOP)
    with pytest.raises(Unavailable, match=r"its zygote test ended with signal 9 \(SIGKILL\)"):
        await soon(fork(zygote, "wait"))
