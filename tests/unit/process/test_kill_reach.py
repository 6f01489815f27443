"""What a kill reaches: everything that a running operation started, however it was started."""

from __future__ import annotations

import asyncio
import itertools
import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from observing import PATIENCE, WAYS, fork, in_loop, open_cgroups, soon, start_zygote
from test_runner import ID, Books

from cloudwright.process import orphans
from cloudwright.process.process_table import child_key
from cloudwright.process.runner import Runner

_numbers = itertools.count(1)

#: Shell code that starts ``sleep $S`` in one of many ways, and how many of them there are then.
STARTS = {
    "plainly": ("sleep $S", 1),
    "below timeout": ("timeout 300 sleep $S", 1),
    "below timeout, in a pipe": ("timeout 300 sleep $S | cat", 1),
    "as jobs of a shell": ("set -m; sleep $S & sleep $S & (sleep $S | cat) & wait", 3),
    "in a session of its own": ("setsid sleep $S & wait", 1),
    "as a daemon": ("(setsid sh -c 'sleep $0 & sleep $0 & exec sleep $0' $S &) ; sleep $S", 4),
    "without an environment": ("env -i sleep $S", 1),
    "as a daemon without an environment": ("(env -i setsid sh -c 'sleep '$S' & exit' &) ; sleep $S", 2),
    "without hang-up": ("nohup sleep $S >/dev/null 2>&1 & sleep $S", 2),
    "stopped": ("sleep $S & until grep -q sleep /proc/$!/comm; do :; done; kill -STOP $!; wait", 1),
    "by a coprocess": ("coproc sleep $S; wait", 1),
    "with its name changed": ("(exec -a '[kworker/0:1]' sleep $S); true", 1),
    "by xargs in parallel": ("printf '%s\\n' $S $S $S | setsid xargs -P 3 -n 1 sleep", 3),
    "ignoring what can be ignored": ("trap '' TERM HUP INT QUIT; (setsid sleep $S &); sleep $S", 2),
}


def sleepers(seconds: str) -> list[int]:
    """The living processes that sleep for exactly so long."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if arguments[1:2] == [seconds.encode()] and (folder / "stat").read_bytes().split()[2] != b"Z":
                found.append(int(folder.name))
    return found


def a_time() -> str:
    """How long to sleep: no other test's number."""
    return f"600.{os.getpid()}{next(_numbers):04d}"


async def until_asleep(seconds: str, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(sleepers(seconds)) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", STARTS)
def test_a_kill_ends_what_was_started(how: str, way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        code, count = STARTS[how]
        seconds = a_time()
        books = Books()
        runner = Runner(books, kill_grace=0.2)
        await runner.run(zygote, ID, {}, entry="unruly:run_shell", env={"CODE": code, "S": seconds})
        await until_asleep(seconds, count)
        assert await soon(runner.kill(ID, "the user asked"))
        assert sleepers(seconds) == []
        assert (await books.end()).tree_gone

    test()


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_ends_a_program_in_a_session_of_its_own_without_an_environment(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        seconds = a_time()
        child, _ = await fork(zygote, "start_new_session", env={"SECONDS": seconds})
        await until_asleep(seconds, 1)
        child.signal(signal.SIGKILL)
        await soon(child.tree_gone)
        assert sleepers(seconds) == []

    test()


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_ends_what_is_left_of_one_whose_own_process_died(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        seconds = a_time()
        books = Books()
        code = "(env -i setsid sleep $S &) ; setsid sleep $S & kill -KILL $PPID; sleep $S"
        await Runner(books).run(zygote, ID, {}, entry="unruly:run_shell", env={"CODE": code, "S": seconds})
        end = await books.end()
        assert end.failure is not None
        assert end.failure.kind == "ProcessDied"
        assert end.tree_gone
        assert sleepers(seconds) == []

    test()


@pytest.mark.parametrize("way", WAYS)
def test_what_was_started_dies_with_its_zygote(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        code, count = STARTS["as a daemon without an environment"]
        seconds = a_time()
        child, _ = await fork(zygote, "run_shell", env={"CODE": code, "S": seconds})
        await until_asleep(seconds, count)
        os.kill(zygote.pid, signal.SIGKILL)
        await soon(zygote.died)
        assert sleepers(seconds) == []
        assert child.tree_gone.done()

    test()


@pytest.mark.parametrize("way", WAYS)
def test_what_was_started_is_found_when_nobody_knows_of_it_any_more(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        code, count = STARTS["as a daemon without an environment"]
        seconds, name = a_time(), f"test {os.getpid()} unknown"
        child, _ = await fork(zygote, "run_shell", env={"CODE": code, "S": seconds}, name=name, attempt=3)
        await until_asleep(seconds, count)
        found = orphans.find({child_key(name, 3): name}, open_cgroups())
        assert set(sleepers(seconds)) <= {pid for orphan in found for pid in orphan.pids}
        assert await orphans.kill(found) == []
        assert sleepers(seconds) == []
        await soon(child.exit)

    test()


@pytest.mark.parametrize("ends", ["kill", "timeout"])
@pytest.mark.parametrize("way", WAYS)
def test_what_cleans_up_at_sigterm_has_its_seconds_and_is_heard(way: str, ends: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        books = Books()
        runner = Runner(books, kill_grace=PATIENCE)
        code = "trap 'echo cleaning up; sleep 0.3; echo cleaned; exit 3' TERM; echo ready; sleep 600 & wait"
        limit: dict[str, Any] = {"timeout": 0.5} if ends == "timeout" else {}
        await runner.run(zygote, ID, {}, entry="unruly:run_shell", env={"CODE": code}, **limit)
        await books.line("ready")
        if ends == "kill":
            assert await soon(runner.kill(ID, "the user asked"))
        end = await books.end()
        assert [line for line in books.lines if line != "Terminated"] == ["ready", "cleaning up", "cleaned"]
        assert [signum for signum, _ in books.of("signalled")] == [signal.SIGTERM]
        assert end.exit_status is not None
        assert end.exit_status.code == 0
        assert end.tree_gone

    test()


@pytest.mark.parametrize("way", WAYS)
def test_a_process_that_forks_all_the_time_is_ended(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        seconds = a_time()
        books = Books()
        runner = Runner(books, kill_grace=0.1)
        code = "trap '' TERM; f() { sleep 0.01; f & f2=$!; setsid sleep $S & wait $f2; }; f & f & wait"
        await runner.run(zygote, ID, {}, entry="unruly:run_shell", env={"CODE": code, "S": seconds})
        await until_asleep(seconds, 20)
        assert await soon(runner.kill(ID, "the user asked"))
        assert sleepers(seconds) == []

    test()


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_ends_a_program_whose_first_thread_has_ended(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        books = Books()
        runner = Runner(books, kill_grace=0.2)
        await runner.run(zygote, ID, {}, entry="unruly:start_one_that_loses_its_first_thread")
        await books.line("ready")
        program = os.pidfd_open(int(books.lines[0]))
        try:
            assert await soon(runner.kill(ID, "the user asked"))
            ended, _, _ = select.select([program], [], [], 0)
            assert ended == [program]
        finally:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(program, signal.SIGKILL)
            os.close(program)

    test()


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_ends_what_is_in_a_cgroup_below_that_of_the_operation(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        seconds = a_time()
        books = Books()
        runner = Runner(books, kill_grace=PATIENCE)
        code = """
            own=$(sed -n s/^0:://p /proc/self/cgroup)
            inner=$LEAVES/${own##*/}/inner
            test -z "$LEAVES" || mkdir -p "$inner/innermost"
            move='test -z "$LEAVES" || echo $$ > "$1/innermost/cgroup.procs"'
            setsid sh -c "$move; exec sleep \\$0" $S "$inner" > /dev/null 2>&1 &
            wait
        """
        env = {"CODE": code, "S": seconds, "LEAVES": zygote.leaves or ""}
        await runner.run(zygote, ID, {}, entry="unruly:run_shell", env=env)
        await until_asleep(seconds, 1)
        assert await soon(runner.kill(ID, "the user asked"))
        assert sleepers(seconds) == []

    test()


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_ends_what_is_known_by_its_parent_only_which_ends_first(way: str) -> None:
    @in_loop
    async def test() -> None:
        zygote = await start_zygote(way=way)
        seconds = a_time()
        books = Books()
        runner = Runner(books, kill_grace=0.5)
        code = """
            (trap '' TERM; ulimit -x 1000; exec env -i setsid -w sleep $S > /dev/null 2>&1) &
            wait
        """
        await runner.run(zygote, ID, {}, entry="unruly:run_shell", env={"CODE": code, "S": seconds})
        await until_asleep(seconds, 1)
        assert await soon(runner.kill(ID, "the user asked"))
        assert sleepers(seconds) == []

    test()
