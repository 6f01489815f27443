"""Checks that a mapping has the entries that its place in the language allows, and says what else it could
have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.versions import OLDEST, Version, name_of, since

NUMBER: tuple[type, ...] = (int, float)
ANY: tuple[type, ...] = (list, bool, int, float, str, dict)

_WORDS: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean (true or false)",
    int: "an integer",
    float: "a number",
    dict: "a mapping",
    list: "a list",
    type(None): "nothing",
}


@dataclass(frozen=True, slots=True)
class Field:
    """An entry that a mapping may have: the types its value may be of, and whether it has to be there."""

    types: tuple[type, ...]
    required: bool = False


Shape = Mapping[str, Field]

STRING = Field((str,))
REQUIRED_STRING = Field((str,), required=True)
BOOLEAN = Field((bool,))
INTEGER = Field((int,))
LIST = Field((list,))
MAPPING = Field((dict,))
VALUE = Field(ANY)


def word(value: Any) -> str:
    return _WORDS.get(type(value), f"a {type(value).__name__}")


def with_article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def words(types: tuple[type, ...]) -> str:
    if types == NUMBER:
        return "a number"
    return " or ".join(_WORDS.get(kind, kind.__name__) for kind in types)


class Checker:
    """Checks shapes for one blueprint, whose version decides what there is."""

    def __init__(self, problems: ProblemCollector, version: Version) -> None:
        self.problems = problems
        self.version = version

    def is_a(self, path: Path, value: Any, *types: type) -> bool:
        if isinstance(value, types):
            return True
        self.problems.add(path, f"This is {word(value)}.", expected=words(types))
        return False

    def names(self, path: Path, value: Any) -> bool:
        """Return whether ``value`` is a mapping whose keys are all strings."""
        if not self.is_a(path, value, dict):
            return False
        for key in value:
            if not isinstance(key, str):
                self.problems.add(
                    (*path, key if isinstance(key, int) else str(key)),
                    f"The name `{key}` is {word(key)}.",
                    key=True,
                    expected="a string: put it in quotes",
                )
                return False
            if not key.isprintable():
                self.problems.add(path, f"The name {key!r} holds a character that cannot be seen.", key=True)
                return False
        return True

    def fields(self, path: Path, value: Any, shape: Shape, kind: str) -> bool:
        """Return whether ``value`` has this shape. ``kind`` names the place, as in ``versions.SINCE``."""
        if not self.names(path, value):
            return False
        good = True
        meant = set()
        for name, item in value.items():
            field = shape.get(name)
            if field is None:
                suggestion = closest(name, [entry for entry in shape if entry not in value])
                meant.add(suggestion)
                self.problems.add(
                    (*path, name),
                    f"`{name}` is not an entry of {with_article(kind)}.",
                    key=True,
                    expected=f"one of {listing(shape, most=20)}",
                    suggestion=suggestion,
                )
                good = False
            elif item is None:
                if field.required:
                    good = self.missing(path, name, kind)
            elif not isinstance(item, field.types):
                self.problems.add((*path, name), f"`{name}` is {word(item)}.", expected=words(field.types))
                good = False
            elif not self.available((*path, name), kind, name):
                good = False
        for name, field in shape.items():
            if field.required and name not in value and name not in meant:
                good = self.missing(path, name, kind)
        return good

    def missing(self, path: Path, name: str, kind: str) -> bool:
        self.problems.add(path, f"This {kind} has no `{name}`, which is required.", key=True)
        return False

    def available(self, path: Path, kind: str, name: str) -> bool:
        """Return whether this version of the language has the element; notes a problem if it has not."""
        first = since(kind, name)
        if first is OLDEST or self.version >= first:
            return True
        self.problems.add(
            path,
            f"`{name}` was added in {name_of(first)}, and this blueprint is {name_of(self.version)}.",
            key=True,
        )
        return False
