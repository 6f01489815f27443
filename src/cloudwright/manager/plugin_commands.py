"""Commands that install plugins, or make wheels of them."""

from __future__ import annotations

import os
from pathlib import Path

from cloudwright.errors import Unavailable
from cloudwright.process.guarded_command import run_guarded

#: How long an installation of a plugin's dependencies may take (seconds).
INSTALL_SECONDS = 900


def child_basics() -> dict[str, str]:
    """Return the little of the manager's environment that a child may see: nothing that could be a
    credential.
    """
    names = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "CFY_EXEC_TEMP")
    return {name: os.environ[name] for name in names if name in os.environ}


async def run_installation(plugin: str, temporary: Path, *command: str) -> None:
    """Run a command of an installation. What it starts ends with it, with this task, and with the manager.

    ``temporary`` is the folder of its temporary files, which one that is ended leaves there. Raises
    Unavailable, with the last lines of its output.
    """
    passed = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "http_", "https_", "no_"))}
    passed["TMPDIR"] = str(temporary)
    try:
        code, output = await run_guarded(command, child_basics() | passed, INSTALL_SECONDS)
    except TimeoutError as error:
        raise Unavailable(
            f"Plugin `{plugin}`: its installation took longer than {INSTALL_SECONDS} s and was ended."
        ) from error
    if code != 0:
        tail = "\n".join(output.splitlines()[-15:])
        raise Unavailable(f"Plugin `{plugin}` could not be installed ({' '.join(command[1:4])} ...):\n{tail}")
