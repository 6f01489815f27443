"""Runs a command that ends with whoever waits for it, and everything that it started with it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from cloudwright.process import guard


async def run_guarded(command: Sequence[str], env: Mapping[str, str], seconds: float) -> tuple[int, str]:
    """Return the exit code and the output of a command. Raises TimeoutError if it takes longer.

    What it started is killed when it ends, when it takes too long, when the caller is cancelled, and when
    this process dies.
    """
    theirs, ours = os.pipe()
    try:
        # The guard ends all of it when our end of the pipe is closed.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__, str(theirs)),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
            pass_fds=(theirs,),
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        os.close(ours)
        await process.wait()
    return process.returncode or 0, output.decode("utf-8", "replace")
