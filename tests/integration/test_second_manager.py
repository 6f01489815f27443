"""A second manager over one database is refused for as long as the first lives, and no longer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from manager_process import ManagerProcess, alive, await_death, running_manager

from postgres import PostgresServer

LOCK = 7273002
HOLDERS = (
    "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
    f" WHERE l.locktype = 'advisory' AND l.objid = {LOCK} AND l.granted"
)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shared.db"
    return str(request.getfixturevalue("postgres").create_empty_database())


def refused(folder: Path, url: str) -> str:
    """The error of a second manager."""
    done = subprocess.run(
        [
            sys.executable, "-m", "cloudwright.cli.server", "up", "--home", str(folder / "second" / "home"),
            "--port", "0",
        ],
        env={"CLOUDWRIGHT_DATABASE_URL": url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done
    return done.stderr


def await_holder(url: str) -> int:
    """Wait until a session holds the lock; returns its server process."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as conn:
        while not (rows := conn.execute(HOLDERS).fetchall()):
            time.sleep(0.05)
    return int(rows[0][0])


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_it_is_refused_while_the_first_lives(tmp_path: Path, url: str) -> None:
    with running_manager(tmp_path, database_url=url) as first:
        assert "Another manager uses this database" in refused(tmp_path, url)
        first.process.send_signal(signal.SIGSTOP)
        try:
            assert "Another manager uses this database" in refused(tmp_path, url)
        finally:
            first.process.send_signal(signal.SIGCONT)
        id = first.run("chain", steps=1, seconds=0.1)
        assert first.end(id)["status"] == "terminated"


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_it_starts_once_the_first_was_killed(tmp_path: Path, url: str) -> None:
    first = ManagerProcess(tmp_path, database_url=url, lease=2)
    first.start()
    id = first.run("chain", steps=1, seconds=600)
    _, _, pid = first.await_logged("start", "step0")
    first.kill9()
    await_death(pid)
    (tmp_path / "second").mkdir()
    with running_manager(tmp_path / "second", database_url=url) as second:
        assert second.client.executions.get(id)["id"] == id


def test_a_lost_session_is_taken_again(tmp_path: Path, server: PostgresServer) -> None:
    url = server.create_empty_database()
    with running_manager(tmp_path, database_url=url, kill_grace=1) as first:
        id = first.run("chain", steps=1, seconds=600)
        _, _, pid = first.await_logged("start", "step0")
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as conn:
            [[holder]] = conn.execute(HOLDERS).fetchall()
            conn.execute("SELECT pg_terminate_backend(%s)", [holder])
        assert await_holder(url) != holder
        assert alive(pid)
        assert "Another manager uses this database" in refused(tmp_path, url)
        server.crash()
        server.start()
        await_holder(url)
        assert "Another manager uses this database" in refused(tmp_path, url)
        first.cancel(id, "kill")
        assert first.end(id)["status"] == "cancelled"


def test_a_manager_whose_database_another_took_over_ends_all_that_it_runs(
    tmp_path: Path, server: PostgresServer
) -> None:
    url = server.create_empty_database()
    first = ManagerProcess(tmp_path, database_url=url)
    first.start()
    first.run("chain", steps=1, seconds=600)
    _, _, pid = first.await_logged("start", "step0")
    plain_url = url.replace("+psycopg", "")
    with psycopg.connect(plain_url, autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        # The first in the queue for the lock gets it when the session that holds it ends.
        locking = pool.submit(other.execute, f"SELECT pg_advisory_lock({LOCK})")
        with psycopg.connect(plain_url, autocommit=True) as killer:
            [[holder]] = killer.execute(HOLDERS).fetchall()
            waiting = f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK} AND NOT granted"
            while not killer.execute(waiting).fetchall():
                time.sleep(0.05)
            killer.execute("SELECT pg_terminate_backend(%s)", [holder])
        locking.result()
        assert first.process.wait(30) == 75
    await_death(pid)
    assert "Another manager took the database over" in first.log()
    first.client.close()
    first.close_output()
