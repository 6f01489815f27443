"""Starts the process of a zygote: its program, its environment, and the ends of its sockets and pipes."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cloudwright
from cloudwright.errors import Unavailable
from cloudwright.process import fast_json
from cloudwright.process.proc_title import PLACEHOLDERS

# Loads this project's package from where it is, and nothing else from there: the interpreter may be another
# environment's, whose plugins must not find this environment's libraries before their own.
_BOOTSTRAP = """
import importlib.util, os, sys
folder, control = sys.argv[1], int(sys.argv[2])
if control != 3:
    os.dup2(control, 3)
    os.close(control)
os.set_inheritable(3, False)
spec = importlib.util.spec_from_file_location("cloudwright", folder + "/__init__.py")
sys.modules["cloudwright"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from cloudwright.process import zygote
zygote.main()
"""
#: What a zygote may see of this process's environment if its caller does not say: nothing that could be a
#: credential.
_HARMLESS = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
)


def harmless_environment() -> dict[str, str]:
    """Return the variables that a zygote sees if its caller does not say others."""
    return {variable: os.environ[variable] for variable in _HARMLESS if variable in os.environ}


def spawn(
    name: str, python: str, env: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], socket.socket, int]:
    """Start a zygote's process: it, the control socket, and the pipe of what it prints."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    printed, printing = os.pipe()
    folder = str(Path(cloudwright.__file__).parent)
    try:
        process = subprocess.Popen(
            # -P: nothing from the current folder is imported. -X utf8: what children print is UTF-8, whatever
            # the locale.
            [python, "-P", "-X", "utf8", "-c", _BOOTSTRAP, folder, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=printing,
            stderr=printing,
            pass_fds=[theirs.fileno()],
            cwd="/",
            env={**env, **PLACEHOLDERS},
            start_new_session=True,
        )
    except OSError as error:
        control.close()
        os.close(printed)
        raise Unavailable(f"Zygote {name} cannot be started with {python}: {error}.") from error
    finally:
        theirs.close()
        os.close(printing)
    control.setblocking(False)
    os.set_blocking(printed, False)
    return process, control, printed


def setup(
    name: str,
    path: Sequence[str],
    preload: Sequence[str],
    rehearse: str | None,
    warm: tuple[str, Any] | None,
    leaves: str | None,
) -> bytes:
    """Return what a zygote is told first."""
    folders = [os.path.abspath(folder) for folder in path]
    setup = {
        "name": name,
        "path": folders,
        "preload": list(preload),
        "rehearse": rehearse,
        "warm": warm,
        "leaves": leaves,
    }
    return fast_json.dumps(setup)


def child_ends() -> tuple[socket.socket, int, tuple[int, int]]:
    """For a child: its channel and its output, both not blocking, and its own ends of both."""
    channel, theirs = socket.socketpair()
    with theirs:
        try:
            output, printing = os.pipe()
        except OSError:
            channel.close()
            raise
        channel.setblocking(False)
        os.set_blocking(output, False)
        return channel, output, (theirs.detach(), printing)
