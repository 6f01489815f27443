"""What is left when a zygote, or a manager with its zygotes, was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time

import pytest
from observing import WAYS, fork, in_loop, is_dead, open_cgroups, soon, start_zygote, wait_dead

from cloudwright.process import orphans
from cloudwright.process.process_table import child_key, mark, process_identity, send
from cloudwright.process.process_tree import MarkedTree, kill_trees


def test_a_signal_does_not_reach_a_later_process_of_the_same_number() -> None:
    process = subprocess.Popen(["sleep", "600"])
    identity = process_identity(process.pid)
    assert identity is not None
    send((identity[0], identity[1] - 1), signal.SIGKILL)
    assert process.poll() is None
    send(identity, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert process_identity(process.pid) is None
    send(identity, signal.SIGKILL)


@pytest.mark.parametrize("way", WAYS)
def test_what_children_started_is_found_by_their_names_and_ended(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        name = f"test {os.getpid()} found ü"
        child, recorder = await fork(zygote, "have_a_family", name=name)
        pids = (await recorder.first_frame())["pids"]
        other, of_other = await fork(zygote, "wait")
        await of_other.first_frame()
        found = orphans.find({child_key(name): name}, open_cgroups())
        assert {orphan.name for orphan in found} == {name}
        assert {pid for orphan in found for pid in orphan.pids} == set(pids)
        assert await orphans.kill(found) == []
        await soon(child.exit)
        assert all(is_dead(pid) for pid in pids)
        assert orphans.find({child_key(name): name}, open_cgroups()) == []
        assert not other.exit.done()

    test()


@pytest.mark.parametrize("way", WAYS)
def test_what_an_earlier_attempt_left_running_is_not_found_with_a_later_one(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        name = f"test {os.getpid()} attempts"
        first, of_first = await fork(zygote, "leave_a_daemon", name=name, attempt=1)
        await soon(first.exit)
        daemon = of_first.frames[0]["result"]
        second, recorder = await fork(zygote, "have_a_family", name=name, attempt=2)
        pids = (await recorder.first_frame())["pids"]
        found = orphans.find({child_key(name, 2): name}, open_cgroups())
        assert {pid for orphan in found for pid in orphan.pids} == set(pids)
        second.signal(signal.SIGKILL)
        await soon(second.tree_gone)
        assert not is_dead(daemon)
        os.kill(daemon, signal.SIGKILL)
        wait_dead(daemon)

    test()


@in_loop
async def test_members_that_appear_during_the_kill_are_killed_too() -> None:
    zygote = await start_zygote(way="process tree")
    name = f"test {os.getpid()} breed"
    child, recorder = await fork(zygote, "breed", name=name)
    await recorder.first_frame()
    assert await orphans.kill(orphans.find({child_key(name): name})) == []
    await soon(child.exit)
    assert orphans.find({child_key(name): name}) == []


@in_loop
async def test_a_tree_that_cannot_be_killed_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    zygote = await start_zygote(way="process tree")
    name = f"test {os.getpid()} stubborn"
    child, recorder = await fork(zygote, "wait", name=name)
    await recorder.first_frame()
    tree = MarkedTree(name, child_key(name), None, None)
    with monkeypatch.context() as patched:
        patched.setattr(MarkedTree, "kill", lambda self, members: None)
        assert await asyncio.to_thread(kill_trees, [tree], time.monotonic() + 0.1) == [tree]
    assert await asyncio.to_thread(kill_trees, [tree], time.monotonic() + 30) == []
    await soon(child.exit)


def test_marks_are_no_limits_that_anyone_would_set() -> None:
    assert mark("a.1") != mark("a.2")
    assert 2**56 <= mark("a.1") < 2**62
