"""The connection to the host: a waiting thread reads, none polls, and messages keep their order."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from cloudwright.child.errors import NonRecoverableError, RequestRefused
from cloudwright.process.channel import Channel, ChannelClosed
from cloudwright.workflow import host_connection as module
from cloudwright.workflow.host_connection import HostConnection

PATIENCE = 30.0


@pytest.fixture
def ends() -> Iterator[tuple[HostConnection, Channel]]:
    """The workflow's connection, and the host's channel."""
    ours, theirs = socket.socketpair()
    channel, host = Channel(theirs.detach()), Channel(ours.detach())
    connection = HostConnection(channel)
    yield connection, host
    connection.close()
    channel.close()
    host.close()


def entries(host: Channel) -> list[Any]:
    frame = host.receive(PATIENCE)
    assert frame is not None
    assert frame["type"] == "journal"
    found: list[Any] = frame["entries"]
    return found


def test_what_is_said_is_sent_at_once_or_with_what_is_gathered(ends: tuple[HostConnection, Channel]) -> None:
    connection, host = ends
    connection.journal(["event", 1])
    assert entries(host) == [["event", 1]]
    with connection.gathering():
        connection.journal(["event", 2])
        connection.journal(["event", 3], ["event", 4])
        assert host.receive(0) is None
        # Another thread's lines are not held back by this one's.
        thread = threading.Thread(target=connection.journal, args=(["log", "of a thread"],))
        thread.start()
        thread.join(PATIENCE)
        assert entries(host) == [["event", 2], ["event", 3], ["event", 4], ["log", "of a thread"]]
        connection.journal(["event", 5])
    assert entries(host) == [["event", 5]]


def test_much_is_sent_in_parts(ends: tuple[HostConnection, Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 10)
    connection, host = ends
    with connection.gathering():
        for number in range(25):
            connection.journal(["event", number])
    assert [len(entries(host)) for _ in range(3)] == [10, 10, 5]
    # Nor do many that are said at once go out in one frame.
    connection.journal(*(["event", number] for number in range(25)))
    assert [len(entries(host)) for _ in range(3)] == [10, 10, 5]
    # A graph counts as many as it has tasks.
    with connection.gathering():
        connection.journal(["graph", "g", "name", [{}] * 6])
        connection.journal(["tasks", "g", [{}] * 6])
        assert [entry[0] for entry in entries(host)] == ["graph", "tasks"]


def test_what_is_too_large_for_one_frame_is_sent_in_several(
    ends: tuple[HostConnection, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudwright.process.frames.MAX_FROM_CHILD", 200)
    connection, host = ends
    with connection.gathering():
        for number in range(9):
            connection.journal(["event", str(number) * 50])
    seen: list[Any] = []
    while len(seen) < 9:
        seen += entries(host)
    assert [entry[1][0] for entry in seen] == list("012345678")
    with pytest.raises(NonRecoverableError, match="too large"):
        connection.journal(["event", "x" * 300])
    with pytest.raises(NonRecoverableError, match="type object"):
        connection.journal(["event", {"deep": object()}])
    connection.journal(["event", "goes on"])
    assert entries(host) == [["event", "goes on"]]


def test_what_is_gathered_is_sent_before_a_question_and_before_waiting(
    ends: tuple[HostConnection, Channel],
) -> None:
    connection, host = ends

    def answer() -> None:
        assert entries(host) == [["state", "a", "b"]]
        call = host.receive(PATIENCE)
        assert call is not None
        host.send({"type": "reply", "id": call["id"], "value": call["args"]})
        assert entries(host) == [["state", "c", "d"]]
        host.send({"type": "cancel", "mode": "cancel"})

    thread = threading.Thread(target=answer)
    thread.start()
    with connection.gathering():
        connection.journal(["state", "a", "b"])
        assert connection.call("any", one=1) == {"one": 1}
        connection.journal(["state", "c", "d"])
        connection.wait(lambda: connection.cancellation.requested == "cancel", time.monotonic() + PATIENCE)
    thread.join(PATIENCE)
    assert connection.cancellation.requested == "cancel"


def test_a_refusal_is_raised_and_so_is_a_question_that_cannot_be_sent(
    ends: tuple[HostConnection, Channel],
) -> None:
    connection, host = ends
    host.send({"type": "reply", "id": 1, "error": {"kind": "Conflict", "message": "changed meanwhile"}})
    with pytest.raises(RequestRefused, match="changed meanwhile") as refused:
        connection.call("any")
    assert refused.value.status_code == 409
    with pytest.raises(NonRecoverableError, match="`any` cannot be called"):
        connection.call("any", value=object())


def test_many_threads_may_ask_and_each_gets_its_answer(ends: tuple[HostConnection, Channel]) -> None:
    connection, host = ends
    answers: dict[int, Any] = {}

    def ask(number: int) -> None:
        answers[number] = connection.call("echo", number=number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    calls = [host.receive(PATIENCE) for _ in threads]
    for call in reversed(calls):
        assert call is not None
        host.send({"type": "reply", "id": call["id"], "value": call["args"]["number"]})
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == {number: number for number in range(10)}


def test_news_that_came_early_are_kept_until_they_are_expected(
    ends: tuple[HostConnection, Channel],
) -> None:
    connection, host = ends
    for state in ("started", "succeeded"):
        host.send({"type": "operation", "id": "o", "state": state})
    host.send({"type": "unknown to us"})
    host.send({"type": "cancel", "mode": "cancel"})
    connection.wait(lambda: connection.cancellation.requested is not None)
    updates: deque[Any] = deque()
    connection.expect("o", updates)
    assert [update["state"] for update in updates] == ["started", "succeeded"]
    connection.forget("o")
    host.send({"type": "operation", "id": "o", "state": "late"})
    host.send({"type": "reply", "id": 99})
    connection.wait(lambda: 99 in connection._calls._replies)
    assert len(updates) == 2


def test_looking_takes_in_what_is_there_and_does_not_wait(ends: tuple[HostConnection, Channel]) -> None:
    connection, host = ends
    connection.look()
    assert connection.cancellation.requested is None
    host.send({"type": "cancel", "mode": "cancel"})
    connection.look()
    assert connection.cancellation.requested == "cancel"


def test_a_thread_that_waits_without_reading_is_woken_by_the_one_that_reads_and_reads_on_after_it(
    ends: tuple[HostConnection, Channel],
) -> None:
    connection, host = ends
    mine: list[deque[Any]] = [deque(), deque()]
    for number, updates in enumerate(mine):
        connection.expect(str(number), updates)
    done: list[int] = []

    def wait(number: int) -> None:
        connection.wait(lambda: bool(mine[number]), time.monotonic() + PATIENCE)
        done.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    while connection._waiting < 2:
        time.sleep(0.001)
    for number in (0, 1):
        host.send({"type": "operation", "id": str(number), "state": "started"})
        threads[number].join(PATIENCE)
    assert done == [0, 1]


def test_a_reading_thread_is_woken_by_what_another_did(
    ends: tuple[HostConnection, Channel],
) -> None:
    connection, _ = ends
    updates: deque[Any] = deque()
    thread = threading.Thread(
        target=connection.wait, args=(lambda: bool(updates), time.monotonic() + PATIENCE)
    )
    thread.start()
    while not connection._reading:
        time.sleep(0.001)
    connection.post(updates, "news")
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_waiting_ends_when_its_moment_has_come(ends: tuple[HostConnection, Channel]) -> None:
    connection, _ = ends
    before = time.monotonic()
    connection.wait(lambda: False, before + 0.02)
    assert 0.02 <= time.monotonic() - before < PATIENCE


def test_everybody_learns_that_the_host_is_gone(ends: tuple[HostConnection, Channel]) -> None:
    connection, host = ends
    learned: list[str] = []

    def wait() -> None:
        try:
            connection.wait(lambda: False, time.monotonic() + PATIENCE)
        except ChannelClosed:
            learned.append("closed")

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    while connection._waiting < 3:
        time.sleep(0.001)
    host.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert learned == ["closed"] * 3
    with pytest.raises(ChannelClosed):
        connection.wait(lambda: False)
    with pytest.raises(ChannelClosed):
        connection.journal(["event", 1])
