"""Children of a real zygote: how they live, what is heard of them, and how they end by themselves."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from observing import (
    Recorder,
    Runs,
    descriptors,
    fork,
    in_loop,
    in_uvloop,
    is_dead,
    resident_kilobytes,
    soon,
    start_zygote,
    wait_dead,
)

from cloudwright.errors import Unavailable
from cloudwright.process import child as child_module
from cloudwright.process.child import SEND_LIMIT
from cloudwright.process.supervisor import ChildSpec, ExitStatus, Zygote

on_every_loop = pytest.mark.parametrize("runs", [in_loop, in_uvloop], ids=["asyncio", "uvloop"])


@on_every_loop
def test_a_child_is_spoken_with_and_its_end_is_told_last(runs: Runs) -> None:
    async def test() -> None:
        zygote = await start_zygote()
        child, recorder = await fork(zygote, "echo")
        child.send({"type": "a", "number": 1, "text": "é"})
        assert await recorder.first_frame() == {
            "type": "echo",
            "message": {"type": "a", "number": 1, "text": "é"},
        }
        child.send({"type": "stop"})
        assert await soon(child.exit) == ExitStatus(code=0)
        await soon(child.tree_gone)
        assert [kind for kind, _ in recorder.told] == ["frame", "exited"]

    runs(test)()


@on_every_loop
def test_many_children_at_once(runs: Runs) -> None:
    async def test() -> None:
        zygote = await start_zygote()
        forked = await asyncio.gather(*(fork(zygote, "echo") for _ in range(100)))
        for number, (child, _) in enumerate(forked):
            child.send({"type": "n", "number": number})
            child.send({"type": "stop"})
        for number, (child, recorder) in enumerate(forked):
            assert await soon(child.exit) == ExitStatus(code=0)
            assert recorder.frames == [{"type": "echo", "message": {"type": "n", "number": number}}]
        assert len({child.pid for child, _ in forked}) == 100

    runs(test)()


@pytest.mark.parametrize(
    ("entry", "status", "described", "printed"),
    [
        ("nothing", ExitStatus(code=0), "exit code 0", ""),
        ("leave_with_3", ExitStatus(code=3), "exit code 3", "going\n"),
        ("leave_with_words", ExitStatus(code=1), "exit code 1", "no more of this\n"),
        ("leave_at_once", ExitStatus(code=7), "exit code 7", ""),
        ("die_by_segmentation_fault", ExitStatus(signal=11), "signal 11 (SIGSEGV)", ""),
    ],
)
@in_loop
async def test_how_it_ended_is_told(entry: str, status: ExitStatus, described: str, printed: str) -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, entry)
    assert await soon(child.exit) == status
    assert recorder.exits == [status]
    assert status.describe() == described
    assert recorder.printed == printed


@pytest.mark.parametrize(
    ("entry", "last"),
    [
        ("unruly:fail", "RuntimeError: an unruly child"),
        ("unruly:no_such_function", "AttributeError: module 'unruly' has no attribute 'no_such_function'"),
        ("no_such_module:main", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
@in_loop
async def test_what_an_entry_raises_is_printed_from_its_own_frame_on(entry: str, last: str) -> None:
    zygote = await start_zygote()
    recorder = Recorder()
    child = await zygote.fork(ChildSpec("test", entry), recorder)
    assert await soon(child.exit) == ExitStatus(code=1)
    assert recorder.printed.splitlines()[-1] == last
    assert "child_setup.py" not in recorder.printed


@in_loop
async def test_a_child_starts_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    zygote = await start_zygote()
    name = f"test {os.getpid()} ünï"
    child, recorder = await fork(
        zygote, "say_how_it_lives", name=name, env={"MINE": "yes"}, cwd=str(tmp_path), umask=0o027
    )
    life = await recorder.first_frame()
    assert life["session"] == life["group"] == life["pid"] == child.pid
    assert life["parent"] == zygote.pid
    assert life["death_signal"] == signal.SIGKILL
    assert life["blocked"] == 0
    python_ignores = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    # What the C library keeps for itself is nobody's to set.
    known = sum(1 << (signum - 1) for signum in signal.valid_signals())
    assert life["ignored"] & known == python_ignores
    assert sorted(life["descriptors"]) == ["0", "1", "2", "3"]
    assert life["descriptors"]["0"] == "/dev/null"
    assert life["descriptors"]["1"] == life["descriptors"]["2"]
    # A program that it runs has standard input, output and error, and what lists them: not the channel.
    assert life["descriptors_of_a_program"] == [0, 1, 2, 3]
    assert life["folder"] == str(tmp_path)
    assert life["umask"] == 0o027
    environment = life["environment"]
    assert environment["MINE"] == "yes"
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["CLOUDWRIGHT_CHILD"] == name
    assert environment["CLOUDWRIGHT_GROUP"] == str(child.pid)
    assert "secret" not in environment.values()
    assert life["command"] == f"cloudwright {name}"
    await soon(child.exit)


@in_loop
async def test_one_childs_environment_is_not_the_nexts() -> None:
    zygote = await start_zygote(env={"BASE": "zygote's"})
    _, first = await fork(zygote, "say_how_it_lives", env={"ONLY": "first", "BASE": "first's"})
    await first.first_frame()
    _, second = await fork(zygote, "say_how_it_lives")
    environment = (await second.first_frame())["environment"]
    assert environment["BASE"] == "zygote's"
    assert "ONLY" not in environment


@in_loop
async def test_what_a_child_forks_finds_the_locks_of_its_threads_free() -> None:
    zygote = await start_zygote()
    _, recorder = await fork(zygote, "fork_while_a_thread_logs")
    assert await recorder.first_frame() == {"type": "forked", "ended": 1}  # it has one thread


@in_loop
async def test_children_of_a_zygote_that_holds_a_random_generator_draw_different_numbers() -> None:
    zygote = await start_zygote()
    told = []
    for _ in range(2):
        _, recorder = await fork(zygote, "say_a_random_number")
        told.append(await recorder.first_frame())
    assert told[0]["number"] != told[1]["number"]
    assert [each["own_thread"] for each in told] == [True, True]


@in_loop
async def test_memory_is_limited() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "take_memory", memory_limit=256 * 2**20)
    assert await soon(child.exit) == ExitStatus(code=1)
    assert recorder.printed.splitlines()[-1] == "MemoryError"


@in_loop
async def test_reserved_memory_does_not_count_and_a_lower_limit_is_not_raised() -> None:
    zygote = await start_zygote()
    resource.prlimit(zygote.pid, resource.RLIMIT_DATA, (512 * 2**20, 512 * 2**20))
    for wanted, found in ((256 * 2**20, 256 * 2**20), (2**40, 512 * 2**20)):
        _, recorder = await fork(zygote, "reserve_memory", memory_limit=wanted)
        assert (await recorder.first_frame())["limit"] == found


@on_every_loop
def test_every_frame_from_before_the_exit_is_delivered(runs: Runs) -> None:
    async def test() -> None:
        zygote = await start_zygote()
        child, recorder = await fork(zygote, "flood_frames")
        child.send({"type": "begin", "count": 20_000})
        await soon(child.exit)
        assert [message["number"] for message in recorder.frames] == list(range(20_000))
        assert recorder.told[-1] == ("exited", ExitStatus(code=0))

    runs(test)()


@in_loop
async def test_frames_of_a_child_that_left_without_reading_its_own_are_delivered() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "answer_without_reading")
    for _ in range(10):
        child.send({"type": "never read"})
    await soon(child.exit)
    assert recorder.frames == [{"type": "answer"}]
    child.send({"type": "too late"})


@in_loop
async def test_a_child_that_closes_its_socket_is_watched_on(tmp_path: Path) -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "close_socket_and_wait", env={"UNTIL": str(tmp_path / "end")})
    assert await recorder.first_frame() == {"type": "closing"}
    for _ in range(3):
        child.send({"type": "nobody listens"})
        await asyncio.sleep(0)
    assert not child.exit.done()
    (tmp_path / "end").touch()
    assert await soon(child.exit) == ExitStatus(code=0)


@in_loop
async def test_a_child_that_closes_its_socket_and_goes_on_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "HANG_UP_SECONDS", 0.05)
    zygote = await start_zygote()
    child, _ = await fork(zygote, "close_socket_and_wait", env={"UNTIL": "/does/not/exist"})
    assert await soon(child.exit) == ExitStatus(signal=9)
    assert child.fault == "it closed its connection to its supervisor and continued to run"


@in_loop
async def test_paused_frames_wait_and_are_delivered_at_the_end_at_the_latest() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "echo")
    child.pause()
    child.send({"type": "a"})
    other, of_other = await fork(zygote, "echo")
    other.send({"type": "b"})
    await of_other.first_frame()
    assert recorder.frames == []
    child.resume()
    await recorder.first_frame()
    child.pause()
    child.send({"type": "c"})
    child.send({"type": "stop"})
    await soon(child.exit)
    assert len(recorder.frames) == 2


@pytest.mark.parametrize(
    ("entry", "before", "fault"),
    [
        ("say_more_than_fits", [], "a frame has 4294967295 bytes"),
        ("say_garbage", [{"type": "before"}], "is not JSON"),
    ],
)
@in_loop
async def test_a_child_that_breaks_the_protocol_is_killed(
    entry: str, before: list[dict[str, Any]], fault: str
) -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, entry)
    assert await soon(child.exit) == ExitStatus(signal=9)
    assert recorder.frames == before
    assert child.fault is not None
    assert fault in child.fault


@on_every_loop
def test_large_frames_pass_both_ways(runs: Runs) -> None:
    async def test() -> None:
        zygote = await start_zygote()
        child, recorder = await fork(zygote, "send_large")
        await soon(child.exit)
        assert [len(message.get("text", "")) for message in recorder.frames] == [60 * 1024 * 1024, 0]
        child, recorder = await fork(zygote, "echo")
        child.send({"type": "large", "text": "y" * (20 * 1024 * 1024)})
        child.send({"type": "stop"})
        await soon(child.exit)
        assert len(recorder.frames[0]["message"]["text"]) == 20 * 1024 * 1024

    runs(test)()


@in_loop
async def test_a_child_that_never_reads_blocks_nobody_and_costs_a_bounded_amount() -> None:
    zygote = await start_zygote()
    child, recorder = await fork(zygote, "wait")
    await recorder.first_frame()
    frame = {"type": "x", "text": "x" * 2**20}
    sent = 0
    while child.fault is None:
        child.send(frame)
        sent += 1
        assert sent * 2**20 <= SEND_LIMIT + 2 * 2**20
    assert "does not read" in child.fault
    assert await soon(child.exit) == ExitStatus(signal=9)
    child.send(frame)


@in_loop
async def test_output_that_is_a_lot_and_no_text_passes_through() -> None:
    zygote = await start_zygote()
    before = resident_kilobytes()
    size, last = 0, b""

    class Counter(Recorder):
        def output(self, data: bytes) -> None:
            nonlocal size, last
            size += len(data)
            last = (last + data)[-20:]

    child = await zygote.fork(ChildSpec("test", "unruly:print_a_lot"), Counter())
    await soon(child.exit)
    assert size == 480 * 64 * 1024 + len("\nthe last line\n")
    assert last.endswith(b"\nthe last line\n")
    assert resident_kilobytes() - before < 8 * 1024


@in_loop
async def test_an_observer_that_raises_misses_nothing_that_follows() -> None:
    zygote = await start_zygote()
    raised = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: raised.append(context["exception"])
    )

    class Clumsy(Recorder):
        def frame(self, message: dict[str, Any]) -> None:
            super().frame(message)
            raise ValueError(message["number"])

    recorder = Clumsy()
    child = await zygote.fork(ChildSpec("test", "unruly:flood_frames"), recorder)
    child.send({"type": "begin", "count": 3})
    await soon(child.exit)
    assert [message["number"] for message in recorder.frames] == [0, 1, 2]
    assert [error.args for error in raised] == [(0,), (1,), (2,)]
    assert recorder.exits == [ExitStatus(code=0)]


@in_loop
async def test_what_is_not_json_is_refused_by_send() -> None:
    zygote = await start_zygote()
    child, _ = await fork(zygote, "echo")
    with pytest.raises(TypeError):
        child.send({"type": "x", "value": object()})
    child.send({"type": "stop"})
    assert await soon(child.exit) == ExitStatus(code=0)


@in_loop
async def test_a_fork_that_nobody_waits_for_any_more_leaves_no_process() -> None:
    zygote = await start_zygote()
    recorder = Recorder()
    name = f"test {os.getpid()} unwanted"
    for _ in range(20):
        task = asyncio.ensure_future(zygote.fork(ChildSpec(name, "unruly:wait"), recorder))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    child, _ = await fork(zygote, "nothing")
    await soon(child.exit)
    assert recorder.told == []


@in_loop
async def test_a_child_that_cannot_be_forked_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zygote = await start_zygote()
    recorder = Recorder()
    with pytest.raises(Unavailable, match="its environment is too large"):
        await zygote.fork(ChildSpec("test", "unruly:nothing", env={"A": "x" * 200_000}), recorder)

    def no_pipe() -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pipe", no_pipe)
        with pytest.raises(Unavailable, match="Too many open files"):
            await zygote.fork(ChildSpec("test", "unruly:nothing"), recorder)
    assert recorder.told == []
    await zygote.close()
    with pytest.raises(Unavailable, match="has ended"):
        await zygote.fork(ChildSpec("test", "unruly:nothing"), recorder)


@pytest.mark.parametrize("name", ["", "x" * 129, "a\0b"])
def test_a_name_that_could_not_be_found_again_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        ChildSpec(name, "unruly:nothing")


@in_loop
async def test_a_zygote_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        await Zygote.start(name="test", python=str(tmp_path / "python"))
    with pytest.raises(Unavailable, match="No module named 'no_such_module'"):
        await Zygote.start(name="test", preload=["no_such_module"])
    with pytest.raises(Unavailable, match="has no attribute 'no_such_function'"):
        await Zygote.start(name="test", rehearse="json:no_such_function")
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho this is no interpreter; exit 3\n")
    broken.chmod(0o755)
    with pytest.raises(Unavailable, match=r"exit code 3.*\n.*this is no interpreter"):
        await Zygote.start(name="test", python=str(broken))


@in_loop
async def test_a_start_that_is_cancelled_leaves_no_process() -> None:
    task = asyncio.ensure_future(start_zygote())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@in_loop
async def test_an_interpreter_finds_the_runtime_and_none_of_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(
        "import sys\n"
        "def main(channel):\n"
        "    channel.send({'type': 'path', 'path': sys.path, 'modules': sorted(sys.modules)})\n"
    )
    zygote = await Zygote.start(name="test", path=[str(tmp_path)], env={"PATH": "/usr/bin"})
    recorder = Recorder()
    child = await zygote.fork(ChildSpec("test", "probe:main"), recorder)
    await soon(child.exit)
    await zygote.close()
    (said,) = recorder.frames
    assert said["path"][0] == str(tmp_path)
    own = {name for name in said["modules"] if name.startswith("cloudwright")}
    assert own == {"cloudwright", "cloudwright.errors"} | {
        f"cloudwright.process{name}"
        for name in ("", ".channel", ".child_setup", ".frames", ".leaves", ".proc_title", ".zygote")
    }
    foreign = {name.partition(".")[0] for name in said["modules"]} - set(sys.stdlib_module_names)
    assert {name for name in foreign if not name.startswith(("_", "__"))} <= {
        "cloudwright",
        "probe",
        "sphinxcontrib",
    }


@in_loop
async def test_two_thousand_children_leave_nothing_behind() -> None:
    zygote = await start_zygote()

    async def some(count: int) -> None:
        for _ in range(count):
            child, recorder = await fork(zygote, "echo")
            child.send({"type": "x"})
            child.send({"type": "stop"})
            await child.exit
            assert len(recorder.frames) == 1

    await some(100)
    before = [descriptors(), descriptors(zygote.pid), resident_kilobytes(zygote.pid)]
    mine = resident_kilobytes()
    await asyncio.gather(*(some(200) for _ in range(10)))
    after = [descriptors(), descriptors(zygote.pid), resident_kilobytes(zygote.pid)]
    assert after[0] == before[0]
    # Two for each cgroup that can be used again, of which there are as many as there were children at once.
    assert after[1] <= before[1] + 2 * 10
    assert after[2] - before[2] < 512
    assert resident_kilobytes() - mine < 4096
    children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children")
    assert not children.exists() or children.read_text() == ""
    await zygote.close()
    assert await zygote.died == "Zygote test ended with exit code 0."
    assert is_dead(zygote.pid)
    wait_dead(zygote.pid)
