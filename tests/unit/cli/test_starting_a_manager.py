"""`cloudwright up` where it cannot: words that help and exit code 1, and nothing left running."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest


def up(home: Path | str, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "cloudwright.cli.server", "up", "--home", str(home), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize("home", ["/proc/nowhere", "a-file/below"])
def test_a_home_that_nothing_can_be_kept_in(tmp_path: Path, home: str) -> None:
    (tmp_path / "a-file").write_text("")
    code, said = up(tmp_path / home, "--port", "0")
    assert code == 1
    assert said.startswith(f"Error: The home {tmp_path / home} cannot be used: ")
    assert "--home or CLOUDWRIGHT_HOME" in said


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = up(tmp_path, "--port", str(port))
    assert code == 1
    assert (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another with --port" in said
    )


def test_an_address_that_this_machine_does_not_have(tmp_path: Path) -> None:
    code, said = up(tmp_path, "--host", "192.0.2.1", "--port", "0")
    assert code == 1
    assert "Choose another with --host" in said
    assert "--port" not in said
