"""Files that were read, and from which of them each element of the merged blueprint came."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from cloudwright.dsl.problems import Path
from cloudwright.dsl.source_positions import SourcePositions


@dataclass(slots=True)
class SourceFile:
    """One file: ``location`` is its name for people, ``folder`` where its own relative imports are looked
    for.

    ``labels``, ``blueprint_labels`` and ``resource_tags`` come with an installed plugin and not from its
    file.
    """

    location: str
    text: str
    data: dict[str, Any]
    folder: FilePath | None = None
    #: The folder below which its relative imports may lie.
    root: FilePath | None = None
    namespace: str | None = None
    cloudify_types: bool = False
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Whether a mapping in it has a key twice.
    repeats: bool = False
    marks: SourcePositions = field(init=False)

    def __post_init__(self) -> None:
        self.marks = SourcePositions(self.text)


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int | None
    column: int | None


class Origins:
    """Finds where an element of the merged blueprint was written.

    An element is known by its section and name; what is inside of it has the same path in the merged
    blueprint and in its file, but for relationships that another file added to a node template.
    """

    def __init__(self, main: SourceFile) -> None:
        self._main = main
        self._sections: dict[str, SourceFile] = {}
        self._elements: dict[tuple[str, str], tuple[SourceFile, str]] = {}
        self._added_relationships: dict[str, list[tuple[int, SourceFile, str]]] = {}

    def section(self, name: str, document: SourceFile) -> None:
        self._sections[name] = document

    def element(self, section: str, name: str, document: SourceFile, written: str) -> None:
        self._elements[section, name] = (document, written)

    def element_source(self, section: str, name: str) -> tuple[SourceFile, str] | None:
        return self._elements.get((section, name))

    def relationships(self, node: str, first: int, document: SourceFile, written: str) -> None:
        """From index ``first`` on, the relationships of ``node`` are those of ``written`` in ``document``."""
        self._added_relationships.setdefault(node, []).append((first, document, written))

    def find(self, path: Path, *, key: bool = False) -> Place:
        document, inner = self._source(path)
        mark = document.marks.find(inner, key=key)
        return Place(document.location, *(mark or (None, None)))

    def _source(self, path: Path) -> tuple[SourceFile, Path]:
        if not path:
            return self._main, path
        section = str(path[0])
        if len(path) == 1:
            return self._sections.get(section, self._main), path
        name = str(path[1])
        if section == "node_templates" and len(path) > 3 and path[2] == "relationships":
            index = path[3]
            for first, document, written in reversed(self._added_relationships.get(name, [])):
                if isinstance(index, int) and index >= first:
                    return document, (section, written, "relationships", index - first, *path[4:])
        document, written = self._elements.get(
            (section, name), (self._sections.get(section, self._main), name)
        )
        return document, (section, written, *path[2:])
