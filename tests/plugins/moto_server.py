"""A moto server: AWS, as far as a test needs it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from site_of_plugins import PEERS

STATE_SCRIPT = Path(__file__).parent / "aws" / "state_script.py"


class Aws:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PEERS / "moto" / "bin" / "python", "-m", "moto.server", "-p", "0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.url = ""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found = re.search(r"Running on (http://\S+)", line)
            if found:
                self.url = found[1]
                return
        raise AssertionError("the moto server did not start")

    def close(self) -> None:
        assert self._process.stderr is not None
        self._process.terminate()
        self._process.stderr.read()
        self._process.wait()
        self._process.stderr.close()

    def state(self, *ended: str) -> dict[str, Any]:
        """What is there, after the machines ``ended`` were terminated."""
        command: list[str | Path] = [PEERS / "moto" / "bin" / "python", STATE_SCRIPT, self.url, *ended]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        state: dict[str, Any] = json.loads(ran.stdout)
        return state

    def there(self) -> dict[str, int]:
        """How many there are of what blueprints make."""
        return dict(self.state()["there"])

    def machines(self) -> dict[str, str]:
        """The types of the machines that run, by their ids."""
        return dict(self.state()["machines"])

    def terminate(self, machine: str) -> None:
        """End a machine behind the manager's back."""
        self.state(machine)
