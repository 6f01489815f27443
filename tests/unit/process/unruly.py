"""What the tests' children do: each function is the entry of one."""

from __future__ import annotations

import ctypes
import logging
import mmap
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from cloudwright.process.channel import Channel

END: dict[str, Any] = {"type": "end", "outcome": "succeeded", "result": None, "failure": None, "updates": []}
_PR_GET_PDEATHSIG = 2


def echo(channel: Channel) -> None:
    """Answers every frame with itself until it is told ``stop``."""
    while True:
        message = channel.receive()
        assert message is not None
        if message["type"] == "stop":
            return
        channel.send({"type": "echo", "message": message})


def begin_late(channel: Channel) -> None:
    """Begins when it is told of a request to stop, and not before."""
    begin, cancel = channel.receive(), channel.receive()
    assert begin is not None
    assert begin["type"] == "begin"
    assert cancel is not None
    assert cancel["type"] == "cancel"
    channel.send({"type": "begun", "attempt": 1})
    channel.receive()


def nothing(channel: Channel) -> None:
    pass


def wait(channel: Channel) -> NoReturn:
    """Says that it is there, and stays."""
    channel.send({"type": "there", "pid": os.getpid()})
    _for_ever()


def say_how_it_lives(channel: Channel) -> None:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    death_signal = ctypes.c_int()
    ctypes.CDLL(None).prctl(_PR_GET_PDEATHSIG, ctypes.byref(death_signal))
    descriptors = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            descriptors[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue  # the one that listed them
    executed = subprocess.run(["ls", "/proc/self/fd"], capture_output=True, check=True).stdout.split()
    umask = os.umask(0)
    channel.send(
        {
            "type": "life",
            "pid": os.getpid(),
            "session": os.getsid(0),
            "group": os.getpgid(0),
            "parent": os.getppid(),
            "descriptors": descriptors,
            "descriptors_of_a_program": [int(name) for name in executed],
            "environment": dict(os.environ),
            "folder": os.getcwd(),
            "umask": umask,
            "death_signal": death_signal.value,
            "blocked": int(status["SigBlk"], 16),
            "ignored": int(status["SigIgn"], 16),
            "command": Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").decode(),
        }
    )


def kill_itself(channel: Channel) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave_with_3(channel: Channel) -> None:
    print("going")
    sys.exit(3)


def leave_with_words(channel: Channel) -> None:
    sys.exit("no more of this")


def leave_at_once(channel: Channel) -> NoReturn:
    os._exit(7)


def fail(channel: Channel) -> None:
    print("before")
    raise RuntimeError("an unruly child")


def die_by_segmentation_fault(channel: Channel) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def flood_frames(channel: Channel) -> NoReturn:
    """As many frames as ``begin`` says, and then gone without a word."""
    begin = channel.receive()
    assert begin is not None
    for number in range(begin["count"]):
        channel.send({"type": "flood", "number": number})
    os._exit(0)


def answer_without_reading(channel: Channel) -> None:
    channel.send({"type": "answer"})


def close_socket_and_wait(channel: Channel) -> None:
    channel.send({"type": "closing"})
    channel.close()
    while os.getppid() and not Path(os.environ["UNTIL"]).exists():
        time.sleep(0.01)


def say_more_than_fits(channel: Channel) -> NoReturn:
    os.write(channel.fileno(), b"\xff\xff\xff\xff" + b"x" * 1000)
    _for_ever()


def say_garbage(channel: Channel) -> NoReturn:
    channel.send({"type": "before"})
    os.write(channel.fileno(), b"\x00\x00\x00\x04{{{{")
    _for_ever()


def send_large(channel: Channel) -> None:
    """A frame near the largest, and then another."""
    channel.send({"type": "large", "text": "x" * (60 * 1024 * 1024)})
    channel.send({"type": "small"})


def print_a_lot(channel: Channel) -> None:
    """30 MB of bytes that are no text, in one line, and a last line."""
    block = bytes(range(0x80, 0x100)) * 512
    for _ in range(480):
        os.write(1, block)
    print("\nthe last line")
    channel.send(END)


def ignore_sigterm(channel: Channel) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel.send({"type": "there", "pid": os.getpid()})
    _for_ever()


def have_a_family(channel: Channel) -> NoReturn:
    """A grandchild in the group that ignores SIGTERM, and its child, which nobody will ever wait for."""
    receiving, sending = os.pipe()
    grandchild = os.fork()
    if not grandchild:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        great_grandchild = os.fork()
        if not great_grandchild:
            _for_ever()
        os.write(sending, str(great_grandchild).encode())
        _for_ever()
    channel.send({"type": "there", "pids": [os.getpid(), grandchild, int(os.read(receiving, 20))]})
    _for_ever()


def leave_a_server(channel: Channel) -> None:
    """Leaves a process in its group, which goes on printing, counts that in the file COUNT, and says which it
    is.
    """
    count = os.environ.get("COUNT", "/dev/null")
    served = f"while :; do echo served; echo x >> {count}; sleep 0.01; done"
    server = subprocess.Popen(["sh", "-c", served])
    channel.send({**END, "result": server.pid})


def leave_a_daemon(channel: Channel) -> None:
    """Leaves a process in a session of its own."""
    receiving, sending = os.pipe()
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(sending, str(os.getpid()).encode())
        channel.close()
        _for_ever()
    daemon = int(os.read(receiving, 20))
    channel.send({**END, "result": daemon})


def leave_a_dead_one_unreaped(channel: Channel) -> NoReturn:
    """In the group: a process whose parent left the group, and never waits for it."""
    receiving, sending = os.pipe()
    careless = os.fork()
    if not careless:
        member = os.fork()
        if not member:
            _for_ever()
        os.setsid()
        os.write(sending, str(member).encode())
        _for_ever()
    channel.send({"type": "there", "pids": [os.getpid(), int(os.read(receiving, 20))], "careless": careless})
    _for_ever()


def reserve_memory(channel: Channel) -> None:
    """Take address space that is not to be written to, as a Java machine does, and tell the limit."""
    with mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ):
        channel.send({"type": "reserved", "limit": resource.getrlimit(resource.RLIMIT_DATA)[1]})


def run_shell(channel: Channel) -> None:
    """Runs what the variable CODE says, passes on what it prints line by line, and ends when it has."""
    shell = subprocess.Popen(["bash", "-c", os.environ["CODE"]], stdout=subprocess.PIPE, text=True)
    assert shell.stdout is not None
    for line in shell.stdout:
        print(line, end="", flush=True)
    channel.send({**END, "result": shell.wait()})


def start_new_session(channel: Channel) -> NoReturn:
    """Runs a program in a session of its own, without an environment, and waits for it."""
    program = subprocess.Popen(["sleep", os.environ["SECONDS"]], start_new_session=True, env={})
    program.wait()
    _for_ever()


def start_one_that_loses_its_first_thread(channel: Channel) -> NoReturn:
    """In a session of its own: a process that ignores SIGTERM, and of which the first thread has ended."""
    program = os.fork()
    if not program:
        os.setsid()
        channel.close()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=_for_ever).start()
        ctypes.CDLL(None).pthread_exit(None)
    while Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    print(program, "ready", sep="\n", flush=True)
    _for_ever()


def take_memory(channel: Channel) -> None:
    bytearray(1024 * 1024 * 1024)


# Operations, for the runner.


def succeed(channel: Channel) -> None:
    begin = channel.receive()
    channel.send({**END, "result": begin, "updates": [{"id": "i", "version": 1, "runtime_properties": {}}]})


def say_it_failed(channel: Channel) -> None:
    failure = {
        "message": "not today",
        "recoverable": False,
        "retry_after": 3,
        "kind": "Nope",
        "traceback": "T",
    }
    channel.send({**END, "outcome": "failed", "failure": failure})


def talk(channel: Channel) -> None:
    channel.send({"type": "log", "level": "INFO", "message": "a log line", "logger": "ctx"})
    print("a printed line")
    sys.stdout.flush()
    channel.send({"type": "event", "message": "an event", "event_type": "custom"})
    answers = [_call(channel, number, "echo", {"n": number}) for number in range(2)]
    answers.append(_call(channel, 2, "refuse", {}))
    channel.send({**END, "result": answers})


def ask_twice(channel: Channel) -> None:
    channel.receive()
    replies = []
    for number, of in enumerate("ab"):
        channel.send({"type": "call", "id": number, "method": "look", "args": {"of": of}})
        replies.append(channel.receive())
    channel.send({"type": "end", "result": replies})


def _received(channel: Channel) -> dict[str, Any]:
    frame = channel.receive()
    assert frame is not None
    return frame


def say(channel: Channel) -> None:
    """Send the frames that the first frame lists, and wait."""
    begin = _received(channel)
    for frame in begin["say"]:
        channel.send(frame)
    signal.pause()


def chatter(channel: Channel) -> None:
    begin = _received(channel)
    for number in range(begin["lines"]):
        line = f"{number} {begin['padding']}"
        channel.send({"type": "log", "level": "info", "message": line, "logger": "ctx"})
    channel.send(END)


def ask_for_depth(channel: Channel) -> None:
    ask_for_much(channel, "deep")


def ask_for_much(channel: Channel, method: str = "much") -> None:
    channel.receive()
    channel.send({"type": "call", "id": 1, "method": method, "args": {}})
    channel.send({**END, "result": _received(channel)["error"]})


def call_without_reading(channel: Channel) -> None:
    for number in range(2000):
        channel.send({"type": "call", "id": number, "method": "slow", "args": {}})
    answers = [channel.receive() for _ in range(2000)]
    channel.send({**END, "result": len(answers)})


def wait_for_cancel(channel: Channel) -> None:
    begin = channel.receive()
    print("ready", flush=True)
    channel.send({**END, "result": [begin, channel.receive()]})


def print_and_die(channel: Channel) -> NoReturn:
    for number in range(30):
        print("line", number)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
    _for_ever()


def end_and_stay(channel: Channel) -> NoReturn:
    channel.send({**END, "result": "done"})
    _for_ever()


def end_well_at_sigterm(channel: Channel) -> NoReturn:
    def leave(signum: int, frame: Any) -> None:
        channel.send({**END, "result": "tidied up"})
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    print("ready", flush=True)
    _for_ever()


def be_loud_and_ignore(channel: Channel) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    _for_ever()


def have_a_stubborn_grandchild(channel: Channel) -> NoReturn:
    receiving, sending = os.pipe()
    grandchild = os.fork()
    if not grandchild:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(sending, b"x")
        _for_ever()
    os.read(receiving, 1)
    print(grandchild, flush=True)
    _for_ever()


def ask_and_die(channel: Channel) -> NoReturn:
    channel.send({"type": "call", "id": 1, "method": "never", "args": {}})
    os._exit(1)


def print_family_and_die(channel: Channel) -> NoReturn:
    server = subprocess.Popen(["sleep", "600"])
    print(server.pid, flush=True)
    os._exit(1)


def say_the_unexpected(channel: Channel) -> NoReturn:
    channel.send({"type": "poem"})
    _for_ever()


def fork_while_a_thread_logs(channel: Channel) -> None:
    """Says how a process fared that it forked while another thread held a logger's lock."""
    handler, held, forked = logging.StreamHandler(), threading.Event(), threading.Event()

    def hold() -> None:
        with handler.lock:  # type: ignore[union-attr]
            held.set()
            forked.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        with handler.lock:  # type: ignore[union-attr]
            os._exit(threading.active_count())
    forked.set()
    thread.join()
    channel.send({"type": "forked", "ended": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])})


def say_a_random_number(channel: Channel) -> None:
    thread = threading.main_thread()
    mine = thread is threading.current_thread() and thread.ident == threading.get_ident()
    channel.send({"type": "number", "number": random.random(), "own_thread": mine})


def start_threads_and_end(channel: Channel) -> None:
    threading.Thread(target=_for_ever).start()
    channel.send(END)


def _call(channel: Channel, number: int, method: str, args: dict[str, Any]) -> Any:
    channel.send({"type": "call", "id": number, "method": method, "args": args})
    reply = channel.receive()
    while reply is not None and reply["type"] != "reply":
        reply = channel.receive()
    return reply


def _for_ever() -> NoReturn:
    while True:
        signal.pause()


def breed(channel: Channel) -> NoReturn:
    """Each process forks another and exits, a thousand times."""
    channel.send({"type": "there"})
    for _ in range(1000):
        if os.fork():
            os._exit(0)
        time.sleep(0.01)
    os._exit(0)
