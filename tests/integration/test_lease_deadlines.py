"""What a manager runs under a lease of a shared database is dead before anyone may run it again, whoever is
stopped or killed: real processes, a real server, and its clock.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from manager_process import alive

import cloudwright
from cloudwright.storage import managers
from cloudwright.storage.store import Store
from postgres import PostgresServer

#: Seconds. The long one is renewed in time on a busy machine as well; of the short one only the end counts.
LONG, SHORT = 6.0, 4.0
OPERATION = """
import os, subprocess, time
def run(channel):
    started = subprocess.Popen(["sleep", "600"], start_new_session=True)
    channel.send({"type": "there", "pids": [os.getpid(), started.pid]})
    time.sleep(600)
"""
# What a manager does of this, and no more.
MANAGER = """
import asyncio, json, os, sys
from cloudwright.manager.lease_deadlines import LeaseDeadlines
from cloudwright.process.supervisor import ChildSpec, Zygote
from cloudwright.storage.managers import ManagerFacts
from cloudwright.storage.shared_use import SharedUse
from cloudwright.storage.store import database_at

class Observer:
    def frame(self, message):
        print(json.dumps({"zygote": zygote.pid, "pids": message["pids"]}), flush=True)
    def output(self, data):
        sys.stderr.buffer.write(data)
    def exited(self, status):
        print("{}", flush=True)

async def main():
    global zygote
    folder, url, lease = sys.argv[1], sys.argv[2], float(sys.argv[3])
    zygote = await Zygote.start(name="test", path=[folder], preload=["shared_operation"])
    deadlines = LeaseDeadlines(lease, zygote.extend)
    facts = ManagerFacts("m1", str(os.getpid()), "here", "host", "http://host", "1", "postgresql")
    use = SharedUse(
        database_at(url), facts, lease=lease, on_renewed=deadlines.renewed, on_lost=lambda why: os._exit(75)
    )
    await asyncio.to_thread(use.open)
    await zygote.fork(ChildSpec("o1", "shared_operation:run", {}, None), Observer())
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.clean_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


@contextmanager
def sharing_manager(folder: Path, url: str, lease: float = SHORT) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield a manager's process, and what it runs: its zygote, an operation and what that has started."""
    (folder / "shared_operation.py").write_text(OPERATION)
    source = str(Path(cloudwright.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", MANAGER, str(folder), url, str(lease)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert process.stdout is not None
    running: dict[str, Any] = {"pids": [], "zygote": 0}
    try:
        running = json.loads(process.stdout.readline())
        yield process.pid, running
    finally:
        for pid in (process.pid, running["zygote"], *running["pids"]):
            if pid and alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def await_free(store: Store) -> None:
    """Wait until the database says that another manager may run again what this one ran."""
    until = time.monotonic() + 60
    while store.read_sync(managers.alive):
        assert time.monotonic() < until, "the lease does not end"
        time.sleep(0.01)


def test_what_a_manager_runs_lives_as_long_as_it_renews(tmp_path: Path, url: str, store: Store) -> None:
    with sharing_manager(tmp_path, url, LONG) as (manager, running):
        (first,), _ = store.read_sync(managers.everyone)
        while True:
            # Longer than the lease, by the database's clock: every deadline of the beginning is over.
            (row,), now = store.read_sync(managers.everyone)
            if (now - first.renewed_at).total_seconds() > LONG:
                break
            assert now < row.lease_until
            time.sleep(0.2)
        assert all(alive(pid) for pid in (manager, running["zygote"], *running["pids"]))


def test_a_stopped_manager_and_all_that_it_runs_are_dead_before_its_lease_is_free(
    tmp_path: Path, url: str, store: Store
) -> None:
    with sharing_manager(tmp_path, url) as (manager, running):
        os.kill(manager, signal.SIGSTOP)
        await_free(store)
        assert [pid for pid in (manager, running["zygote"], *running["pids"]) if alive(pid)] == []


def test_so_are_those_of_one_that_is_killed_and_cannot_be_asked(
    tmp_path: Path, url: str, store: Store
) -> None:
    with sharing_manager(tmp_path, url) as (manager, running):
        os.kill(manager, signal.SIGKILL)
        await_free(store)
        assert [pid for pid in (running["zygote"], *running["pids"]) if alive(pid)] == []


def test_so_is_the_operation_of_a_stopped_zygote(tmp_path: Path, url: str, store: Store) -> None:
    with sharing_manager(tmp_path, url) as (manager, running):
        os.kill(running["zygote"], signal.SIGSTOP)
        os.kill(manager, signal.SIGSTOP)
        await_free(store)
        # The manager's end has its zygote continue, so that this ends what the operation started as well.
        assert [pid for pid in (manager, running["zygote"], *running["pids"]) if alive(pid)] == []
