"""A NATS server of the tests' own, on a free port of this machine, gone when they end."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _program() -> str:
    found = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise RuntimeError("the tests need the program `nats-server`: run scripts/need-nats")
    return found


class NatsServer:
    """A server that keeps its port across ``crash`` and ``start``; ``remove`` ends it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cwnats-"))
        self._port = -1
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns when the server accepts connections."""
        self._process = subprocess.Popen(
            [_program(), "-a", "127.0.0.1", "-p", str(self._port)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if "Listening for client connections on" in line:
                self._port = int(line.rsplit(":", 1)[1])
            if "Server is ready" in line:
                return
        raise RuntimeError("nats-server did not start:\n" + "".join(said))

    def crash(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            assert self._process.stderr is not None
            self._process.stderr.close()
            self._process = None

    def remove(self) -> None:
        self.crash()
        shutil.rmtree(self._folder)
