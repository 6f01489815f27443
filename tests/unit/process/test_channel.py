from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from cloudwright.process.channel import Channel, ChannelClosed
from cloudwright.process.frames import FrameError, encode


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    channel = Channel(theirs.detach())
    with ours:
        yield channel, ours
    channel.close()


def test_frames_that_arrive_together_are_received_one_by_one(ends: tuple[Channel, socket.socket]) -> None:
    channel, supervisor = ends
    supervisor.sendall(encode({"type": "a"}) + encode({"type": "b"}) + encode({"type": "c"})[:5])
    assert channel.receive() == {"type": "a"}
    assert channel.receive(0) == {"type": "b"}
    assert channel.receive(0) is None
    supervisor.sendall(encode({"type": "c"})[5:])
    assert channel.receive() == {"type": "c"}


def test_receiving_gives_up_after_its_timeout(ends: tuple[Channel, socket.socket]) -> None:
    channel, _ = ends
    before = time.monotonic()
    assert channel.receive(0.02) is None
    assert time.monotonic() - before >= 0.02


def test_the_timeout_covers_a_frame_that_never_becomes_complete(ends: tuple[Channel, socket.socket]) -> None:
    channel, supervisor = ends
    supervisor.sendall(encode({"type": "a"})[:-1])
    assert channel.receive(0.02) is None


def test_a_supervisor_that_is_gone_is_told_after_what_it_sent(ends: tuple[Channel, socket.socket]) -> None:
    channel, supervisor = ends
    supervisor.sendall(encode({"type": "last"}))
    supervisor.close()
    assert channel.receive() == {"type": "last"}
    with pytest.raises(ChannelClosed):
        channel.receive()
    with pytest.raises(ChannelClosed):
        channel.receive(1)
    with pytest.raises(ChannelClosed):
        channel.send({"type": "x"})


def test_closing_wakes_a_thread_that_sends_to_a_supervisor_that_does_not_read(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, supervisor = ends
    outcome = []

    def send() -> None:
        try:
            channel.send({"type": "x", "text": "x" * 10_000_000})
        except ChannelClosed as error:
            outcome.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    supervisor.recv(1)
    supervisor.close()
    thread.join(30)
    assert len(outcome) == 1


def test_what_is_no_frame_is_an_error(ends: tuple[Channel, socket.socket]) -> None:
    channel, supervisor = ends
    supervisor.sendall(b"\xff\xff\xff\xff")
    with pytest.raises(FrameError):
        channel.receive()


def test_a_refused_message_leaves_the_stream_whole(ends: tuple[Channel, socket.socket]) -> None:
    channel, supervisor = ends
    with pytest.raises(TypeError):
        channel.send({"type": "x", "value": object()})
    channel.send({"type": "y"})
    assert supervisor.recv(100) == encode({"type": "y"})


def test_threads_do_not_mix_their_frames(ends: tuple[Channel, socket.socket]) -> None:
    channel, supervisor = ends
    reader = Channel(supervisor.detach())

    def send(name: int) -> None:
        for number in range(50):
            channel.send({"type": "x", "name": name, "number": number, "text": "x" * 20_000})

    threads = [threading.Thread(target=send, args=[name]) for name in range(4)]
    for thread in threads:
        thread.start()
    got: dict[int, list[int]] = {name: [] for name in range(4)}
    for _ in range(200):
        message = reader.receive(30)
        assert message is not None
        got[message["name"]].append(message["number"])
    for thread in threads:
        thread.join()
    reader.close()
    assert got == {name: list(range(50)) for name in range(4)}
