"""Ends what an earlier life of the worker left running, before anything is said of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from cloudwright.process import orphans
from cloudwright.process.cgroups import Cgroups
from cloudwright.process.process_table import child_key
from cloudwright.worker.journal import JournalContents

log = logging.getLogger(__name__)


async def end_leftovers(found: JournalContents, cgroups: Cgroups | None) -> list[dict[str, Any]]:
    """End all that operations which had not ended have started; returns them as an inventory has them."""
    keys = {child_key(operation, attempt): (operation, attempt) for operation, attempt in found.accepted}
    left: set[str] = set()
    if keys:
        names = {key: operation for key, (operation, _) in keys.items()}
        living = await asyncio.to_thread(orphans.find, names, cgroups)
        if living:
            log.warning(
                "ending processes that an earlier run left: %s", ", ".join(orphan.name for orphan in living)
            )
        for orphan in await orphans.kill(living):
            log.error("processes %s of operation %s live on", orphan.pids, orphan.name)
            left.add(orphan.name)
    return [
        {
            "operation": operation,
            "attempt": attempt,
            "state": "left" if operation in left else "died",
        }
        for operation, attempt in found.accepted
    ]
