"""A PostgreSQL server of the tests' own: on a Unix socket in a temporary folder, gone when they end."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from cloudwright.storage.schema import metadata
from cloudwright.storage.store import Store

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _binaries() -> Path:
    """The folder of the newest server that is installed. Having none is an error of the machine, not a reason
    to skip.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve())
    if not found:
        raise RuntimeError(
            "the tests need a PostgreSQL server: install `postgresql` (its `initdb` was not found)"
        )
    return found[-1].parent


class PostgresServer:
    """A server that keeps its data across ``stop`` or ``crash`` and ``start``; ``remove`` ends and deletes
    it.
    """

    #: Nothing that the tests do needs to survive a loss of power.
    settings: tuple[str, ...] = ("fsync=off", "full_page_writes=off")

    def __init__(self) -> None:
        self._binaries = _binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="cwpg-"))
        # The server refuses to run as root.
        self._identity: dict[str, Any] = {}
        if os.getuid() == 0:
            self._identity = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self.folder, "postgres", "postgres")
        self._names = count(1)
        self._process: subprocess.Popen[str] | None = None
        self._log: list[str] = []
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", "cw", "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        self.start()
        self._shared = self.create_empty_database()
        Store.open(self._shared).close()

    def clean_database(self) -> str:
        """The URL of the database that tests share, with every table and nothing in them.

        Connections to it that an earlier test left are ended first.
        """
        name = make_url(self._shared).database
        tables = ", ".join(table.name for table in metadata.sorted_tables)
        with self.connect() as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        with self.connect(name) as conn:
            conn.execute(f"TRUNCATE {tables} RESTART IDENTITY")
        return self._shared

    def create_empty_database(self) -> str:
        """The URL of a new database without tables."""
        name = f"test{next(self._names)}"
        with self.connect() as conn:
            conn.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://cw@/{name}?host={self.folder}"

    def connect(self, database: str | None = None) -> psycopg.Connection[Any]:
        """As the administrator, each statement a transaction of its own."""
        return psycopg.connect(f"host={self.folder} user=cw dbname={database or 'postgres'}", autocommit=True)

    def start(self) -> None:
        """Answers when the server takes connections."""
        self._process = subprocess.Popen(
            [
                self._binaries / "postgres",
                *("-D", str(self.folder / "data")),
                *("-k", str(self.folder)),
                *("-c", "listen_addresses="),
                *("-c", "max_connections=50"),
                *("-c", "deadlock_timeout=100ms"),
                *(part for setting in self.settings for part in ("-c", setting)),
            ],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            # It must not outlive the tests, even if they are killed.
            preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT),
            **self._identity,
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line)
            if "ready to accept connections" in line:
                break
        else:
            raise RuntimeError("PostgreSQL did not start:\n" + "".join(self._log[-20:]))
        threading.Thread(target=self._log.extend, args=(self._process.stderr,), daemon=True).start()

    def stop(self) -> None:
        """Shut it down; connections are ended, transactions rolled back."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End it at once; connections break without a word."""
        self._end(signal.SIGQUIT)

    def remove(self) -> None:
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *args],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            **self._identity,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")
