"""Operations of every temper."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import NonRecoverableError, OperationRetry

from chaos.event_log import hold, write

SLEEP = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def act(
    event_log,
    name,
    seconds=0,
    ignore_sigterm=False,
    child="",
    fail="",
    log_lines=0,
    printed=0,
    huge=0,
    **_,
):
    execution = ctx.execution_id
    if ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    lock = hold(event_log, f"{execution}.{name}")
    write(event_log, "twin" if lock is None else "start", execution, name)
    if child == "group":
        process = subprocess.Popen([sys.executable, "-c", SLEEP], pass_fds=[lock] if lock is not None else [])
        write(event_log, "child", execution, name, process.pid)
    daemon = daemonise(event_log, execution, name, child, lock) if child in ("daemon", "session") else None
    if child == "new session":
        process = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
        write(event_log, "child", execution, name, process.pid)
    apart = start_apart(event_log, execution, name) if child == "apart" else None
    for number in range(log_lines):
        ctx.logger.info("line %s of %s", number, name)
    if printed:
        print("\n".join(["x" * 99] * (printed // 100)))
    time.sleep(float(seconds))
    if fail == "exit":
        os._exit(7)
    if fail == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fail == "retry" and ctx.operation.retry_number < 2:
        raise OperationRetry("once more", retry_after=0)
    if fail == "never":
        raise NonRecoverableError("this cannot work")
    if child == "left":
        process = subprocess.Popen(
            [sys.executable, "-c", SLEEP], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        write(event_log, "left", execution, name, process.pid)
    if child in ("group", "daemon"):
        # It ends as well as it can: what it started goes with it.
        end_group()
    if child == "session":
        # It is a server now, which an operation that has ended leaves behind.
        write(event_log, "left", execution, name, daemon)
    if child == "new session":
        process.kill()
    if apart is not None:
        os.kill(apart, signal.SIGKILL)
    ctx.instance.runtime_properties[name] = ctx.instance.runtime_properties.get(name, 0) + 1
    if huge:
        ctx.instance.runtime_properties[f"{name} at length"] = "x" * huge
    write(event_log, "end", execution, name)
    return name + "x" * huge


def end_group():
    """End every other member of this process's group."""
    own = os.getpid()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != own:
            with suppress(ProcessLookupError):
                if os.getpgid(int(entry)) == own:
                    os.kill(int(entry), signal.SIGKILL)


def daemonise(event_log, execution, name, kind, lock):
    """Leave a grandchild whose parent is gone: in the operation's group, or (``session``) in its own. Return
    its id.
    """
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if kind == "session":
                os.setsid()
            grandchild = os.fork()
            if grandchild == 0:
                for descriptor in range(256):
                    if descriptor != lock or kind == "session":
                        with suppress(OSError):
                            os.close(descriptor)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                write(event_log, "child", execution, name)
                time.sleep(600)
            os.write(sending, str(grandchild).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    daemon = int(os.read(receiving, 20))
    os.close(receiving)
    os.close(sending)
    return daemon


def start_apart(event_log, execution, name):
    """Start a program that nothing ties to this operation: no parent, session or environment of it."""
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            grandchild = os.fork()
            if grandchild == 0:
                os.closerange(0, 256)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.execve("/bin/sleep", ["sleep", "600"], {})
            os.write(sending, str(grandchild).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    apart = int(os.read(receiving, 20))
    os.close(receiving)
    os.close(sending)
    write(event_log, "child", execution, name, apart)
    return apart


resumable = operation(resumable=True)(act)
once = operation(act)


@operation(resumable=True)
def part(**_):
    """Make a part, or take it down: what changes of deployments run. The event log says which are there."""
    name = f"{ctx.operation.name.rpartition('.')[2]}.{ctx.instance.id}"
    act(ctx.node.properties["event_log"], name, seconds=0.05)
