"""The reference parser as a long-lived process beside the tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from cloudwright.dsl import types

ROOT = Path(__file__).parents[3]
INTERPRETER = ROOT / ".peers" / "cloudify" / "bin" / "python"
_SERVER = Path(__file__).with_name("reference_server.py")


class Reference:
    """Asks Cloudify's parser what it makes of a blueprint. Our own types are served to it."""

    def __init__(self, folder: Path) -> None:
        for minor in range(6):
            # Dumped twice over JSON, so that no YAML alias is left in it.
            data = json.loads(json.dumps(types.document(f"1_{minor}").data))
            (folder / f"types_1_{minor}.yaml").write_text(yaml.safe_dump(data))
        self._process = subprocess.Popen(
            [str(INTERPRETER), "-W", "ignore", str(_SERVER), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, path: Path, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"path": str(path), **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the reference parser's process has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()
