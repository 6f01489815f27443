"""Operations that write what they do to a tape, and misbehave as they are told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import NonRecoverableError, OperationRetry


def write(tape, *words):
    line = " ".join(str(word) for word in (*words, os.getpid())) + "\n"
    descriptor = os.open(tape, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


@operation(resumable=True)
def act(tape, name="act", seconds=0, ignore_sigterm=False, children=0, fail="", **_):
    if ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _number in range(children):
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        write(tape, "child", name, subprocess.Popen([sys.executable, "-c", code]).pid)
    write(tape, "start", name)
    if seconds:
        ctx.logger.info("%s sleeps for %s s", name, seconds)
        time.sleep(float(seconds))
    if fail == "exit":
        os._exit(7)
    if fail == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fail == "retry" and ctx.operation.retry_number < 2:
        raise OperationRetry("once more", retry_after=0)
    if fail == "never":
        raise NonRecoverableError("this cannot work")
    ctx.instance.runtime_properties[name] = ctx.instance.runtime_properties.get(name, 0) + 1
    write(tape, "end", name)
    return name


@operation
def once(tape, name="once", seconds=0, **_):
    write(tape, "start", name)
    time.sleep(float(seconds))
    write(tape, "end", name)
