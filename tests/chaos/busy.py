"""Processes that keep the machine busy beside a manager."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# They end with the process that started them, however that ends: then nobody holds the other end of the pipe.
_SPIN = """\
import os, threading
def watch():
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=watch).start()
while True:
    pass
"""


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile."""
    processes = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", _SPIN], stdin=subprocess.PIPE)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()
