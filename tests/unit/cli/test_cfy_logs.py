"""`cfy logs`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cfy_command import CFY, Run

from cloudwright.cli.local_manager import LARGEST_LOG, LocalManager


def test_the_last_lines_are_shown(bare: Run, home: Path) -> None:
    home.mkdir()
    # Longer than a block, so that several are read.
    (home / "manager.log").write_text("".join(f"line {number:06} \x1b[2J\n" for number in range(20_000)))
    assert bare("logs", "-n", "2").stdout == "line 019998 \nline 019999 \n"
    assert len(bare("logs").stdout.splitlines()) == 100
    assert len(bare("logs", "-n", "15000").stdout.splitlines()) == 15_000


def test_what_has_no_log_here_is_said(bare: Run, home: Path) -> None:
    missing = bare("logs")
    assert missing.exit_code == 1
    assert f"There is no log at {home / 'manager.log'}" in missing.stderr
    elsewhere = bare("logs", "--manager", "manager.example")
    assert elsewhere.exit_code == 1
    assert "keeps its log on its own machine" in elsewhere.stderr
    assert not home.exists()


def test_a_log_is_followed_into_the_one_that_takes_its_place(home: Path) -> None:
    home.mkdir()
    log = home / "manager.log"
    log.write_text("before\n")
    process = subprocess.Popen(
        [*CFY, "logs", "-f"], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "before\n"
        with log.open("a") as file:
            file.write("aft")
            file.flush()
            file.write("er\n")
        assert process.stdout.readline() == "after\n"
        log.rename(home / "manager.log.1")
        log.write_text("again\n")
        assert process.stdout.readline() == "again\n"
    finally:
        process.kill()
        process.communicate()


def test_a_large_log_is_put_aside_at_the_next_start(home: Path) -> None:
    home.mkdir()
    log = home / "manager.log"
    log.write_bytes(b"x" * (LARGEST_LOG + 1))
    manager = LocalManager(home, announce=lambda _: None)
    manager._rotate_log()
    assert not log.exists()
    assert (home / "manager.log.1").stat().st_size == LARGEST_LOG + 1
    log.write_text("small")
    manager._rotate_log()
    assert log.read_text() == "small"
