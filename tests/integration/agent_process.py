"""A real agent in a process of its own, and a proxy before its manager that cuts and goes silent."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import psutil
from manager_process import WAIT_SECONDS

from cloudwright.client.api import Client


class CuttingProxy:
    """Passes connections on to a port, until ``cut`` (they end, and new ones too) or ``silence`` (nothing
    passes, and nothing ends). Downloads that begin after ``hold`` wait; ``held`` is set by the first.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open = threading.Event()
        self._open.set()
        self._refusing = False
        self._holding = b""
        self.held = threading.Event()
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def to(self, port: int) -> None:
        """Connect to another port from here on: the manager was started again."""
        self._target = port

    def cut(self) -> None:
        self._refusing = True
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def silence(self) -> None:
        self._open.clear()

    def hold(self, kind: str) -> None:
        """Let no download of files of this kind pass from here on."""
        self._holding = f"GET /agents/v1/{kind}".encode()
        self.held.clear()

    def mend(self) -> None:
        self._refusing = False
        self._holding = b""
        self._open.set()

    def close(self) -> None:
        self.mend()
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for source, target in ((client, server), (server, client)):
                self._sockets.add(source)
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._open.wait()
                if self._holding and data.startswith(self._holding):
                    self.held.set()
                    continue
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._sockets.discard(source)
        source.close()


class AgentProcess:
    """The agent of a host; ``start`` runs it again over the same home."""

    def __init__(self, home: Path, client: Client, host: str, port: int) -> None:
        self.name = host
        self.home = home
        self._url = f"http://127.0.0.1:{port}"
        self.token = client.agents.enroll(host)["token"]
        self.process: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, said: str = "connected to") -> None:
        """Start it; returns when it is connected, or has said something else."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDWRIGHT_")}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cloudwright.cli.server", "agent"),
                *("--manager", self._url, "--home", str(self.home)),
            ],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environ | {"CLOUDWRIGHT_AGENT_TOKEN": self.token},
        )
        self.await_line(said)

    def await_line(self, text: str) -> str:
        """Wait until it has said this in its log."""
        assert self.process is not None
        assert self.process.stderr is not None
        said = ""
        while text not in said:
            ready, _, _ = select.select([self.process.stderr], [], [], WAIT_SECONDS)
            line = os.read(self.process.stderr.fileno(), 65536).decode() if ready else ""
            said += line
            assert line, f"the agent did not say {text!r}, but {said!r}"
        return said

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(WAIT_SECONDS)
        self._close()

    def kill9(self) -> None:
        """Kill the agent's process and its zygotes together, so that nobody ends what they had started."""
        assert self.process is not None
        agent = psutil.Process(self.process.pid)
        agent.suspend()
        for zygote in agent.children():
            zygote.kill()
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stderr is not None:
            self.process.stderr.close()
