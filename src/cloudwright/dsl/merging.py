"""Merges a blueprint's files into one document, and remembers for each element which file it came from."""

from __future__ import annotations

from typing import Any

from cloudwright.dsl.imports import Imports
from cloudwright.dsl.namespaces import OWN_PREFIX, SECTIONS, under
from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.source_files import Origins, SourceFile
from cloudwright.dsl.structure_checks import word
from cloudwright.dsl.versions import MERGEABLE_SINCE, VERSION_KEY, Version, name_of

#: Every file may have its own; they mean nothing to the others.
_PER_FILE = frozenset({"dsl_definitions", "imports", VERSION_KEY})
#: The first file that has one decides.
_FIRST_WINS = frozenset({"description", "metadata"})
_MERGEABLE = frozenset(
    {
        "node_types",
        "plugins",
        "workflows",
        "relationships",
        "policy_types",
        "policy_triggers",
        "groups",
        "data_types",
    }
)
_MERGEABLE_LATER = frozenset(
    {"inputs", "outputs", "node_templates", "capabilities", "blueprint_labels", "labels", "resource_tags"}
)
#: A key that two files have is the first file's.
_FIRST_KEY_WINS = frozenset({"labels", "blueprint_labels", "resource_tags"})


def merge(imports: Imports, version: Version, origins: Origins, problems: ProblemCollector) -> dict[str, Any]:
    """Return one document with the sections of all files."""
    return _Merger(version, origins, problems).merge(imports)


class _Merger:
    def __init__(self, version: Version, origins: Origins, problems: ProblemCollector) -> None:
        self._version = version
        self._origins = origins
        self._problems = problems
        self._merged: dict[str, Any] = {}

    def merge(self, imports: Imports) -> dict[str, Any]:
        for document in imports.documents:
            for section, content in document.data.items():
                if section not in _PER_FILE:
                    self._section(document, section, content)
            for section, content in document.extra.items():
                self._plugin_labels(document, section, content)
        main = imports.documents[0].data
        self._merged[VERSION_KEY] = main.get(VERSION_KEY)
        if "dsl_definitions" in main:
            self._merged["dsl_definitions"] = main["dsl_definitions"]
        self._merged["imported_blueprints"] = list(imports.blueprints.values())
        self._merged["namespaces_mapping"] = dict(imports.blueprints)
        return self._merged

    def _section(self, document: SourceFile, section: str, content: Any) -> None:
        first = section not in self._merged
        if not first and section in _FIRST_WINS:
            return
        if first:
            self._origins.section(section, document)
            if section not in SECTIONS or not isinstance(content, dict):
                self._merged[section] = content
                return
            self._merged[section] = {}
        elif not self._may_merge(document, section):
            return
        if content is None:
            return
        target = self._merged[section]
        if target is None:
            target = self._merged[section] = {}
        if not isinstance(content, dict) or not isinstance(target, dict):
            self._problems.add(
                (section,), f"`{section}` is {word(content)}.", expected="a mapping", document=document
            )
            return
        for name, element in content.items():
            self._element(document, section, target, name, element)

    def _may_merge(self, document: SourceFile, section: str) -> bool:
        if section in _MERGEABLE or (section in _MERGEABLE_LATER and self._version >= MERGEABLE_SINCE):
            return True
        hint = f" before {name_of(MERGEABLE_SINCE)}" if section in _MERGEABLE_LATER else ""
        self._problems.add(
            (section,),
            f"The section `{section}` may stand in one file only{hint}.",
            key=True,
            document=document,
        )
        return False

    def _element(
        self, document: SourceFile, section: str, target: dict[str, Any], name: Any, element: Any
    ) -> None:
        written = name
        if document.namespace and isinstance(name, str):
            name, element = under(document.namespace, section, name, element)
        replaces = document.cloudify_types or (isinstance(name, str) and name.startswith(OWN_PREFIX))
        if name not in target or replaces:
            target[name] = element
            self._origins.element(section, str(name), document, str(written))
        elif section == "node_templates":
            self._node_template(document, target, name, written, element)
        elif section == "workflows" and isinstance(element, dict) and isinstance(target[name], dict):
            target[name] = {**element, **target[name]}
        elif section not in _FIRST_KEY_WINS:
            self._conflict(document, section, name, written)

    def _conflict(self, document: SourceFile, section: str, name: str, written: str) -> None:
        other = self._origins.find((section, name), key=True)
        place = other.file if other.line is None else f"{other.file}:{other.line}"
        self._problems.add(
            (section, written),
            f"`{name}` is defined a second time in `{section}`; it is defined in {place} already.",
            key=True,
            document=document,
        )

    def _node_template(
        self, document: SourceFile, target: dict[str, Any], name: str, written: str, element: Any
    ) -> None:
        """A file may add relationships to a node template of another; that is the only thing it may add."""
        known = target[name]
        if (
            not isinstance(known, dict)
            or not isinstance(element, dict)
            or not isinstance(known.get("relationships"), list)
            or not isinstance(element.get("relationships", []), list)
        ):
            self._conflict(document, "node_templates", name, written)
            return
        only_adds = set(element) == {"relationships"}
        if not only_adds and not (len(known) == 1 and "type" in element):
            self._conflict(document, "node_templates", name, written)
            return
        first = len(known["relationships"])
        self._origins.relationships(name, first, document, written)
        relationships = [*known["relationships"], *element.get("relationships", [])]
        if not only_adds:
            earlier = self._origins.element_source("node_templates", name)
            self._origins.element("node_templates", name, document, written)
            if earlier is not None:
                self._origins.relationships(name, 0, *earlier)
                self._origins.relationships(name, first, document, written)
        target[name] = {**known, **element, "relationships": relationships}

    def _plugin_labels(self, document: SourceFile, section: str, content: dict[str, Any]) -> None:
        wrapped = {"labels", "blueprint_labels"}
        entries = {key: {"values": item} if section in wrapped else item for key, item in content.items()}
        self._section(document, section, entries)
