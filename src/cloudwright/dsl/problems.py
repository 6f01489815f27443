"""What is wrong with a blueprint, said so that its author can mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Any

from cloudwright.errors import InvalidBlueprint

#: Where an element stands in a document: keys of mappings and indexes of lists, from the root.
Path = tuple[str | int, ...]

#: How many names are compared with a misspelt one, and how long they may be.
_MOST = 500
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or, as a warning, probably not meant.

    ``line`` and ``column`` count from 1 and are None if no place can be named. ``path`` is the element's
    path as text, ``expected`` what would have been right, ``suggestion`` the existing name closest to the one
    written.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str = ""
    expected: str | None = None
    suggestion: str | None = None

    def __str__(self) -> str:
        text = self.message
        if self.expected:
            text += f" Expected: {self.expected}."
        if self.suggestion:
            text += f" Did you mean `{self.suggestion}`?"
        if self.path:
            text += f" (at {self.path})"
        if not self.file:
            return text
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {text}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def with_names(self, names: Mapping[str, str]) -> Problem:
        """Return the problem with the names of folders, by path, instead of the paths."""
        message, file = self.message, self.file
        for folder, name in names.items():
            message = message.replace(folder, name)
            file = file and file.replace(folder, name)
        return replace(self, message=message, file=file)


class BlueprintError(InvalidBlueprint):
    """A blueprint was refused; ``problems`` holds everything that was found, at least one. ``warnings`` are
    no reason for it.
    """

    def __init__(self, problems: Iterable[Problem], warnings: Iterable[Problem] = ()) -> None:
        self.problems = list(problems)
        self.warnings = list(warnings)
        lines = [str(problem) for problem in self.problems]
        head = (
            "The blueprint is not valid: "
            if len(lines) == 1
            else (f"The blueprint is not valid, {len(lines)} problems were found:\n")
        )
        super().__init__(head + "\n".join(lines))


def closest(name: object, names: Iterable[object]) -> str | None:
    """Return the name in ``names`` that ``name`` is probably a misspelling of, if there is one."""
    if not isinstance(name, str) or len(name) > _LONGEST:
        return None
    candidates = [
        candidate for candidate in names if isinstance(candidate, str) and len(candidate) <= _LONGEST
    ]
    if len(candidates) > _MOST:
        # Comparing is slow: of many names only those are looked at that differ in a letter or two.
        likely = (candidate for candidate in candidates if abs(len(candidate) - len(name)) <= 2)
        letters = set(name)
        candidates = [candidate for candidate in likely if len(letters ^ set(candidate)) <= 4][:_MOST]
    found = get_close_matches(name, candidates, n=1, cutoff=0.6)
    if found:
        return found[0]
    lowered = {candidate.lower(): candidate for candidate in candidates}
    tail = [candidate for candidate in candidates if candidate.rpartition(".")[2] == name]
    return lowered.get(name.lower()) or (tail[0] if tail else None)


def path_text(path: Path) -> str:
    """``("node_templates", "vm", "relationships", 0)`` as ``node_templates.vm.relationships[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def listing(names: Iterable[object], *, most: int = 12) -> str:
    """Names for a message, shortened if there are many."""
    ordered = sorted(str(name) for name in names)
    if not ordered:
        return "none"
    shown = ", ".join(f"`{name}`" for name in ordered[:most])
    return shown if len(ordered) <= most else f"{shown} and {len(ordered) - most} more"
