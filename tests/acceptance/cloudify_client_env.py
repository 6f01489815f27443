"""The command line of Cloudify 7.0.5, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

CLOUDIFY_CFY = Path(__file__).parents[2] / ".peers" / "cloudify" / "bin" / "cfy"


class Cfy:
    """The real `cfy`, with a home directory of its own."""

    def __init__(self, home: Path) -> None:
        assert CLOUDIFY_CFY.exists(), (
            f"there is no {CLOUDIFY_CFY}: make it with `python3.11 -m venv` and `cloudify==7.0.5`"
        )
        home.mkdir()
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CFY_WORKDIR": str(home),
            "LANG": "C.UTF-8",
        }
        self._folder = home

    def use(self, credentials: dict[str, str]) -> None:
        """Log in to the manager of a `credentials.json`."""
        port = credentials["url"].rpartition(":")[2]
        user = ("-u", credentials["username"], "-p", credentials["password"])
        self("profiles", "use", "127.0.0.1", "--rest-port", port, *user, "-t", credentials["tenant"])

    def __call__(self, *words: object, code: int = 0) -> str:
        """Run a command, see that it ends with this exit code, and answer what it printed."""
        ran = subprocess.run(
            [str(CLOUDIFY_CFY), *map(str, words)],
            env=self._environ,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
        )
        assert ran.returncode == code, f"cfy {words} ended with {ran.returncode}:\n{ran.stdout}"
        return ran.stdout

    def begin(self, *words: object) -> subprocess.Popen[str]:
        """Start a command that is expected to take longer than its caller can wait."""
        return subprocess.Popen(
            [str(CLOUDIFY_CFY), *map(str, words)],
            env=self._environ,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def run_python(self, script: str) -> subprocess.Popen[str]:
        """Run a script by the interpreter that `cfy` has, which reads and prints lines."""
        return subprocess.Popen(
            [str(CLOUDIFY_CFY.with_name("python")), "-W", "ignore", script],
            env=self._environ,
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
