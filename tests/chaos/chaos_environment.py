"""One home with its manager, which is run again whenever it was killed."""

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
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cloudwright.client.api import Client
from cloudwright.client.errors import ConnectionFailed, Unavailable
from cloudwright.client.target import Target

from .clock import wrong_clock
from .history import Entry, History

T = TypeVar("T")
HERE = Path(__file__).parent
PLUGINS = HERE / "blueprint" / "plugins"
START_SECONDS = 60.0
SETTINGS = {
    "MAX_WORKFLOWS": "9",
    "MAX_OPERATIONS": "16",
    "KILL_GRACE": "0.4",
    "TASK_RETRIES": "3",
    "TASK_RETRY_INTERVAL": "0.1",
    "RECONCILE_INTERVAL": "1",
}
# A package index is not asked by what is installed here: it needs nothing.
OFFLINE = {"PIP_NO_INDEX": "1"}


class ChaosEnvironment:
    """``keep`` keeps the manager alive from a thread of its own, and notes each life in the history."""

    def __init__(
        self,
        folder: Path,
        database_url: str | None = None,
        outage: Callable[[], None] | None = None,
        start_seconds: float = START_SECONDS,
    ) -> None:
        """``outage`` takes the database away and brings it back; None where it cannot go away. A manager may
        take ``start_seconds`` to answer.
        """
        self._start_seconds = start_seconds
        self.folder = folder
        self.outage = outage
        self.home = folder / "home"
        self.event_log = folder / "event_log"
        self.database_url = database_url or f"sqlite:///{self.home / 'cloudwright.db'}"
        self.history = History()
        self.process: subprocess.Popen[str] | None = None
        self._ways = itertools.cycle(("off", "auto"))
        #: Managers that ended although nobody killed them.
        self.faults: list[str] = []
        self._log = folder / "manager.log"
        self._client: Client | None = None
        # Not closed before the end: somebody may be asking one that answers no more.
        self._clients: list[Client] = []
        self._answers = threading.Event()
        self._ending = threading.Event()
        self._keeper: threading.Thread | None = None
        self.armed = ""
        self._clock = folder / "clock"
        self._fuses: list[str] = []
        self._pauses: list[float] = []
        for name in ("home", "tmp", "locks"):
            (folder / name).mkdir()
        self.event_log.touch()
        self.set_clock(0)

    # The manager.

    def start(self) -> None:
        assert self._live(""), self.log()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def arm(self, fuses: list[str], pauses: list[float]) -> None:
        """The manager's next lives begin with these fuses; the present one ends now if there are any."""
        self._fuses, self._pauses = list(fuses), list(pauses)
        if self._fuses:
            self.kill("to begin a life with a fuse")

    def disarm(self) -> None:
        """No more fuses; answers when a manager without one lives."""
        self._fuses = []
        if self.armed:
            self.kill("to end the life with a fuse")
        self.client()

    def kill(self, why: str) -> None:
        process = self.process
        self.history.note("kill_manager", why=why, pid=process.pid if process else None)
        if process is not None:
            self._answers.clear()
            process.kill()
            process.wait()

    def stop(self) -> None:
        """End it as an operator would."""
        self._ending.set()
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(self._start_seconds)
        if code != 0:
            self.faults.append(f"the manager ended with exit code {code} when it was told to end")
        self._close()

    def abort(self) -> None:
        """End it at once: something went wrong already."""
        self._ending.set()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self) -> None:
        if self._keeper is not None:
            self._keeper.join()
        for client in self._clients:
            client.close()

    def client(self) -> Client:
        """Of the manager that lives now, or of the next one."""
        if not self._answers.wait(self._start_seconds * 2):
            raise AssertionError(f"no manager answers any more:\n{self.log()[-4000:]}")
        assert self._client is not None
        return self._client

    def asked(self, question: Callable[[Client], T], patience: int = 200) -> T:
        """The answer to a question that may be asked again where the manager dies meanwhile."""
        while True:
            try:
                return question(self.client())
            except (ConnectionFailed, Unavailable):
                patience -= 1
                if patience <= 0:
                    raise
                self._ending.wait(0.05)

    def blown(self) -> list[Entry]:
        """The fuses that blew: ``point``, and in which process (``pid``). Of messages, the first that was
        lost.
        """
        file = self.folder / "blown"
        lines = map(json.loads, file.read_text().splitlines()) if file.exists() else ()
        return [
            Entry(line["time"], "blown", None, {"point": line["point"], "pid": line["pid"]}) for line in lines
        ]

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def set_clock(self, hours: int) -> None:
        """Have the manager's clock be wrong by so many hours, from now on."""
        new = self._clock.with_suffix(".new")
        new.write_text(f"{3600 * hours:+d}")
        new.replace(self._clock)

    def upload(self) -> None:
        self.upload_to(self.client(), "chaos", 0)

    def upload_to(self, client: Client, blueprint: str, seconds: float) -> None:
        """Upload the blueprint. No two have the same plugin to install, which takes so long at least."""
        archive = io.BytesIO()
        told = json.dumps({"for": blueprint, "event_log": str(self.event_log), "seconds": seconds}).encode()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(HERE / "blueprint", "chaos", filter=_source)
            tar.add(PLUGINS / "chaos", "chaos/plugins/fresh/chaos", filter=_source)
            entry = tarfile.TarInfo("chaos/plugins/fresh/fresh.json")
            entry.size = len(told)
            tar.addfile(entry, io.BytesIO(told))
        archive.seek(0)
        client.blueprints.upload(blueprint, archive, main_file="blueprint.yaml")

    def _keep(self) -> None:
        while not self._ending.is_set():
            assert self.process is not None
            code = self.process.wait()
            if self._ending.is_set():
                return
            self._answers.clear()
            self.history.note("manager_died", code=code)
            if code != -signal.SIGKILL:
                self.faults.append(f"the manager ended by itself with exit code {code}")
            self._ending.wait(self._pauses.pop() if self._pauses else 0)
            while not self._ending.is_set() and not self._live(self._fuses.pop() if self._fuses else ""):
                self.history.note("manager_died_starting")

    def _live(self, fuse: str) -> bool:
        """Start it and wait until it answers; whether it lived so long."""
        self.armed = fuse
        environ = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDWRIGHT_")}
        environ |= {f"CLOUDWRIGHT_{name}": value for name, value in SETTINGS.items()}
        environ |= {
            "CLOUDWRIGHT_DATABASE_URL": self.database_url,
            # Each life finds what operations started in the other way than the one before.
            "CLOUDWRIGHT_CGROUPS": next(self._ways),
            "CHAOS_FUSE": fuse,
            "CHAOS_BLOWN": str(self.folder / "blown"),
            "TMPDIR": str(self.folder / "tmp"),
        }
        environ |= OFFLINE | wrong_clock(self._clock)
        self.history.note("start_manager", fuse=fuse)
        with self._log.open("a") as log:
            log.write(f"--- a manager is started, with the fuse `{fuse}` ---\n")
            log.flush()
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "manager.py"), "up", "--home", str(self.home), "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
                env=environ,
            )
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            ready, _, _ = select.select([stdout], [], [], self._start_seconds)
            line = stdout.readline() if ready else ""
        if "answers at http" not in line:
            if not line and not ready:
                self.faults.append(f"the manager did not answer within {self._start_seconds:g} s")
                self.process.kill()
            code = self.process.wait()
            if code != -signal.SIGKILL and self.outage is None:
                self.faults.append(f"the manager did not start: exit code {code}")
            return False
        told = json.loads((self.home / "credentials.json").read_text())
        self._client = Client(Target(url=told["url"], username=told["username"], token=told["token"]))
        self._clients.append(self._client)
        self.history.note("manager_answers", pid=self.process.pid, fuse=fuse)
        self._answers.set()
        return True


def _source(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in info.name else info
