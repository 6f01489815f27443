"""Operations under a runner: how they end, and how they are ended."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from observing import PATIENCE, Runs, end_group, in_loop, in_uvloop, is_dead, soon, start_zygote

from cloudwright.errors import Conflict, Unavailable
from cloudwright.model.frames.operation import check_to_operation
from cloudwright.model.json_values import MAX_NESTING
from cloudwright.model.operation import Failure
from cloudwright.process import operation_process
from cloudwright.process.backlog import MAX_BYTES, MAX_FRAMES, MAX_SHARED, Backlog, SharedBacklog
from cloudwright.process.child import Child
from cloudwright.process.frames import MAX_FRAME, VERSION
from cloudwright.process.runner import OperationEnd, Runner
from cloudwright.process.supervisor import ExitStatus, Zygote

ID = f"test {os.getpid()} operation"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Books:
    """A sink that keeps everything in the order in which it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        #: What is to be stored, while the database is away.
        self.unstored: list[asyncio.Future[None]] | None = None
        self.unanswered = 0
        self.most_unanswered = 0
        self._changed = asyncio.Event()

    def started(self, operation_id: str, pid: int) -> None:
        self._tell("started", operation_id, pid)

    def message(self, operation_id: str, message: dict[str, Any]) -> asyncio.Future[None]:
        self._tell("message", operation_id, message)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.unstored is None:
            stored.set_result(None)
        else:
            self.unstored.append(stored)
        return stored

    async def call(self, operation_id: str, method: str, args: dict[str, Any]) -> Any:
        if method == "refuse":
            raise Conflict("no")
        if method == "much":
            return "x" * MAX_FRAME
        if method == "deep":
            return DEEP
        if method == "never":
            await asyncio.get_running_loop().create_future()
        if method == "slow":
            self.unanswered += 1
            self.most_unanswered = max(self.most_unanswered, self.unanswered)
            await asyncio.sleep(0)
            self.unanswered -= 1
        return args

    def signalled(self, operation_id: str, signum: int, reason: str) -> None:
        self._tell("signalled", operation_id, signum, reason)

    def ended(self, operation_id: str, end: OperationEnd) -> None:
        self._tell("ended", operation_id, end)

    def of(self, kind: str, operation_id: str = ID) -> list[Any]:
        return [
            what[0] if len(what) == 1 else what
            for k, i, *what in self.told
            if k == kind and i == operation_id
        ]

    @property
    def lines(self) -> list[str]:
        return [message["message"] for message in self.of("message") if message["type"] == "log"]

    async def until(self, condition: Callable[[Books], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def end(self, operation_id: str = ID) -> OperationEnd:
        await self.until(lambda books: books.of("ended", operation_id))
        (end,) = self.of("ended", operation_id)
        assert isinstance(end, OperationEnd)
        assert self.told[-1][0] == "ended" or len({what[1] for what in self.told}) > 1
        return end

    async def line(self, text: str) -> None:
        await self.until(lambda books: text in books.lines)

    def _tell(self, *what: Any) -> None:
        self.told.append(what)
        self._changed.set()


async def start(
    entry: str, *, grace: float = 5.0, begin: dict[str, Any] | None = None, **more: Any
) -> tuple[Runner, Books, Zygote]:
    zygote = await start_zygote()
    books = Books()
    runner = Runner(books, kill_grace=grace, clock=lambda: NOW)
    await runner.run(zygote, ID, begin or {"operation": {"id": ID}}, entry=f"unruly:{entry}", **more)
    return runner, books, zygote


@pytest.mark.parametrize("runs", [in_loop, in_uvloop], ids=["asyncio", "uvloop"])
def test_an_operation_succeeds(runs: Runs) -> None:
    async def test() -> None:
        runner, books, _ = await start("succeed")
        ((kind, operation_id, pid),) = books.told
        assert (kind, operation_id) == ("started", ID)
        (running,) = runner.running.values()
        assert (running.operation_id, running.pid, running.since) == (ID, pid, NOW)
        assert await books.end() == OperationEnd(
            "succeeded",
            result={"type": "begin", "version": VERSION, "operation": {"id": ID}},
            updates=[{"id": "i", "version": 1, "runtime_properties": {}}],
            exit_status=ExitStatus(code=0),
            tree_gone=True,
        )
        assert runner.running == {}

    runs(test)()


@in_loop
async def test_what_is_revoked_before_it_is_told_to_begin_never_is() -> None:
    zygote, books, opened = await start_zygote(), Books(), asyncio.Event()
    runner = Runner(books)

    def gate() -> Any:
        return None if opened.is_set() else opened.wait()

    running = asyncio.ensure_future(
        runner.run(zygote, ID, {"operation": {"id": ID}}, entry="unruly:succeed", gate=gate)
    )
    await books.until(lambda books: books.of("started"))
    assert runner.revoke(ID)
    opened.set()
    end = await books.end()
    await running
    assert (end.state, end.result, end.failure) == ("cancelled", None, None)
    # That is no kill: no code of a user's ran that could have been told.
    assert books.of("signalled") == []
    assert runner.running == {}
    # It is not known here any more.
    assert runner.revoke(ID)


@in_loop
async def test_what_is_revoked_while_it_is_forked_never_begins() -> None:
    zygote, books = await start_zygote(), Books()
    runner = Runner(books)
    running = asyncio.ensure_future(runner.run(zygote, ID, {"operation": {"id": ID}}, entry="unruly:succeed"))
    await asyncio.sleep(0)
    assert runner.revoke(ID)
    assert (await books.end()).state == "cancelled"
    await running


@in_loop
async def test_what_was_told_to_begin_cannot_be_revoked_and_is_waited_for() -> None:
    runner, books, _ = await start("begin_late")
    assert not runner.revoke(ID)
    assert not await runner.begun(ID, 0.01)
    waiting = asyncio.ensure_future(runner.begun(ID, 2 * PATIENCE))
    runner.cancel(ID, "cancel")
    assert await soon(waiting)
    assert await runner.begun(ID, 0)
    assert await runner.kill(ID, "it is over")
    assert (await books.end()).state == "failed"
    assert await runner.begun(ID, 0)


@in_loop
async def test_an_operation_says_that_it_failed() -> None:
    _, books, _ = await start("say_it_failed")
    end = await books.end()
    assert end.state == "failed"
    assert end.failure == Failure("not today", recoverable=False, retry_after=3, kind="Nope", traceback="T")


@in_loop
async def test_what_it_says_and_asks_is_passed_on_in_order() -> None:
    _, books, _ = await start("talk")
    end = await books.end()
    reply = {"type": "reply"}
    assert end.result == [
        {**reply, "id": 0, "value": {"n": 0}},
        {**reply, "id": 1, "value": {"n": 1}},
        {**reply, "id": 2, "error": {"kind": "Conflict", "message": "no"}},
    ]
    messages = books.of("message")
    assert sorted(messages, key=lambda message: message["message"]) == [
        {"type": "log", "level": "INFO", "message": "a log line", "logger": "ctx"},
        {"type": "log", "level": "INFO", "message": "a printed line", "logger": "stdout"},
        {"type": "event", "message": "an event", "event_type": "custom"},
    ]


@in_loop
async def test_calls_that_are_not_waited_for_are_answered_a_few_at_a_time() -> None:
    _, books, _ = await start("call_without_reading")
    assert (await books.end()).result == 2000
    # One read may hold many calls.
    assert books.most_unanswered < 2000


@in_loop
async def test_a_call_that_is_not_answered_does_not_keep_a_dead_operation() -> None:
    _, books, _ = await start("ask_and_die")
    end = await books.end()
    assert end.failure is not None
    assert end.failure.kind == "ProcessDied"


@in_loop
async def test_a_cancellation_is_passed_on() -> None:
    runner, books, _ = await start("wait_for_cancel")
    await books.line("ready")
    runner.cancel(ID, "cancel")
    runner.cancel("another", "cancel")
    assert (await books.end()).result[1] == {"type": "cancel", "mode": "cancel"}
    runner.cancel(ID, "cancel")


@pytest.mark.parametrize(
    ("entry", "described"),
    [("leave_at_once", "exit code 7"), ("nothing", "exit code 0"), ("fail", "exit code 1")],
)
@in_loop
async def test_leaving_without_an_end_is_a_recoverable_failure(entry: str, described: str) -> None:
    _, books, _ = await start(entry)
    end = await books.end()
    assert end.state == "failed"
    assert end.failure is not None
    assert (end.failure.kind, end.failure.recoverable) == ("ProcessDied", True)
    assert end.failure.message.startswith(f"The operation's process ended with {described} and no result.")


@in_loop
async def test_the_last_lines_before_a_death_are_in_the_failure() -> None:
    _, books, _ = await start("print_and_die")
    end = await books.end()
    assert end.exit_status == ExitStatus(signal=9)
    assert end.failure is not None
    assert end.failure.message == (
        "The operation's process ended with signal 9 (SIGKILL) and no result. The last it printed:\n"
        + "\n".join(f"line {number}" for number in range(20, 30))
    )
    assert books.lines == [f"line {number}" for number in range(30)]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("say_the_unexpected", "what it sent is not understood: a frame has the unknown type `poem`"),
        ("say_more_than_fits", "what it sent is not understood: a frame has 4294967295 bytes"),
    ],
)
@in_loop
async def test_a_breach_of_the_protocol_is_the_reason_of_the_failure(entry: str, fault: str) -> None:
    _, books, _ = await start(entry)
    end = await books.end()
    assert end.failure is not None
    assert end.failure.kind == "ProcessDied"
    assert f"signal 9 (SIGKILL) and no result: {fault}" in end.failure.message


FAILED: dict[str, Any] = {"type": "end", "outcome": "failed", "result": None, "failure": "x", "updates": []}
DEEP: list[Any] = []
for _ in range(MAX_NESTING):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (FAILED, "the field `failure` of the `end` frame must be an object or null, not text"),
        ({"type": "end"}, "the field `outcome` of the `end` frame is missing"),
        (
            {**FAILED, "outcome": "succeeded", "failure": None, "result": DEEP},
            "the field `result` of the `end` frame is nested deeper than the 100 levels",
        ),
        (
            {**FAILED, "failure": None, "updates": [{"id": "i", "version": "1", "runtime_properties": {}}]},
            "the field `updates[0].version` of the `end` frame must be an integer, not text",
        ),
        ({"type": "log", "level": 5}, "the field `level` of the `log` frame must be text, not an integer"),
        (
            {"type": "call", "id": 1, "method": "look", "args": None},
            "the field `args` of the `call` frame must be an object, not null",
        ),
    ],
)
@in_loop
async def test_a_malformed_frame_ends_its_operation_with_an_error_that_names_the_field(
    frame: dict[str, Any], fault: str
) -> None:
    runner, books, _ = await start("say", begin={"say": [frame]})
    end = await books.end()
    assert end.state == "failed"
    assert end.updates == ()
    assert end.failure is not None
    assert fault in end.failure.message
    assert await runner.kill(ID, "nothing is left to kill")


@pytest.mark.parametrize(("lines", "padding"), [(20_000, 0), (200, 1_000_000)], ids=["count", "bytes"])
@in_loop
async def test_a_process_that_says_more_than_is_stored_is_not_read_from_and_nothing_is_lost(
    lines: int, padding: int
) -> None:
    zygote = await start_zygote()
    books = Books()
    books.unstored = []
    runner = Runner(books)
    begin = {"lines": lines, "padding": "x" * padding}
    await runner.run(zygote, ID, begin, entry="unruly:chatter")
    (attempt,) = runner._attempts.values()
    child = attempt.child
    assert child is not None
    most = 0
    while books.unstored or not books.of("ended"):
        await books.until(lambda each: not child._reading or each.of("ended"))
        waiting, books.unstored = books.unstored, []
        if not child.exit.done():  # what a dead process had sent is read at once: a socket's worth at most
            most = max(most, len(waiting))
        assert attempt._backlog.bytes < MAX_BYTES + 1_100_000
        for stored in waiting:
            stored.set_result(None)
        await asyncio.sleep(0)  # what was stored is known now, and the process read from again
    assert 0 < most <= MAX_FRAMES
    assert [line.split()[0] for line in books.lines] == [str(number) for number in range(lines)]
    assert (await books.end()).state == "succeeded"
    assert runner._backlog.children == 0


@in_loop
async def test_many_that_say_much_have_their_share_only() -> None:
    loop = asyncio.get_running_loop()
    shared, stored = SharedBacklog(), loop.create_future()
    backlogs = [Backlog(shared, lambda: None) for _ in range(64)]
    for backlog in backlogs:
        for _ in range(MAX_SHARED // 64):
            backlog.add(10, stored)
    assert all(backlog.full for backlog in backlogs)
    assert sum(backlog.frames for backlog in backlogs) == MAX_SHARED
    stored.set_result(None)
    await asyncio.sleep(0)
    assert not any(backlog.full or backlog.frames for backlog in backlogs)
    assert (shared.children, shared.share) == (0, MAX_FRAMES)


@in_loop
async def test_an_answer_that_is_larger_than_a_frame_is_refused() -> None:
    _, books, _ = await start("ask_for_much")
    end = await books.end()
    assert end.result["kind"] == "FrameError"
    assert "The answer to `much` could not be sent: a frame of" in end.result["message"]


@in_loop
async def test_what_a_dead_operation_had_started_ends_before_its_failure_is_told() -> None:
    _, books, _ = await start("print_family_and_die")
    end = await books.end()
    assert end.state == "failed"
    assert end.tree_gone
    assert is_dead(int(books.lines[0]))
    assert books.of("signalled") == [[signal.SIGTERM, "the operation's process ended without a result"]]


@in_loop
async def test_what_a_successful_operation_left_running_lives_on() -> None:
    runner, books, zygote = await start("leave_a_server")
    end = await books.end()
    assert end.state == "succeeded"
    assert not end.tree_gone
    assert await runner.kill(ID, "too late")
    await runner.close()
    await zygote.close()
    assert not is_dead(end.result)
    end_group(os.getpgid(end.result))


@in_loop
async def test_a_kill_in_the_moment_of_the_end_does_not_touch_what_was_left_running() -> None:
    # Found: one that had ended was forgotten a turn of the loop later, and could be killed until then.
    zygote = await start_zygote()
    kills = []

    class Hasty(Books):
        def ended(self, operation_id: str, end: OperationEnd) -> None:
            kills.append(asyncio.ensure_future(runner.kill(operation_id, "too late")))
            super().ended(operation_id, end)

    books = Hasty()
    runner = Runner(books)
    await runner.run(zygote, ID, {}, entry="unruly:leave_a_server")
    end = await books.end()
    assert await asyncio.gather(*kills) == [True]
    assert books.of("signalled") == []
    assert not is_dead(end.result)
    end_group(os.getpgid(end.result))


@in_loop
async def test_too_much_output_is_cut_and_said() -> None:
    _, books, _ = await start("print_a_lot")
    end = await books.end()
    assert end.state == "succeeded"
    assert sum(map(len, books.lines)) < 1024 * 1024 + 200
    assert "bytes of further output were dropped" in books.lines[-1]
    assert books.of("message")[-1]["level"] == "WARNING"


@in_loop
async def test_a_kill_of_one_that_obeys_takes_one_signal() -> None:
    runner, books, _ = await start("wait_for_cancel", grace=PATIENCE)
    await books.line("ready")
    assert await soon(runner.kill(ID, "the user asked"))
    assert books.of("signalled") == [[signal.SIGTERM, "the user asked"]]
    end = await books.end()
    assert end.exit_status == ExitStatus(signal=15)
    message = (
        "The operation's process ended with signal 15 (SIGTERM) and no result. "
        "It was asked to end: the user asked. The last it printed:\nready"
    )
    assert end.failure == Failure(message, kind="ProcessDied")
    assert end.tree_gone
    assert await runner.kill(ID, "again")


@in_loop
async def test_a_kill_of_one_that_ignores_it_takes_two_and_a_second_kill_joins_the_first() -> None:
    runner, books, _ = await start("be_loud_and_ignore", grace=0.05)
    await books.line("ready")
    assert all(await asyncio.gather(runner.kill(ID, "first"), runner.kill(ID, "second")))
    assert books.of("signalled") == [[signal.SIGTERM, "first"], [signal.SIGKILL, "first"]]
    assert (await books.end()).exit_status == ExitStatus(signal=9)


@in_loop
async def test_a_kill_is_over_when_the_last_grandchild_is() -> None:
    runner, books, _ = await start("have_a_stubborn_grandchild", grace=0.05)
    await books.until(lambda books: books.lines)
    grandchild = int(books.lines[0])
    assert await soon(runner.kill(ID, "the user asked"))
    assert is_dead(grandchild)
    end = await books.end()
    assert end.tree_gone
    assert end.exit_status == ExitStatus(signal=9)
    assert [signum for signum, _ in books.of("signalled")] == [signal.SIGTERM, signal.SIGKILL]


@in_loop
async def test_an_end_that_is_said_under_sigterm_counts() -> None:
    runner, books, _ = await start("end_well_at_sigterm", grace=PATIENCE)
    await books.line("ready")
    assert await soon(runner.kill(ID, "the user asked"))
    end = await books.end()
    assert (end.state, end.result) == ("succeeded", "tidied up")


@in_loop
async def test_kills_do_not_wait_for_each_other() -> None:
    zygote = await start_zygote()
    books = Books()
    runner = Runner(books, kill_grace=0.5)
    keys = [f"{ID} {number}" for number in range(10)]
    for key in keys:
        await runner.run(zygote, key, {}, entry="unruly:be_loud_and_ignore")
    for key in keys:
        await books.until(functools.partial(Books.of, kind="message", operation_id=key))
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert all(await asyncio.gather(*(runner.kill(key, "all") for key in keys)))
    assert loop.time() - before < 10 * 0.5
    assert runner.running == {}


@in_loop
async def test_a_kill_that_comes_before_the_process_exists_is_not_lost() -> None:
    zygote = await start_zygote()
    books = Books()
    runner = Runner(books)
    running = asyncio.ensure_future(runner.run(zygote, ID, {}, entry="unruly:wait_for_cancel"))
    await asyncio.sleep(0)
    assert runner.running[ID].pid is None
    assert await soon(runner.kill(ID, "early"))
    await running
    assert (await books.end()).exit_status == ExitStatus(signal=15)
    assert books.lines == []


@in_loop
async def test_a_failed_kill_is_recorded_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, books, _ = await start("wait_for_cancel", grace=0.01)
    await books.line("ready")
    monkeypatch.setattr(operation_process, "DEATH_SECONDS", 0.01)
    with monkeypatch.context() as patched:
        patched.setattr(Child, "signal", lambda self, signum: None)
        assert await runner.kill(ID, "in vain") is False
    (event,) = [message for message in books.of("message") if message["type"] == "event"]
    assert event["event_type"] == "operation_kill_failed"
    assert ID in runner.running
    monkeypatch.setattr(operation_process, "DEATH_SECONDS", PATIENCE)
    assert await runner.kill(ID, "again")
    assert (await books.end()).state == "failed"


@in_loop
async def test_what_outlives_the_end_is_ended_when_asked_again_and_the_sink_hears_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operation_process, "DEATH_SECONDS", 0.01)
    with monkeypatch.context() as patched:
        patched.setattr(Child, "signal", lambda self, signum: None)
        runner, books, _ = await start("print_family_and_die", grace=0.01)
        assert not (await books.end()).tree_gone
    monkeypatch.setattr(operation_process, "DEATH_SECONDS", PATIENCE)
    assert await runner.kill(ID, "again")
    assert books.told[-1][0] == "ended"


@in_loop
async def test_an_operation_that_takes_too_long_is_ended() -> None:
    _, books, _ = await start("wait_for_cancel", timeout=0.05, timeout_recoverable=False)
    end = await books.end()
    message = "The operation did not end within 0.05 s, and its processes were ended."
    assert end.failure == Failure(message, recoverable=False, kind="OperationTimeout")
    assert books.of("signalled") == [[signal.SIGTERM, "it did not end within 0.05 s"]]
    assert end.tree_gone


@in_loop
async def test_what_it_says_after_its_time_does_not_count() -> None:
    _, books, _ = await start("end_well_at_sigterm", timeout=0.3, timeout_recoverable=True)
    end = await books.end()
    assert end.failure is not None
    assert (end.state, end.failure.kind, end.failure.recoverable) == ("failed", "OperationTimeout", True)


@in_loop
async def test_one_that_stays_after_its_end_is_killed_and_the_end_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operation_process, "LEAVE_SECONDS", 0.05)
    _, books, _ = await start("end_and_stay", timeout=PATIENCE)
    end = await books.end()
    assert (end.state, end.result, end.exit_status) == ("succeeded", "done", ExitStatus(signal=9))
    assert books.of("signalled") == [[signal.SIGKILL, "it did not leave within 0.05 s after its end"]]


@in_loop
async def test_threads_do_not_keep_a_process() -> None:
    _, books, _ = await start("start_threads_and_end")
    assert (await books.end()).exit_status == ExitStatus(code=0)
    assert books.of("signalled") == []


@in_loop
async def test_one_that_cannot_be_forked_ends_with_a_recoverable_failure() -> None:
    zygote = await start_zygote()
    await zygote.close()
    books = Books()
    runner = Runner(books)
    await runner.run(zygote, ID, {}, entry="unruly:succeed")
    ((kind, _, end),) = books.told
    assert kind == "ended"
    assert end.failure == Failure(
        f"Process {ID} cannot be started: its zygote test has ended.", recoverable=True, kind="ForkFailed"
    )
    assert end.exit_status is None
    await asyncio.sleep(0)
    assert runner.running == {}
    assert await runner.kill(ID, "gone")


@in_loop
async def test_one_that_cannot_be_told_what_to_do_ends() -> None:
    zygote = await start_zygote()
    books = Books()
    await Runner(books).run(zygote, ID, {"inputs": object()}, entry="unruly:wait_for_cancel")
    end = await books.end()
    assert end.failure is not None
    assert "it could not be sent its first frame" in end.failure.message


@in_loop
async def test_one_whose_first_frame_has_a_field_that_is_wrong_ends_with_an_error_that_names_it() -> None:
    zygote, books = await start_zygote(), Books()
    begin = {"version": VERSION, "operation": {"id": 1}}
    entry = "unruly:wait_for_cancel"
    await Runner(books).run(zygote, ID, begin, entry=entry, check_sent=check_to_operation)
    end = await books.end()
    assert end.failure is not None
    assert "the field `operation.id` of the `begin` frame must be text, not an integer" in end.failure.message


@in_loop
async def test_a_reply_that_is_nested_too_deep_is_refused() -> None:
    def check(frame: Any) -> str | None:
        return check_to_operation(frame) if frame["type"] == "reply" else None

    _, books, _ = await start("ask_for_depth", check_sent=check)
    end = await books.end()
    assert end.result["kind"] == "FrameError"
    assert (
        "the field `value` of the `reply` frame is nested deeper than the 100 levels" in end.result["message"]
    )


@in_loop
async def test_an_operation_never_runs_twice_at_the_same_time() -> None:
    runner, books, zygote = await start("wait_for_cancel")
    with pytest.raises(Conflict):
        await runner.run(zygote, ID, {}, entry="unruly:succeed")
    await books.line("ready")
    await runner.kill(ID, "next")
    await runner.run(zygote, ID, {}, entry="unruly:succeed")
    await books.until(lambda books: len(books.of("ended")) == 2)


@in_loop
async def test_a_run_that_is_cancelled_leaves_nothing() -> None:
    zygote = await start_zygote()
    books = Books()
    runner = Runner(books)
    running = asyncio.ensure_future(runner.run(zygote, ID, {}, entry="unruly:wait_for_cancel"))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await runner.kill(ID, "nothing there")
    assert books.told == []


@in_loop
async def test_when_the_zygote_is_killed_the_operation_has_failed() -> None:
    _, books, zygote = await start("wait_for_cancel")
    await books.line("ready")
    os.kill(zygote.pid, signal.SIGKILL)
    end = await books.end()
    assert end.failure is not None
    assert "signal 9 (SIGKILL) and no result: its zygote test died" in end.failure.message
    assert end.failure.recoverable
    await soon(zygote.died)


@in_loop
async def test_closing_kills_all_and_accepts_no_more() -> None:
    runner, books, zygote = await start("be_loud_and_ignore", grace=0.01)
    await books.line("ready")
    await soon(runner.close())
    assert (await books.end()).tree_gone
    assert runner.running == {}
    with pytest.raises(Unavailable):
        await runner.run(zygote, ID, {}, entry="unruly:succeed")


@in_loop
async def test_five_hundred_operations_ten_at_a_time() -> None:
    zygote = await start_zygote()
    books = Books()
    runner = Runner(books)

    async def some(name: int) -> None:
        for number in range(50):
            key = f"{ID} {name} {number}"
            await runner.run(zygote, key, {}, entry="unruly:succeed")
            await books.until(functools.partial(Books.of, kind="ended", operation_id=key))

    await asyncio.gather(*(some(name) for name in range(10)))
    ends = [end for kind, _, *(end,) in books.told if kind == "ended"]
    assert len(ends) == 500
    assert {end.state for end in ends} == {"succeeded"}
    assert runner.running == {}
