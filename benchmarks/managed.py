"""A manager of the benchmark's own: started, asked, and looked at from outside.

Every program of this folder that needs one takes ``--database URL`` (SQLite in the manager's home where it is
not given) and prints its figures as one line of JSON; ``run.py`` runs them and makes the table.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from cloudwright.client.api import Client
from cloudwright.client.target import Target

HERE = Path(__file__).parent
API = "/api/v3.1"
ENDED = ("terminated", "cancelled", "failed")


def options(description: str | None, **numbers: int) -> argparse.Namespace:
    """The command line of a program: ``--database``, and an option for each number with its default."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--database", metavar="URL", default="", help="a PostgreSQL database without tables")
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{default} by default")
    return parser.parse_args()


def answer(**figures: float | None) -> None:
    print(json.dumps(figures), flush=True)


class Manager:
    """One home and one database, over which managers are started one after the other.

    ``client`` is the project's own, ``ask`` a connection that costs little, for what is timed.
    """

    def __init__(self, folder: Path, database: str, **settings: object) -> None:
        self.folder = folder
        self.home = folder / "home"
        names = {f"CLOUDWRIGHT_{name.upper()}": str(value) for name, value in settings.items()}
        if database:
            names["CLOUDWRIGHT_DATABASE_URL"] = database
        self._env = {**os.environ, **names, "PYTHONPATH": str(HERE.parent / "src")}
        self._log = (folder / "log").open("a")

    def start(self) -> float:
        """Seconds until it answered."""
        begun = time.perf_counter()
        command = [sys.executable, str(HERE / "counted_manager.py"), "up", "--home", str(self.home)]
        self.process = subprocess.Popen(
            [*command, "--port", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=self._env,
        )
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            raise RuntimeError((self.folder / "log").read_text())
        taken = time.perf_counter() - begun
        # The first start hashes a password, which takes 64 MiB for a moment: the peak is counted from here.
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        told = json.loads((self.home / "credentials.json").read_text())
        self.url, self.token = told["url"], told["token"]
        self.client = Client(Target(url=self.url, username=told["username"], token=self.token))
        self.asking = Asking(self.url, self.token)
        return taken

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def database(self) -> str:
        """Its URL."""
        return self._env.get("CLOUDWRIGHT_DATABASE_URL") or f"sqlite:///{self.home / 'cloudwright.db'}"

    def commits(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def crash(self) -> None:
        """``kill -9``."""
        self.client.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait()

    def upload(self, name: str, folder: Path, **inputs: object) -> None:
        """A blueprint and a deployment of that name."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(folder, name)
        archive.seek(0)
        self.client.blueprints.upload(name, archive, main_file="blueprint.yaml")
        self.client.deployments.create(name, blueprint_id=name, inputs=inputs)

    def run(self, workflow: str, deployment: str, **parameters: object) -> str:
        """Start an execution; its id."""
        given = {"workflow_id": workflow, "deployment_id": deployment, "parameters": parameters}
        id: str = self.asking.ask("POST", "/executions", given)["id"]
        return id

    def until_end(self, execution: str, pause: float = 0.1) -> dict[str, Any]:
        """The execution as it ended. It is asked for so seldom that asking costs the manager nothing."""
        while True:
            row = self.asking.ask("GET", f"/executions/{execution}")
            if row["status"] in ENDED:
                return row
            time.sleep(pause)

    def processes(self) -> dict[str, psutil.Process]:
        """The manager and its zygotes: ``manager``, ``workflows``, ``operations``."""
        found = {"manager": psutil.Process(self.pid)}
        for child in found["manager"].children():
            title = " ".join(child.cmdline())
            for role in ("workflows", "operations"):
                if f"zygote {role}" in title:
                    found[role] = child
        return found

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time so far: of the manager, each zygote, and what it forked and reaped."""
        spent = {}
        for role, process in self.processes().items():
            times = process.cpu_times()
            own, children = times.user + times.system, times.children_user + times.children_system
            if role == "manager":
                spent["manager"] = own
            else:
                spent[f"{role} zygote"], spent[role] = own, children
        return spent

    def peak_memory(self) -> float:
        """MiB: the most that the manager's process had resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class Asking:
    """One connection that is kept, without anything between: what it costs is the server's."""

    def __init__(self, url: str, token: str) -> None:
        where = urlsplit(url)
        assert where.hostname is not None
        self._connection = HTTPConnection(where.hostname, where.port)
        self._connect()
        self._headers = {"Authentication-Token": token, "Content-Type": "application/json"}

    def close(self) -> None:
        self._connection.close()

    def _connect(self) -> None:
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def raw(self, method: str, path: str, body: object = None) -> bytes:
        content = None if body is None else json.dumps(body)
        if select.select([self._connection.sock], [], [], 0)[0]:
            # Nothing was asked, so this is the end: the manager closes connections that idle.
            self._connection.close()
            self._connect()
        self._connection.request(method, API + path, body=content, headers=self._headers)
        response = self._connection.getresponse()
        read = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {read.decode()}")
        return read

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return json.loads(self.raw(method, path, body))

    def follow(self, execution: str) -> Iterator[tuple[str, Any]]:
        """What the stream of an execution says: its kind (``event``, ``status``) and its data."""
        self._connection.request(
            "GET", f"{API}/events/stream?execution_id={execution}&include_logs=false", headers=self._headers
        )
        response = self._connection.getresponse()
        kind = ""
        while line := response.readline():
            name, _, value = line.decode().rstrip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)


class Ear:
    """A datagram socket to which operations say that they run: words, and the clock that all processes share.

    It always listens: few datagrams fit into a socket, and a sender waits while it is full.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ear"
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            self._heard.put(self._socket.recv(4096))

    def hear(self, seconds: float = 60.0) -> tuple[list[str], float]:
        """The next words, and when they were said (``time.monotonic``). Raises TimeoutError."""
        try:
            *words, when = self._heard.get(timeout=seconds).decode().split()
        except queue.Empty:
            raise TimeoutError(f"no operation said anything for {seconds} s") from None
        return words, float(when)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@contextmanager
def manager(database: str, **settings: object) -> Iterator[Manager]:
    """A manager that runs, in a temporary folder; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        made = Manager(Path(name), database, **settings)
        made.start()
        try:
            yield made
        finally:
            made.stop()
