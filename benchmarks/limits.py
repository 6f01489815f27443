"""What the machine can do in a second: forks, commits, round trips; and all that one operation needs."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

#: Makes this a process of about 30 MB, whose pages a fork has to map; so nothing large is imported here.
BALLAST = [str(number) for number in range(250_000)]
IN_FLIGHT = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", metavar="URL", default="")
    parser.add_argument("--milliseconds", type=int, default=500, help="for each")
    given = parser.parse_args()
    seconds = given.milliseconds / 1000
    figures = {
        "forks/s": rate(lambda: wait(fork()), seconds),
        "forks/s, 2 in flight": forks_at_once(seconds),
        "round trips/s": round_trips(seconds),
    }
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        for durable in ("NORMAL", "FULL"):
            commit = sqlite_commits(Path(name) / durable, durable)
            figures[f"SQLite {durable} commits/s"] = rate(commit, seconds)
        figures["operations/s"] = operations(sqlite_commits(Path(name) / "all", "FULL"), seconds)
    if given.database:
        commit = postgres_commits(given.database)
        figures["PostgreSQL commits/s"] = rate(commit, seconds)
        figures["operations/s, PostgreSQL"] = operations(commit, seconds)
    print(json.dumps(figures))


def rate(act: Callable[[], object], seconds: float) -> float:
    begun, count = time.perf_counter(), 0
    while (taken := time.perf_counter() - begun) < seconds:
        act()
        count += 1
    return count / taken


def fork() -> int:
    pid = os.fork()
    if not pid:
        os._exit(0)
    return pid


def wait(pid: int) -> int:
    return os.waitpid(pid, 0)[0]


def forks_at_once(seconds: float) -> float:
    fork()

    def one() -> None:
        fork()
        wait(-1)

    result = rate(one, seconds)
    wait(-1)
    return result


def operations(commit: Callable[[], object], seconds: float) -> float:
    """For each a commit, a fork, its exit, and another commit, ten in flight: what an operation cannot do
    without.
    """
    for _ in range(IN_FLIGHT):
        fork()

    def one() -> None:
        wait(-1)
        commit()
        commit()
        fork()

    result = rate(one, seconds)
    for _ in range(IN_FLIGHT):
        wait(-1)
    return result


def sqlite_commits(file: Path, synchronous: str) -> Callable[[], object]:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, value TEXT)")
    return lambda: connection.execute("INSERT INTO rows (value) VALUES ('about as much as a state')")


def postgres_commits(url: str) -> Callable[[], object]:
    where = urlsplit(url)
    connection = importlib.import_module("psycopg").connect(
        host=parse_qs(where.query)["host"][0],
        user=where.username,
        dbname=where.path.removeprefix("/"),
        autocommit=True,
    )
    connection.execute("CREATE TABLE rows (id bigserial PRIMARY KEY, value text)")
    return lambda: connection.execute("INSERT INTO rows (value) VALUES ('about as much as a state')")


def round_trips(seconds: float) -> float:
    """Of JSON over a pair of sockets, between two processes."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if not pid:
        here.close()
        while packet := there.recv(4096):
            there.send(json.dumps(json.loads(packet)).encode())
        os._exit(0)
    there.close()

    def one() -> None:
        here.send(json.dumps({"type": "call", "id": 1, "method": "nothing", "args": {}}).encode())
        json.loads(here.recv(4096))

    result = rate(one, seconds)
    here.close()
    wait(pid)
    return result


if __name__ == "__main__":
    main()
