"""Operations that take their time, for the workflows that show what a cancellation does."""

import signal
import subprocess
import time

from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import OperationRetry


@operation(resumable=True)
def work(seconds, **_):
    """Work for a while, and leave early where the execution was asked to stop."""
    deadline = time.monotonic() + float(seconds)
    while time.monotonic() < deadline:
        if ctx.has_cancel_request():
            # Not done: should the execution be resumed, this is run again.
            raise OperationRetry("Asked to stop, and left early")
        time.sleep(min(0.1, max(0.0, deadline - time.monotonic())))
    ctx.instance.runtime_properties["worked"] = ctx.instance.runtime_properties.get("worked", 0) + 1
    return "done"


@operation(resumable=True)
def mark(**_):
    ctx.instance.runtime_properties["marked"] = True


@operation(resumable=True)
def unmark(**_):
    ctx.instance.runtime_properties.pop("marked")


@operation
def hang(seconds, **_):
    """Hang, with a child that hangs too, and ignore the polite signal: only a kill ends this."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctx.logger.info("Hanging for %s seconds, whatever SIGTERM says", seconds)
    # What a process ignores, its children ignore as well.
    subprocess.run(["sleep", str(seconds)], check=False)
