"""How much of the disk a manager's home takes, and what of it."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

#: Names of what is in the home, as users know it; all else is `other`.
_KINDS = {
    "artifacts": "archives",
    "blueprints": "blueprints",
    "uploads": "blueprints",
    "plugins": "plugin environments",
    "plugin_wheels": "plugins",
    "uploaded_plugins": "plugins",
    "snapshots": "snapshots",
    "workdirs": "working folders",
}
DATABASE, OTHER = "database", "other"


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes: ``free`` on the disk of the home, and what is ``used`` for what."""

    free: int
    used: dict[str, int]


class DiskMeter:
    """Measures a home; those who ask meanwhile share the result."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._measuring: asyncio.Future[DiskUse] | None = None

    async def measure(self) -> DiskUse:
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.ensure_future(asyncio.to_thread(measure, self._home))
        return await asyncio.shield(self._measuring)


def measure(home: Path) -> DiskUse:
    """Return what the home takes of the disk; what disappears meanwhile is not counted."""
    used = dict.fromkeys((DATABASE, *_KINDS.values(), OTHER), 0)
    for entry in os.scandir(home):
        kind = DATABASE if entry.name.startswith("cloudwright.db") else _KINDS.get(entry.name, OTHER)
        used[kind] += _bytes(entry)
    return DiskUse(shutil.disk_usage(home).free, {kind: size for kind, size in used.items() if size})


def _bytes(entry: os.DirEntry[str]) -> int:
    total, waiting = 0, [entry]
    while waiting:
        one = waiting.pop()
        try:
            # What a file takes, not how long it is: most of a home are small files.
            total += one.stat(follow_symlinks=False).st_blocks * 512
            if one.is_dir(follow_symlinks=False):
                with os.scandir(one) as inside:
                    waiting += inside
        except FileNotFoundError:
            continue
    return total
