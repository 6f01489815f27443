"""A manager that serves HTTPS, and what a start says about its transport."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from manager_process import running_manager

from certificates import self_signed

CFY = [sys.executable, "-c", "from cloudwright.cli.main import main; main()"]


def run(program: list[str], home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDWRIGHT_")}
    return subprocess.run(
        [*program, *arguments],
        env=environ | {"CLOUDWRIGHT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_line_of_this_machine_uses_it(tmp_path: Path) -> None:
    pem = self_signed(tmp_path)
    with running_manager(tmp_path, tls_cert=pem, tls_key=pem) as manager:
        done = run(CFY, manager.home, "status")
        assert done.returncode == 0, done.stderr
        assert "https://127.0.0.1:" in done.stdout
        assert "without TLS" not in manager.log()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--tls-cert", "server.pem"], "both a certificate (--tls-cert) and its key"),
        (["--tls-cert", "nowhere.pem", "--tls-key", "server.pem"], "No such file or directory"),
        (["--tls-cert", "no.pem", "--tls-key", "server.pem"], "must be PEM files that belong together"),
    ],
)
def test_what_cannot_be_used_is_said_at_once(tmp_path: Path, options: list[str], error: str) -> None:
    self_signed(tmp_path)
    (tmp_path / "no.pem").write_text("no certificate")
    given = [option if option.startswith("--") else str(tmp_path / option) for option in options]
    done = run([sys.executable, "-m", "cloudwright.cli.server"], tmp_path / "home", "up", *given)
    assert done.returncode == 1
    assert error in done.stderr
    assert not (tmp_path / "home").exists()


def test_plain_http_beyond_this_machine_is_warned_about(tmp_path: Path) -> None:
    with running_manager(tmp_path, host="0.0.0.0") as manager:
        assert "Listening on 0.0.0.0 without TLS" in manager.log()
