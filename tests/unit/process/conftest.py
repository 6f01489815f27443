from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import uvloop
from observing import open_cgroups

from cloudwright.process.proc_title import CHILD_VARIABLE

# Its first loop opens a pipe for the whole process, which stays.
uvloop.new_event_loop().close()


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Iterator[None]:
    """No process, whosever child it has become, and no descriptor."""
    before = set(os.listdir("/proc/self/fd"))
    # Servers that other tests of the same run share.
    others = set(psutil.Process().children(recursive=True))
    yield
    assert [child for child in psutil.Process().children(recursive=True) if not _is_of(child, others)] == []
    assert _marked() == []
    cgroups = open_cgroups()
    if cgroups is not None:
        cgroups.close()
        assert not cgroups.folder.exists()
    assert set(os.listdir("/proc/self/fd")) <= before


def _is_of(process: psutil.Process, others: set[psutil.Process]) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process in others or not others.isdisjoint(process.parents())
    return True


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
