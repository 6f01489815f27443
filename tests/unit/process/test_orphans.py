from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from observing import fork, in_loop, is_dead, soon, start_zygote, wait_dead

from cloudwright.process import orphans
from cloudwright.process.orphans import OrphanGroup, process_identity


@in_loop
async def test_an_identity_tells_a_process_from_a_later_one_of_its_number() -> None:
    process = subprocess.Popen(["sleep", "600"], process_group=0)
    identity = process_identity(process.pid)
    assert identity is not None
    assert identity == process_identity(process.pid)
    (found,) = orphans.find(leaders=[identity])
    assert found == OrphanGroup(process.pid, None, (identity,))
    earlier = (identity[0], identity[1] - 1)
    assert orphans.find(leaders=[earlier]) == []
    # Not it: another had this number before.
    assert await orphans.kill([OrphanGroup(process.pid, None, (earlier,))]) == []
    assert process.poll() is None
    assert await orphans.kill([found]) == []
    # Dead, and not waited for.
    assert process_identity(process.pid) is None
    assert orphans.find(leaders=[identity]) == []
    process.wait()
    assert process_identity(process.pid) is None
    assert await orphans.kill([found]) == []


@in_loop
async def test_children_are_found_by_name_as_long_as_any_of_their_group_lives() -> None:
    zygote = await start_zygote()
    name = f"test {os.getpid()} found ü"
    child, recorder = await fork(zygote, "have_a_family", name=name)
    pids = (await recorder.first_frame())["pids"]
    other, of_other = await fork(zygote, "wait")
    await of_other.first_frame()
    (found,) = orphans.find([name])
    assert (found.pgid, found.name) == (child.pid, name)
    assert sorted(pid for pid, _ in found.members) == sorted(pids)
    child.signal(signal.SIGTERM)
    await soon(child.exit)
    (found,) = orphans.find(lambda candidate: candidate == name)
    assert sorted(pid for pid, _ in found.members) == sorted(pids[1:])
    assert await orphans.kill([found]) == []
    await soon(child.group_gone)
    assert not other.exit.done()


@in_loop
async def test_programs_that_a_child_runs_are_found_and_daemons_are_not_its_any_more() -> None:
    zygote = await start_zygote()
    name = f"test {os.getpid()} programs"
    served, of_served = await fork(zygote, "leave_a_server", name=name)
    daemonised, of_daemonised = await fork(zygote, "leave_a_daemon", name=name)
    await soon(served.exit)
    await soon(daemonised.group_gone)
    server, daemon = of_served.frames[0]["result"], of_daemonised.frames[0]["result"]
    (found,) = orphans.find([name])
    assert found.pgid == served.pid
    assert server in [pid for pid, _ in found.members]
    gone = asyncio.ensure_future(orphans.gone(found))
    assert await orphans.kill([found]) == []
    await soon(gone)
    await soon(served.group_gone)
    assert not is_dead(daemon)
    os.kill(daemon, signal.SIGKILL)
    wait_dead(daemon)


@in_loop
async def test_members_that_appear_during_the_kill_are_killed_too() -> None:
    zygote = await start_zygote()
    name = f"test {os.getpid()} breed"
    child, recorder = await fork(zygote, "breed", name=name)
    await recorder.first_frame()
    while not child.group_gone.done():
        # A look may miss a process that lives 10 ms; one that is met takes all with it.
        assert await orphans.kill(orphans.find([name])) == []
        await asyncio.sleep(0)
    assert child.exit.done()


@in_loop
async def test_a_group_that_cannot_be_killed_is_answered(monkeypatch) -> None:
    process = subprocess.Popen(["sleep", "600"], process_group=0)

    def refuse(group: int, signum: int) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", refuse)
        found = orphans.groups({process.pid: "sleeper"})
        assert await orphans.kill(found, timeout=0.05) == found
    assert await orphans.kill(found) == []
    process.wait()
