"""T1 again and again beside what is measured."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import chains
from managed import ENDED, Asking, Manager


@contextmanager
def many_operations(managed: Manager, nodes: int) -> Iterator[None]:
    """``install`` and ``uninstall`` of so many nodes, in turns, until the block is over."""
    chains.write(managed.folder / "chains", nodes)
    managed.upload("chains", managed.folder / "chains")
    enough = threading.Event()
    thread = threading.Thread(target=_run, args=(managed, enough))
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def _run(managed: Manager, enough: threading.Event) -> None:
    asking = Asking(managed.url, managed.token)
    for workflow in itertools.cycle(("install", "uninstall")):
        body = {"workflow_id": workflow, "deployment_id": "chains"}
        id = asking.ask("POST", "/executions", body)["id"]
        while asking.ask("GET", f"/executions/{id}")["status"] not in ENDED:
            if enough.wait(0.1):
                return
