"""What a blueprint and the files that it imports define: types, inputs, nodes, and where they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from cloudwright.dsl import types
from cloudwright.dsl.imports import Importer, read_document
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.namespaces import join
from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.problems import BlueprintError
from cloudwright.dsl.resolver import Imported, NoImports
from cloudwright.dsl.source_files import Origins, Place, SourceFile
from cloudwright.dsl.versions import VERSION_KEY, VERSIONS
from cloudwright.dsl.yaml_reader import Budget

#: Sections of which each entry is a name.
SECTIONS = (
    "inputs",
    "node_types",
    "relationships",
    "data_types",
    "node_templates",
    "plugins",
    "workflows",
    "groups",
    "policies",
    "capabilities",
    "outputs",
)
#: More levels of types than the parser takes end a search.
_MOST_LEVELS = 100


@dataclass(frozen=True, slots=True)
class Definition:
    """A name as one file defines it, under the name that is written there; ``raw`` is what it says."""

    name: str
    section: str
    written: str
    document: SourceFile = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)

    def place(self, *members: str) -> Place:
        """Return where it is defined, or one of its members; line and column count from 1."""
        file = str(types.FILE) if self.document.cloudify_types else self.document.location
        found = self.document.marks.find((self.section, self.written, *members), key=True)
        return Place(file, *(found or (1, 1)))


@dataclass(slots=True)
class Names:
    """What the files of one blueprint define, by section and name."""

    defined: dict[str, dict[str, Definition]] = field(
        default_factory=lambda: {section: {} for section in SECTIONS}
    )

    def of(self, section: str) -> Mapping[str, Definition]:
        return self.defined[section]

    def chain(self, section: str, name: str) -> Iterator[Definition]:
        """Yield a type and those that it is derived from."""
        for _ in range(_MOST_LEVELS):
            found = self.defined[section].get(name)
            if found is None:
                return
            yield found
            parent = found.raw.get("derived_from")
            if not isinstance(parent, str):
                return
            name = parent

    def members(self, section: str, name: str, kind: str) -> dict[str, tuple[Mapping[str, Any], Definition]]:
        """Return the ``kind`` of a type (`properties`, `interfaces` ...), inherited ones too: each with what
        it is and with the type that says so.
        """
        found: dict[str, tuple[Mapping[str, Any], Definition]] = {}
        for definition in self.chain(section, name):
            for member, raw in _mapping(definition.raw.get(kind)).items():
                found.setdefault(str(member), (_mapping(raw), definition))
        return found

    def type_of_node(self, node: str) -> str | None:
        found = self.defined["node_templates"].get(node)
        kind = found.raw.get("type") if found is not None else None
        return kind if isinstance(kind, str) else None


def collect(path: FilePath, text: str) -> Names:
    """Return what the blueprint at ``path`` defines, of which ``text`` is the content. Raises BlueprintError
    if that is no YAML.
    """
    limits = Limits()
    budget = Budget(limits)
    main = read_document(Imported(str(path), text, path.parent), None, budget)
    names = Names()
    for document in _documents(main, limits, budget):
        for section in SECTIONS:
            for name, raw in _mapping(document.data.get(section)).items():
                _add(names, document, section, str(name), raw)
    return names


def _documents(main: SourceFile, limits: Limits, budget: Budget) -> list[SourceFile]:
    said = main.data.get(VERSION_KEY)
    version = said if isinstance(said, str) and said in VERSIONS else max(VERSIONS)
    main.root = main.folder
    problems = ProblemCollector(Origins(main), limits)
    try:
        return Importer(main, version, NoImports(), budget, problems).load().documents
    except BlueprintError:
        # Of imports that cannot be read the diagnostics say so.
        return [main]


def _add(names: Names, document: SourceFile, section: str, name: str, raw: Any) -> None:
    full = name if document.cloudify_types else join(document.namespace, name) or name
    definition = Definition(full, section, name, document, _mapping(raw))
    # Of a node that several files make, the first one is the main file's.
    names.defined[section].setdefault(full, definition)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
