"""Removes folders of the home that nothing needs any more, one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from cloudwright.errors import NotFound
from cloudwright.storage import deployments
from cloudwright.storage.store import Store

#: A working folder that was changed so lately (seconds) may be one that an operation is just making.
YOUNGEST = 3600.0

log = logging.getLogger(__name__)


async def remove_orphaned_workdirs(store: Store, workdirs: Path, youngest: float = YOUNGEST) -> int:
    """Remove the working folders of deployments that are gone, and return how many these were.

    The deletion of a deployment removes its folder; this is for what a crash, or a file that could not be
    removed, left.
    """
    removed = 0
    for folder in await asyncio.to_thread(lambda: list(_old_folders(workdirs, youngest))):
        try:
            await store.read(deployments.get, folder.parent.name, folder.name)
        except NotFound:
            log.info("Removing the working folder of deployment %s, which is gone.", folder.name)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            removed += 1
    return removed


def _old_folders(workdirs: Path, youngest: float) -> Iterator[Path]:
    before = time.time() - youngest
    for folder in workdirs.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            if folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < before:
                yield folder
