"""The order in which things that build on each other can be read: what they build on first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.problems import Path, closest, listing

#: How many levels of types may build on each other.
MOST_LEVELS = 60


def ordered(names: Iterable[str], needs: Callable[[str], Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """``names`` with what each needs before it, and the cycles that were found, each as a list of its
    members."""
    order: list[str] = []
    cycles: list[list[str]] = []
    state: dict[str, int] = {}  # 1: being looked at, 2: done
    for start in names:
        if start in state:
            continue
        state[start] = 1
        trail = [(start, iter(needs(start)))]
        while trail:
            name, pending = trail[-1]
            for needed in pending:
                seen = state.get(needed)
                if seen is None:
                    state[needed] = 1
                    trail.append((needed, iter(needs(needed))))
                    break
                if seen == 1:
                    members = [member for member, _ in trail]
                    cycles.append(members[members.index(needed) :])
            else:
                trail.pop()
                state[name] = 2
                order.append(name)
    return order, cycles


def parents(problems: ProblemCollector, section: str, raw: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the parent of each type that has one which exists; the others are noted."""
    result = {}
    for name, entry in raw.items():
        parent = entry.get("derived_from") if isinstance(entry, dict) else None
        if not isinstance(parent, str):
            continue
        if parent in raw:
            result[name] = parent
        else:
            path: Path = (section, name, "derived_from")
            problems.add(
                path,
                f"There is no {kind} `{parent}`, from which `{name}` is derived.",
                expected=f"one of {listing(raw)}",
                suggestion=closest(parent, raw),
            )
    return result


def note_cycles(problems: ProblemCollector, section: str, cycles: Iterable[list[str]], what: str) -> set[str]:
    """Note each cycle once, at its first member, and return all members of cycles."""
    members: set[str] = set()
    for cycle in cycles:
        chain = " -> ".join(f"`{name}`" for name in (*cycle, cycle[0]))
        problems.add((section, cycle[0]), f"{what} in a circle: {chain}.", key=True)
        members.update(cycle)
    return members


def note_depth(
    problems: ProblemCollector, section: str, order: Iterable[str], needs: Callable[[str], Iterable[str]]
) -> set[str]:
    """Notes what builds on more than ``MOST_LEVELS`` levels of others. ``order`` has what is needed first."""
    levels: dict[str, int] = {}
    for name in order:
        levels[name] = 1 + max((levels.get(needed, 0) for needed in needs(name)), default=0)
    deep = {name for name, level in levels.items() if level > MOST_LEVELS}
    if deep:
        first = min(deep, key=lambda name: levels[name])
        problems.add(
            (section, first), f"`{first}` builds on more than the limit of {MOST_LEVELS} levels.", key=True
        )
    return deep
