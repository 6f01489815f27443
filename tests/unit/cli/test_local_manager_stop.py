"""`cloudwright down` ends the manager that holds a home, and says the truth where there is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudwright.cli.failure import Failure
from cloudwright.cli.local_manager_stop import end_manager

#: Holds the home as a manager does; ``deaf`` ignores SIGTERM.
HOLDER = """
import fcntl, os, signal, sys
lock = open(sys.argv[1], "a+")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.truncate(0)
lock.write(str(os.getpid()))
lock.flush()
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("held", flush=True)
signal.pause()
"""


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started = []

    def start(how: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "manager.lock"), how], stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_where_none_ever_ran_there_is_none(tmp_path: Path) -> None:
    assert end_manager(tmp_path) is None


def test_a_manager_is_asked_and_waited_for(
    tmp_path: Path, hold: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    process = hold("polite")
    assert end_manager(tmp_path) == process.pid
    assert process.wait() == -15
    assert end_manager(tmp_path) is None


def test_one_that_does_not_end_is_named(
    tmp_path: Path, hold: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    process = hold("deaf")
    with pytest.raises(Failure, match=f"process {process.pid}. has not ended"):
        end_manager(tmp_path, patience=0.2)
