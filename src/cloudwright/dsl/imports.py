"""Reads a blueprint and everything that it imports, breadth first, each file once per namespace."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from cloudwright.dsl import types
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.namespaces import DELIMITER, join, split_reference
from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.problems import BlueprintError, Path, Problem, closest, listing
from cloudwright.dsl.resolver import (
    OWN_TYPES,
    Imported,
    ImportRefused,
    ImportResolver,
    beside,
    own_types_version,
    path_of,
    scheme_of,
)
from cloudwright.dsl.source_files import SourceFile
from cloudwright.dsl.structure_checks import word
from cloudwright.dsl.versions import PREFIX, VERSION_KEY, VERSIONS, name_of, since
from cloudwright.dsl.yaml_reader import Budget, TextError, read_yaml


def read_document(imported: Imported, namespace: str | None, budget: Budget) -> SourceFile:
    """Return the file as a document. Raises BlueprintError if it is not a YAML mapping or is too large."""
    limits = budget.limits
    try:
        if len(imported.text) > limits.file_bytes:
            raise TextError(f"The file is larger than the limit of {limits.file_bytes} bytes.")
        data, repeats = read_yaml(imported.text, budget)
        if not isinstance(data, dict):
            raise TextError(f"A blueprint is a mapping of sections, and this file holds {word(data)}.", 1, 1)
    except TextError as error:
        problem = Problem(error.message, imported.location, error.line, error.column)
        raise BlueprintError([problem]) from error
    return SourceFile(
        imported.location,
        imported.text,
        data,
        imported.folder,
        imported.folder,
        namespace,
        extra={kind: dict(entries) for kind, entries in imported.extra.items()},
        repeats=repeats,
    )


@dataclass(slots=True)
class Imports:
    """``documents`` in the order in which they are merged, the main file first. ``blueprints`` are the
    imported ones by the namespace under which they are."""

    documents: list[SourceFile]
    blueprints: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wanted:
    parent: SourceFile
    index: int
    reference: str
    properties: Any

    @property
    def path(self) -> Path:
        return ("imports", self.index)


class Importer:
    def __init__(
        self,
        main: SourceFile,
        version: str,
        resolver: ImportResolver,
        budget: Budget,
        problems: ProblemCollector,
    ) -> None:
        self._main = main
        self._version = VERSIONS[version]
        self._short = version.removeprefix(PREFIX)
        self._resolver = resolver
        self._budget = budget
        self._limits: Limits = budget.limits
        self._problems = problems
        self._ancestors: dict[int, tuple[str, ...]] = {id(main): (main.location,)}

    def load(self) -> Imports:
        result = Imports([self._main])
        seen: dict[tuple[str, str | None], SourceFile] = {(self._main.location, None): self._main}
        pending = deque([self._main])
        while pending:
            parent = pending.popleft()
            for wanted in self._wanted(parent):
                document = self._fetch(wanted, seen, result.blueprints)
                if document is None:
                    continue
                if len(result.documents) >= self._limits.files:
                    self._problems.add(
                        wanted.path,
                        f"The blueprint imports more than the limit of {self._limits.files} files.",
                        document=parent,
                    )
                    return result
                result.documents.append(document)
                pending.append(document)
        return result

    def _wanted(self, document: SourceFile) -> Iterator[_Wanted]:
        imports = document.data.get("imports")
        if imports is None:
            return
        if not isinstance(imports, list):
            self._problems.add(
                ("imports",), f"`imports` is {word(imports)}.", expected="a list", document=document
            )
            return
        seen = set()
        for index, item in enumerate(imports):
            reference, properties = item, None
            if isinstance(item, dict) and len(item) == 1:
                reference, properties = next(iter(item.items()))
            if not isinstance(reference, str) or (
                isinstance(item, dict) and not isinstance(properties, dict)
            ):
                self._problems.add(
                    ("imports", index),
                    f"This import is {word(item)}.",
                    expected="a string, or a mapping of one plugin to its properties",
                    document=document,
                )
                continue
            if reference in seen:
                self._problems.add(
                    ("imports", index), f"`{reference}` is imported twice by this file.", document=document
                )
                continue
            seen.add(reference)
            wanted = _Wanted(document, index, reference, properties)
            if properties is not None and self._version < since("import", "properties"):
                self._refuse(
                    wanted, f"properties of an import were added in {name_of(since('import', 'properties'))}."
                )
                continue
            yield wanted

    def _refuse(self, wanted: _Wanted, reason: str, suggestion: str | None = None) -> None:
        self._problems.add(
            wanted.path,
            f"`{wanted.reference}` cannot be imported: {reason}",
            suggestion=suggestion,
            document=wanted.parent,
        )

    def _suggestion(self, parent: SourceFile, reference: str) -> str | None:
        """Return the file whose name is close to the one that was not found."""
        if scheme_of(reference) is not None:
            return None
        names = [OWN_TYPES]
        if parent.folder is not None and parent.root is not None:
            try:
                folder = (parent.folder / reference).parent
                if folder.is_dir() and folder.resolve().is_relative_to(parent.root.resolve()):
                    names += [
                        str(path.relative_to(parent.folder)) for path in islice(folder.glob("*.yaml"), 200)
                    ]
            except (OSError, ValueError):
                # No name that a file could have, so none that could be close to it.
                return None
        # It may be there and not be a text.
        return None if reference in names else closest(reference, names)

    def _fetch(
        self, wanted: _Wanted, seen: dict[tuple[str, str | None], SourceFile], blueprints: dict[str, str]
    ) -> SourceFile | None:
        own, reference = split_reference(wanted.reference)
        if own and DELIMITER in own:
            self._refuse(wanted, f"its namespace `{own}` contains `{DELIMITER}`.")
            return None
        namespace = join(wanted.parent.namespace, own)
        if reference.startswith("blueprint:") and not self._claim(wanted, namespace, reference, blueprints):
            return None
        try:
            imported, near = self._find(wanted.parent, reference)
        except ImportRefused as error:
            self._refuse(wanted, str(error), self._suggestion(wanted.parent, reference))
            return None
        known = seen.get((imported.location, namespace)) or seen.get((imported.location, None))
        if known is not None and (known.namespace == namespace or known.cloudify_types):
            if known.cloudify_types and own:
                self._refuse(wanted, "the language's own types cannot have a namespace.")
            return None
        ancestors = self._ancestors[id(wanted.parent)]
        if imported.location in ancestors:
            self._refuse(wanted, "the file imports itself under a namespace, which would never end.")
            return None
        document = self._read(imported, namespace, near)
        self._check(wanted, document)
        if document.cloudify_types:
            if own:
                self._refuse(wanted, "the language's own types cannot have a namespace.")
            document.namespace = None
        seen[imported.location, document.namespace] = document
        self._ancestors[id(document)] = (*ancestors, imported.location)
        return document

    def _claim(
        self, wanted: _Wanted, namespace: str | None, reference: str, blueprints: dict[str, str]
    ) -> bool:
        if not namespace:
            self._refuse(wanted, "a blueprint is imported under a namespace, as in `ns--blueprint:ID`.")
        elif namespace in blueprints:
            self._refuse(
                wanted, f"the namespace `{namespace}` is taken by `blueprint:{blueprints[namespace]}`."
            )
        else:
            blueprints[namespace] = reference.removeprefix("blueprint:")
            return True
        return False

    def _find(self, parent: SourceFile, reference: str) -> tuple[Imported, SourceFile | None]:
        """Beside the importing file, then beside the main one, then the language's own, then the resolver.

        Answers also the document in whose folder it was found, if that is how.
        """
        name = path_of(reference)
        if name is not None:
            for near in (parent, self._main):
                if near.folder is not None and near.root is not None:
                    found = beside(near.folder, name, near.root)
                    if found is not None:
                        return found, near
        if own_types_version(reference):
            return types.imported(), None
        return self._resolver.resolve(reference, version=self._short), None

    def _read(self, imported: Imported, namespace: str | None, near: SourceFile | None) -> SourceFile:
        if imported.location == types.LOCATION:
            return types.document(self._short)
        document = read_document(imported, namespace, self._budget)
        if near is not None:
            document.root = near.root
        node_types = document.data.get("node_types")
        document.cloudify_types = isinstance(node_types, dict) and "cloudify.nodes.Root" in node_types
        return document

    def _check(self, wanted: _Wanted, document: SourceFile) -> None:
        raw = document.data.get(VERSION_KEY)
        if raw is not None and (not isinstance(raw, str) or raw not in VERSIONS):
            self._problems.add(
                (VERSION_KEY,),
                f"`{raw}` is not a version of the language.",
                expected=f"one of {listing(VERSIONS)}",
                document=document,
            )
        elif raw is not None and VERSIONS[raw] > self._version:
            self._refuse(
                wanted,
                f"it is written in {raw}, which is newer than the blueprint's {name_of(self._version)}.",
            )
        if wanted.properties is not None:
            _set_plugin_properties(self._problems, wanted.parent, wanted.path, document, wanted.properties)


_IMPORT_PROPERTY_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str, int),
    "integer": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "list": (list,),
}


def _set_plugin_properties(
    problems: ProblemCollector,
    parent: SourceFile,
    path: Path,
    document: SourceFile,
    properties: dict[str, Any],
) -> None:
    """Gives the plugins of an imported file the values that the import states for their properties."""
    plugins = document.data.get("plugins")
    if not isinstance(plugins, dict):
        return
    changed = dict(plugins)
    for plugin_name, plugin in plugins.items():
        schema = plugin.get("properties") if isinstance(plugin, dict) else None
        if not isinstance(schema, dict):
            continue
        filled = dict(schema)
        for name, given in properties.items():
            declared = schema.get(name)
            if not isinstance(declared, dict):
                problems.add(
                    (*path,),
                    f"The plugin `{plugin_name}` has no property `{name}`.",
                    expected=f"one of {listing(schema)}",
                    document=parent,
                )
                continue
            accepted = _IMPORT_PROPERTY_TYPES.get(str(declared.get("type")), ())
            if not (isinstance(given, (*accepted, dict))):
                problems.add(
                    path,
                    f"The property `{name}` of the plugin `{plugin_name}` is {word(given)}.",
                    expected=f"a value of type {declared.get('type')}",
                    document=parent,
                )
                continue
            filled[name] = {**declared, "value": given}
        changed[plugin_name] = {**plugin, "properties": filled}
    document.data = {**document.data, "plugins": changed}
