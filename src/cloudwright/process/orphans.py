"""Finds and ends what children left behind whose zygote is dead: killed alone, or together with its manager.

A child is known by its name: its cgroup has it as an attribute, its processes in their environment, and as a
number in their limits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloudwright.process.cgroups import Cgroups
from cloudwright.process.limits import DEATH_SECONDS
from cloudwright.process.process_table import ProcessTable
from cloudwright.process.process_tree import LOOKS, CgroupTree, MarkedTree, Tree, kill_trees


@dataclass(frozen=True, slots=True)
class Orphan:
    """What lives of the child called ``name``: some of its process ids, and the whole tree."""

    name: str
    pids: tuple[int, ...]
    tree: Tree


def find(children: Mapping[str, str], cgroups: Cgroups | None = None) -> list[Orphan]:
    """What lives of children with these keys (``process_table.child_key``) and names, in cgroups and
    elsewhere. Blocks.
    """
    found: list[Orphan] = [
        Orphan(children[key], tuple(pid for pid, _ in members), tree)
        for key, folder in (cgroups.find(children) if cgroups is not None else ())
        if (members := (tree := CgroupTree(folder)).members())
    ]
    trees = {MarkedTree(name, key, None, None): set[int]() for key, name in children.items()}
    looks = 0
    # A process that forks and ends while a look passes it by is found by the next, in its child.
    while looks < LOOKS:
        table = ProcessTable()
        for marked, pids in trees.items():
            pids.update(pid for pid, _ in marked.members(table))
        looks += table.complete
    return found + [
        Orphan(marked.name, tuple(sorted(pids)), marked) for marked, pids in trees.items() if pids
    ]


async def kill(orphans: Iterable[Orphan], *, seconds: float = DEATH_SECONDS) -> list[Orphan]:
    """SIGKILL all of them until they are gone; returns those that live on after ``seconds``."""
    trees = {orphan.tree: orphan for orphan in orphans}
    left = await asyncio.to_thread(kill_trees, list(trees), time.monotonic() + seconds)
    return [trees[tree] for tree in left]
