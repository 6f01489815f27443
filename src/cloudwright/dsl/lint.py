"""What a blueprint may say and probably does not mean: noted as warnings, which never refuse anything.

A name that is one slip of the finger away from one that would have a meaning has none of its own: a function
so written is a plain mapping, and an operation so written is called by no workflow. Both are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from cloudwright.dsl.functions.syntax import FUNCTIONS
from cloudwright.dsl.plugins import Files, Target
from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.problems import Path
from cloudwright.dsl.source_files import SourceFile

_SHORTEST = 4
_LONGEST_FUNCTION = max(map(len, FUNCTIONS)) + 2
#: How alike names with an underscore are that are taken for each other; of shorter words too many are alike.
_ALIKE = 0.8
#: How many different names are compared with others, and with how many: comparing is slow.
_MOST = 500
_LONGEST_TEXT = 500
_QUOTED_FUNCTION = re.compile(r"\s*\{\s*(\w+)\s*:\s.*\}\s*", re.DOTALL)


class Linter:
    def __init__(self, problems: ProblemCollector) -> None:
        self._problems = problems
        self._functions: dict[str, str | None] = {}
        #: Mappings that were reported; nodes share what they inherit.
        self._told: set[int] = set()

    def repeated_keys(self, documents: Iterable[SourceFile]) -> None:
        """Keys that a mapping has twice: the last one is the one that counts."""
        for document in documents:
            if not document.repeats:
                continue
            for name, first, line, column in document.marks.repeated():
                self._problems.warn_at(
                    document,
                    line,
                    column,
                    f"`{name}` is in this mapping twice: what line {first} says of it has no effect.",
                )

    def functions(self, value: Any, path: Path) -> None:
        """Mappings in ``value`` whose only name is almost a function's, with arguments that would fit it."""
        for mapping, name, place in _lone_names(value, path):
            meant = self._function(name)
            if (
                meant is None
                or id(mapping) in self._told
                or FUNCTIONS[meant].check(mapping[name]) is not None
            ):
                continue
            self._told.add(id(mapping))
            self._problems.warn(
                (*place, name),
                f"`{name}` is not an intrinsic function, so this mapping stays as it is written.",
                suggestion=meant,
            )
        for text, place in _texts(value, path):
            found = _QUOTED_FUNCTION.fullmatch(text)
            if found is not None and found[1] in FUNCTIONS:
                self._problems.warn(
                    place, f"This is a text, and not the function `{found[1]}`: it is in quotes."
                )

    def implementation(self, target: Target, path: Path, files: Files) -> None:
        """A function's name that none can have, such as a script's path behind the plugin ``script``."""
        if all(part.isidentifier() for part in target.operation.split(".")):
            return
        self._problems.warn(
            path,
            f"`{target.operation}` cannot be a function of the plugin `{target.plugin}`, as this says."
            " A script is named by its path alone.",
            suggestion=target.operation if files.has(target.operation) else None,
        )

    def operations(
        self, own: Mapping[str, Mapping[str, Any]], declared: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Interfaces and operations that are almost those which a type has already."""
        for interface, operations in own.items():
            known = declared.get(interface)
            for name, operation in operations.items():
                if known is None:
                    meant = slip(interface, declared)
                    if meant is not None:
                        self._problems.warn(
                            operation.path[:-1],
                            f"`{interface}` is not among the type's interfaces, so it is a new one.",
                            key=True,
                            suggestion=meant,
                        )
                    break
                meant = None if name in known else slip(name, known)
                if meant is not None:
                    self._problems.warn(
                        operation.path,
                        f"`{name}` is not among the operations of the type's `{interface}`, so it is a new"
                        " one.",
                        key=True,
                        suggestion=meant,
                    )

    def _function(self, name: str) -> str | None:
        if name not in self._functions:
            if len(self._functions) >= _MOST:
                return None
            meant = slip(name, FUNCTIONS)
            if meant is None and ("_" in name or "-" in name):
                meant = next(iter(get_close_matches(name, FUNCTIONS, n=1, cutoff=_ALIKE)), None)
            self._functions[name] = meant
        return self._functions[name]


def slip(name: str, names: Collection[str]) -> str | None:
    """Return the one of ``names`` from which ``name`` differs in capitals, or in one letter that is missing,
    added, or another, or in two that changed places. Digits are not letters: `step1` and `step2` are both
    meant.
    """
    if len(name) < _SHORTEST or len(names) > _MOST:
        return None
    return next((other for other in names if _is_slip(name, other)), None)


def _is_slip(name: str, other: str) -> bool:
    if name == other or abs(len(name) - len(other)) > 1:
        return False
    if name.lower() == other.lower():
        return True
    start = 0
    for mine, yours in zip(name, other, strict=False):
        if mine != yours:
            break
        start += 1
    mine, yours = name[start:], other[start:]
    while mine and yours and mine[-1] == yours[-1]:
        mine, yours = mine[:-1], yours[:-1]
    one_letter = len(mine) <= 1 and len(yours) <= 1
    swapped = len(mine) == 2 and mine == yours[::-1]
    return (one_letter or swapped) and not any(letter.isdigit() for letter in mine + yours)


def _lone_names(value: Any, path: Path) -> Iterator[tuple[dict[str, Any], str, Path]]:
    """The mappings in ``value`` that have the form of a function and are none, with their only name."""
    pending = [(value, path)]
    while pending:
        item, place = pending.pop()
        if item.__class__ is dict:
            names = [name for name in item if name != "type"] if len(item) < 3 else ()
            if len(names) == 1 and isinstance(names[0], str) and names[0] not in FUNCTIONS:
                name = names[0]
                if _SHORTEST <= len(name) <= _LONGEST_FUNCTION:
                    yield item, name, place
            pending.extend(
                (inner, (*place, key))
                for key, inner in item.items()
                if inner.__class__ is dict or inner.__class__ is list
            )
        elif item.__class__ is list:
            pending.extend(
                (inner, (*place, index))
                for index, inner in enumerate(item)
                if inner.__class__ is dict or inner.__class__ is list
            )


def _texts(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """The short texts in ``value`` that begin with a brace."""
    pending = [(value, path)]
    while pending:
        item, place = pending.pop()
        if item.__class__ is str:
            if item[:1] == "{" and len(item) <= _LONGEST_TEXT:
                yield item, place
        elif item.__class__ is dict:
            pending.extend((inner, (*place, key)) for key, inner in item.items())
        elif item.__class__ is list:
            pending.extend((inner, (*place, index)) for index, inner in enumerate(item))
