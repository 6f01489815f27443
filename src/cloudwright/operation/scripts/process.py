"""Runs one script as a process, and listens to it until it ends."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import selectors
import signal
import subprocess
import time
from typing import IO, NamedTuple

from cloudwright.child.errors import NonRecoverableError
from cloudwright.operation.scripts.output import Budget, Stream

_CHUNK = 64 * 1024
#: The most that is read of a stream after the script has ended: what was in its pipe, not what a server goes
#: on writing.
_REST = 1024 * 1024
#: How long to continue reading after a signal has ended the script (seconds).
_CLEAN_UP_SECONDS = 5.0


class ProcessException(Exception):
    """A script ended with an exit code other than 0; ``stdout`` and ``stderr`` are its last lines."""

    def __init__(
        self, command: str, exit_code: int, stdout: str | None = None, stderr: str | None = None
    ) -> None:
        message = f"`{command}` {describe_exit(exit_code)}."
        for name, output in (("error output", stderr), ("output", stdout)):
            if output:
                message += f" The last lines of its {name}:\n{output}"
                break
        super().__init__(message)
        self.command = command
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr


class Listening(NamedTuple):
    """What to do with a script's output."""

    log_stdout: bool = True
    log_stderr: bool = True
    stderr_to_stdout: bool = False


class Ended(NamedTuple):
    """``code`` is negative if a signal ended the script; the texts are the last lines of its output."""

    code: int
    stdout: str
    stderr: str


def describe_exit(code: int) -> str:
    """ "ended with exit code 3", or "was ended by SIGTERM"."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def run_process(
    argv: list[str],
    *,
    name: str,
    env: dict[str, str],
    cwd: str | None,
    logger: logging.Logger,
    listening: Listening,
) -> Ended:
    """Run ``argv`` until its own process ends, whatever it leaves running, and log what it prints.

    ``name`` is what errors call the script. Raises NonRecoverableError if it cannot be started.
    """
    process = _start(argv, name=name, env=env, cwd=cwd, merged=listening.stderr_to_stdout)
    logger.debug("Script %s runs, process id %s", name, process.pid)
    budget = Budget()
    out = Stream(logger if listening.log_stdout else None, logging.INFO, "<out> ", budget)
    err = Stream(logger if listening.log_stderr else None, logging.WARNING, "<err> ", budget)
    try:
        held = _listen(process, [(process.stdout, out), (process.stderr, err)])
    finally:
        if process.poll() is None:
            process.kill()  # an error here: its output is not read any more
        process.wait()
    if budget.dropped:
        logger.warning("%s printed more than is logged: %s bytes were dropped", name, budget.dropped)
    if held:
        logger.warning(
            "%s left something running that holds its output, which is not read any more. Redirect it: "
            "nohup ... >/dev/null 2>&1 &",
            name,
        )
    return Ended(process.returncode, out.tail(), err.tail())


def _listen(process: subprocess.Popen[bytes], streams: list[tuple[IO[bytes] | None, Stream]]) -> bool:
    """Read until the process has ended; return whether another process holds its output then."""
    ended = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            for pipe, stream in streams:
                if pipe is not None:
                    flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
                    fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_NONBLOCK)
                    selector.register(pipe, selectors.EVENT_READ, stream)
            while True:
                ready = selector.select()
                for key, _ in ready:
                    if key.data is not None and _read(key.fd, key.data) == 0:
                        selector.unregister(key.fileobj)
                if any(key.fd == ended for key, _ in ready):
                    selector.unregister(ended)
                    break
            if process.wait() < 0:
                _read_on(selector)
            held = False
            for key in list(selector.get_map().values()):
                held = not _read_rest(key.fd, key.data) or held
    finally:
        os.close(ended)
    for pipe, stream in streams:
        stream.close()
        if pipe is not None:
            pipe.close()
    return held


def _read_on(selector: selectors.BaseSelector) -> None:
    """A signal ended the script: read what those that it started print while they clean up, for they may
    have got the same signal.
    """
    deadline = time.monotonic() + _CLEAN_UP_SECONDS
    while selector.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            if _read(key.fd, key.data) == 0:
                selector.unregister(key.fileobj)


def _read(fd: int, stream: Stream) -> int | None:
    """Return the number of bytes read: 0 at the end of the stream, None if none are ready."""
    try:
        data = os.read(fd, _CHUNK)
    except BlockingIOError:
        return None
    stream.feed(data)
    return len(data)


def _read_rest(fd: int, stream: Stream) -> bool:
    """Read what is there; return whether that was the stream's end."""
    total = 0
    while total < _REST:
        size = _read(fd, stream)
        if not size:
            return size == 0
        total += size
    return False


def _start(
    argv: list[str], *, name: str, env: dict[str, str], cwd: str | None, merged: bool
) -> subprocess.Popen[bytes]:
    try:
        return _popen(argv, env, cwd, merged)
    except OSError as error:
        script = argv[0]
        if cwd is not None and not os.path.isdir(cwd):
            raise NonRecoverableError(
                f"Script `{name}` cannot be run in `{cwd}` (process.cwd): there is no such folder on this "
                "machine."
            ) from error
        if error.errno == errno.ENOEXEC and _is_text(script):
            # What a shell does with a script that does not say what runs it.
            return _popen(["/bin/sh", *argv], env, cwd, merged)
        raise NonRecoverableError(f"Script `{name}` cannot be run: {_why(error, script)}") from error
    except ValueError as error:
        raise NonRecoverableError(
            f"Script `{name}` cannot be run: its arguments and environment must be text without null "
            f"characters ({error})."
        ) from error


def _popen(argv: list[str], env: dict[str, str], cwd: str | None, merged: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        env=env,
        cwd=cwd,
    )


def _is_text(path: str) -> bool:
    with open(path, "rb") as stream:
        return b"\0" not in stream.read(512)


def _why(error: OSError, script: str) -> str:
    """What is wrong, and what to do about it."""
    interpreter = _interpreter(script)
    missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
    if missing and interpreter is None:
        return f"there is no program `{script}` on this machine."
    if missing and str(interpreter).endswith("\r"):
        return "its lines end as on Windows, so its first line names no program. Save it with Unix ones."
    if missing:
        return f"its first line says that `{interpreter}` runs it; there is no such program on this machine."
    if error.errno == errno.ENOEXEC:
        return "it is neither a script nor a program for this machine (exec format error)."
    if error.errno == errno.EACCES and interpreter is not None and not os.access(interpreter, os.X_OK):
        return f"its first line says that `{interpreter}` runs it, which this user may not run."
    if error.errno == errno.EACCES:
        return (
            f"this machine does not let `{script}` be executed. If its temporary folder is mounted noexec, "
            "set CFY_EXEC_TEMP to a folder that is not."
        )
    if error.errno == errno.E2BIG:
        return "its inputs are too large for environment variables. Put large data into a file."
    return f"{error.strerror or error}."


def _interpreter(script: str) -> str | None:
    """Return the program that the script's first line names; None if it names none."""
    try:
        with open(script, "rb") as stream:
            first = stream.readline(512)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    line = first[2:].rstrip(b"\n").lstrip(b" \t")
    return os.fsdecode(line.split(b" ")[0].split(b"\t")[0])
