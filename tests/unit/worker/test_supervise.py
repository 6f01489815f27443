"""An agent that is kept running by a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SUPERVISE = """
import sys
from pathlib import Path
from cloudwright.worker import supervise
supervise._FIRST_PAUSE = 0.0
sys.exit(supervise.supervise(sys.argv[2:], Path(sys.argv[1])))
"""
#: Says its number, and waits for SIGTERM.
AGENT = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.write(1, b"%d\\n" % os.getpid())
signal.sigwait({signal.SIGTERM})
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with start(tmp_path, AGENT) as process:
        yield process
        process.kill()


def start(home: Path, code: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SUPERVISE, str(home), sys.executable, "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_one_that_dies_is_started_anew_and_one_that_is_stopped_is_not(
    supervisor: subprocess.Popen[str],
) -> None:
    first = said(supervisor)
    os.kill(first, signal.SIGKILL)
    second = said(supervisor)
    assert second != first
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


def test_one_that_its_manager_does_not_want_is_not_started_again(tmp_path: Path) -> None:
    with start(tmp_path, "import sys; sys.exit(76)") as process:
        assert process.wait(60) == 76


def test_there_is_one_for_each_home(supervisor: subprocess.Popen[str], tmp_path: Path) -> None:
    said(supervisor)
    assert (tmp_path / "supervisor").read_text() == f"{supervisor.pid}\n"
    with start(tmp_path, "raise SystemExit(3)") as second:
        assert second.wait(60) == 0
    supervisor.terminate()
    assert supervisor.wait(60) == 0
