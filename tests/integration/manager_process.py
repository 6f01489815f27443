"""A real manager in a process of its own, the sleeper blueprint, and ways to look at it from
outside.

What a test waits for is always an event: the manager's stream of events, or a line on the event log that the
operations write.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from cloudwright.client.api import Client
from cloudwright.client.following import follow
from cloudwright.client.target import Target

BLUEPRINT = Path(__file__).parents[1] / "fixtures" / "sleeper_plugin"
START_SECONDS = 100  # many times what it takes: the machine may be busy
WAIT_SECONDS = 60


class ManagerProcess:
    """One manager over one home; ``restart`` runs it again over the same home after ``kill9``."""

    def __init__(
        self,
        folder: Path,
        *,
        program: Path | None = None,
        environment: dict[str, str] | None = None,
        **settings: object,
    ) -> None:
        """``program`` is run in place of ``cloudwright``, with ``environment`` besides the settings."""
        self._program = ["-m", "cloudwright.cli.server"] if program is None else [str(program)]
        self.home = folder / "home"
        self.event_log = folder / "event_log"
        self.event_log.touch()
        self._log = folder / "manager.log"
        self._settings = {f"CLOUDWRIGHT_{name.upper()}": str(value) for name, value in settings.items()}
        self._settings |= environment or {}
        self._numbers = itertools.count(1)
        #: Where it listens from its next start on; 0 is a free port.
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        assert self._client is not None, "the manager was not started"
        return self._client

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the manager was not started"
        return self._process

    # The manager.

    def start(self) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDWRIGHT_")}
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *self._program,
                    "up",
                    "--home",
                    str(self.home),
                    "--port",
                    str(self.port),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
                env=environ | self._settings,
            )
        printed = self.process.stdout
        assert printed is not None
        ready, _, _ = select.select([printed], [], [], START_SECONDS)
        line = printed.readline() if ready else ""
        assert "answers at http" in line, f"the manager did not start: {line!r}\n{self.log()}"
        told = json.loads((self.home / "credentials.json").read_text())
        assert told["url"] in line
        self._client = Client(Target(url=told["url"], username=told["username"], token=told["token"]))

    def stop(self) -> None:
        """End the manager as an operator would; it must leave no process behind."""
        if self._client is not None:
            self._client.close()
        if self._process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(WAIT_SECONDS) == 0, self.log()
        self.close_output()

    def kill9(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
        self.close_output()

    def close_output(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()

    def restart(self) -> None:
        self.start()

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def await_log(self, text: str) -> None:
        """Wait until the manager has said this in its log."""
        with watching(self._log) as changed:
            while text not in self.log():
                changed()

    # The application.

    def deploy(self) -> str:
        """Make a new deployment of the sleeper blueprint; return its id."""
        number = next(self._numbers)
        if number == 1:
            archive = io.BytesIO()
            with tarfile.open(fileobj=archive, mode="w:gz") as tar:
                tar.add(
                    BLUEPRINT, "sleeper", filter=lambda info: None if "__pycache__" in info.name else info
                )
            archive.seek(0)
            self.client.blueprints.upload("sleeper", archive, main_file="blueprint.yaml")
        deployment = f"sleeper{number}"
        self.client.deployments.create(
            deployment, blueprint_id="sleeper", inputs={"event_log": str(self.event_log)}
        )
        return deployment

    def run(
        self, workflow: str, deployment: str | None = None, *, queue: bool = False, **parameters: object
    ) -> str:
        """Start a workflow, on a new deployment if none is given; return the execution's id."""
        deployment = deployment or self.deploy()
        return self.client.executions.start(workflow, deployment, parameters=parameters, queue=queue)["id"]

    def cancel(self, id: str, how: str = "cancel", **more: Any) -> dict[str, Any]:
        return dict(self.client.executions.cancel(id, how, **more))

    # Looking at it.

    def status(self, id: str) -> str:
        return self.client.executions.get(id)["status"]

    def end(self, id: str) -> dict[str, Any]:
        """Wait until the execution is over; return it as it was then."""
        *_, last = follow(self.client, id)
        return dict(last)

    def event(self, id: str, matches: Callable[[dict[str, Any]], bool] | str) -> dict[str, Any]:
        """Wait for the first event that matches (a function, or a part of its type or message); answers
        it.
        """
        if isinstance(matches, str):
            text = matches

            def matches(event: dict[str, Any]) -> bool:
                return text in str(event.get("event_type")) or text in str(event.get("message"))

        for told in follow(self.client, id):
            event = dict(told)
            if "status" not in event and matches(event):
                return event
        raise AssertionError(f"execution {id} ended without that event:\n{self.story(id)}")

    def events(self, id: str) -> list[dict[str, Any]]:
        return [dict(event) for event in follow(self.client, id) if "status" not in event]

    def story(self, id: str) -> str:
        events = self.client.events.list(execution_id=id).items
        return "\n".join(
            f"{event.get('event_type') or event.get('level')}: {event['message']}" for event in events
        )

    def operations(self, id: str) -> list[dict[str, Any]]:
        return [dict(one) for one in self.client.operations.list(execution_id=id).items]

    def logged_lines(self) -> list[list[str]]:
        return [line.split() for line in self.event_log.read_text().splitlines()]

    def logged(self, *words: str) -> list[list[str]]:
        return [line for line in self.logged_lines() if tuple(line[: len(words)]) == words]

    def await_logged(self, *words: str) -> list[str]:
        """Wait for a line on the event log that begins with these words; return it."""
        with watching(self.event_log) as changed:
            while not self.logged(*words):
                changed()
        return self.logged(*words)[0]


@contextmanager
def running_manager(folder: Path, **given: Any) -> Iterator[ManagerProcess]:
    """``given`` is what ``ManagerProcess`` takes."""
    manager = ManagerProcess(folder, **given)
    manager.start()
    try:
        yield manager
    finally:
        manager.stop()
        left = leftovers(manager.home)
        for process in left:
            process.kill()
        assert not left, f"processes were left behind: {left}"


def leftovers(home: Path) -> list[psutil.Process]:
    """Processes that were started by the manager of this home and still live."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        cwd = process.info["cwd"] or ""
        if cwd.startswith(str(home)) or any(str(home) in part for part in process.info["cmdline"] or ()):
            found.append(process)
    return found


def alive(pid: int | str) -> bool:
    """Whether the process exists and is not only waiting to be reaped."""
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def workflow_processes(id: str) -> list[int]:
    """The living processes that were forked for the execution."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if f"cloudwright {id}" in " ".join(process.info["cmdline"] or ()):
            found.append(process.pid)
    return found


def await_death(pid: int | str, seconds: float = 10) -> None:
    try:
        process = psutil.Process(int(pid))
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(seconds)
    except psutil.NoSuchProcess:
        pass


@contextmanager
def watching(file: Path) -> Iterator[Callable[[], object]]:
    """Waits for changes of a file by the kernel's notices."""
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHER, str(file)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    changes = process.stdout
    assert changes is not None
    assert changes.read(1) == b"."
    try:
        yield lambda: changes.read(1)
    finally:
        process.kill()
        process.wait()
        changes.close()


WATCHER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
notices = libc.inotify_init()
assert libc.inotify_add_watch(notices, sys.argv[1].encode(), 0x2) >= 0
os.write(1, b".")
while os.read(notices, 4096):
    os.write(1, b".")
"""
