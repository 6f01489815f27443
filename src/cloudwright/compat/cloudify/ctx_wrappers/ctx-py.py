"""``from cloudify import ctx`` of a Python script on another machine: each use runs the ``ctx`` command."""

from __future__ import annotations

import json
import subprocess
from typing import Any


class _Path:
    """A part of the context, by the words that lead to it."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def __getattr__(self, name: str) -> _Path:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Path(*self._words, name)

    def __call__(self, *args: Any) -> Any:
        command = ["ctx", "-j", *self._words, *("@" + json.dumps(arg) for arg in args)]
        ran = subprocess.run(command, capture_output=True, check=False)
        if ran.returncode:
            raise RuntimeError(ran.stderr.decode("utf-8", "replace").strip())
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    def __getitem__(self, key: str) -> Any:
        return self(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self(key, value)

    def get(self, key: str, default: Any = None) -> Any:
        value = self(key)
        return default if value is None else value


ctx = _Path()
