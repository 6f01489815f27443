from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import uvloop

from cloudwright.process.zygote import CHILD_VARIABLE

# Its first loop opens a pipe for the whole process, which stays.
uvloop.new_event_loop().close()


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Iterator[None]:
    """No process, whosever child it has become, and no descriptor."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert psutil.Process().children(recursive=True) == []
    assert _marked() == []
    assert set(os.listdir("/proc/self/fd")) <= before


def _marked() -> list[str]:
    """The children, and what they started, of these tests: their names hold this process's number."""
    mark = f"{CHILD_VARIABLE}=test {os.getpid()} ".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append(f"{folder.name}: {(folder / 'cmdline').read_bytes()!r}")
        except OSError:
            continue
    return found
