"""The section ``plugins``, and which plugin an operation's or a workflow's mapping belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from cloudwright.dsl import namespaces
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.structure_checks import BOOLEAN, MAPPING, REQUIRED_STRING, STRING, VALUE, Checker, Shape
from cloudwright.dsl.values import Values
from cloudwright.model.executors import EXECUTORS

SECTION = "plugins"
SCRIPT = "script"
RUN_SCRIPT = "script_runner.tasks.run"
RUN_SCRIPT_WORKFLOW = "script_runner.tasks.execute_workflow"
#: How many files of a folder are looked at for one whose name is close to a misspelt one.
_MOST_FILES = 200

SHAPE: Shape = {
    "source": STRING,
    "executor": REQUIRED_STRING,
    "install": BOOLEAN,
    "install_arguments": STRING,
    "package_name": STRING,
    "package_version": STRING,
    "supported_platform": STRING,
    "distribution": STRING,
    "distribution_version": STRING,
    "distribution_release": STRING,
    "properties_description": STRING,
    "properties": MAPPING,
}
_PROPERTY: Shape = {"description": STRING, "type": STRING, "display_label": STRING, "value": VALUE}


def read_plugins(checker: Checker, values: Values, raw: Any) -> dict[str, dict[str, Any] | None]:
    """Plugins by name, each with every entry that a plugin can have; None for one that is wrong."""
    result: dict[str, dict[str, Any] | None] = {}
    if raw is None or not checker.names((SECTION,), raw):
        return result
    for name, entry in raw.items():
        path = (SECTION, name)
        good = checker.fields(path, entry, SHAPE, "plugin") and _check(checker, values, path, entry)
        result[name] = _plugin(name, entry) if good else None
    return result


def _check(checker: Checker, values: Values, path: Path, entry: dict[str, Any]) -> bool:
    good = executor(checker, (*path, "executor"), entry["executor"])
    if entry.get("install") is not False and not (entry.get("source") or entry.get("package_name")):
        checker.problems.add(
            path,
            "This plugin is to be installed and does not say from where.",
            key=True,
            expected="`source`, `package_name`, or `install: false`",
        )
        good = False
    for name, prop in (entry.get("properties") or {}).items():
        place = (*path, "properties", name)
        if not checker.fields(place, prop, _PROPERTY, "plugin property"):
            good = False
        elif prop.get("type") and not values.known_type(prop["type"]):
            checker.problems.add((*place, "type"), f"There is no type `{prop['type']}`.")
            good = False
    return good


def executor(checker: Checker, path: Path, name: Any) -> bool:
    if name in EXECUTORS:
        return True
    checker.problems.add(
        path,
        f"`{name}` is not an executor.",
        expected=f"one of {listing(EXECUTORS)}",
        suggestion=closest(name, EXECUTORS),
    )
    return False


def _plugin(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    plugin = {key: entry.get(key) for key in SHAPE}
    if plugin["install"] is None:
        plugin["install"] = True
    if plugin["properties"] is None:
        plugin["properties"] = {}
    return {**plugin, "name": name}


@dataclass(frozen=True, slots=True)
class Target:
    """What a mapping stands for: a function of a plugin, or a script that the plugin ``script`` runs.

    ``script`` is the name of the input that gets the script (its path, or its text where it was written
    inline).
    """

    plugin: str
    operation: str
    script: str | None = None


class Files:
    """The files that a blueprint brings along: those below ``root``, by their paths from ``folder``."""

    def __init__(self, folder: FilePath, root: FilePath) -> None:
        self._folder = folder
        self._root = root
        self._known: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._look(name)
        return known

    def _look(self, name: str) -> bool:
        if "\n" in name or "\0" in name:
            return False
        try:
            found = self._folder / name
            return found.is_file() and found.resolve().is_relative_to(self._root.resolve())
        except (OSError, ValueError):
            return False

    def near(self, name: str) -> str | None:
        """Return the path of a file in the same folder that ``name`` is probably a misspelling of."""
        try:
            folder = (self._folder / name).parent
            if not folder.resolve().is_relative_to(self._root.resolve()):
                return None
            names = [path.name for path in islice(folder.iterdir(), _MOST_FILES)]
        except (OSError, ValueError):
            return None
        found = closest(FilePath(name).name, names)
        return found and str(FilePath(name).with_name(found))


class Mappings:
    """Resolves mappings such as ``plugin.module.function`` or ``scripts/create.sh``, each once."""

    def __init__(
        self,
        checker: Checker,
        plugins: Mapping[str, dict[str, Any] | None],
        files: Files,
        blueprints: Mapping[str, str],
    ) -> None:
        self.plugins = plugins
        self._problems = checker.problems
        self.files = files
        self._blueprints = blueprints
        self._known: dict[tuple[str, bool], Target | None] = {}
        self._script = self._script_plugin()

    def target(self, mapping: str, path: Path, *, workflow: bool = False) -> Target | None:
        """What ``mapping`` stands for; None, and a note, if it stands for nothing."""
        key = (mapping, workflow)
        if key in self._known:
            target = self._known[key]
            if target is not None:
                return target
        target = self._known[key] = self._resolve(mapping, path, workflow)
        return target

    def _script_plugin(self) -> str | None:
        """Return the plugin that runs scripts; imported blueprints may have one of their own."""
        if SCRIPT in self.plugins:
            return SCRIPT
        return next((name for name in self.plugins if namespaces.without(name) == SCRIPT), None)

    def _resolve(self, mapping: str, path: Path, workflow: bool) -> Target | None:
        candidates = self._candidates(mapping)
        if "\n" in mapping.strip():
            return self._script_target("script_source", path, workflow)
        if _is_url(mapping) or self.files.has(namespaces.without(mapping)):
            return self._script_target("script_path", path, workflow)
        if not candidates and namespaces.first_of(mapping) in self._blueprints:
            # A script of an imported blueprint; its existence was checked when that was uploaded.
            return self._script_target("script_path", path, workflow)
        if len(candidates) == 1:
            return Target(candidates[0], mapping[len(candidates[0]) + 1 :])
        kind = "workflow" if workflow else "operation"
        if candidates:
            self._problems.add(
                path, f"The {kind} `{mapping}` could be of several plugins: {listing(candidates)}."
            )
            return None
        first = mapping.partition(".")[0]
        self._problems.add(
            path,
            f"`{mapping}` is neither a function of a plugin nor a script: there is no plugin `{first}`, and "
            "no such file beside the blueprint.",
            expected=f"a file's path, or a plugin's name, a dot and a function; there are the plugins "
            f"{listing(self.plugins)}",
            suggestion=self._near(mapping, first),
        )
        return None

    def _near(self, mapping: str, first: str) -> str | None:
        file = self.files.near(namespaces.without(mapping))
        return file if "/" in mapping else closest(first, self.plugins) or file

    def _candidates(self, mapping: str) -> list[str]:
        parts = mapping.split(".")
        prefixes = (".".join(parts[:count]) for count in range(1, len(parts)))
        return [prefix for prefix in prefixes if prefix in self.plugins]

    def _script_target(self, script: str, path: Path, workflow: bool) -> Target | None:
        if self._script is None:
            self._problems.add(
                path,
                f"This is a script, and the blueprint has no plugin `{SCRIPT}` to run it.",
                expected="an import of `cloudify/types/types.yaml`, which has it, or a plugin of that name",
            )
            return None
        return Target(self._script, RUN_SCRIPT_WORKFLOW if workflow else RUN_SCRIPT, script)


def _is_url(mapping: str) -> bool:
    try:
        return urlsplit(mapping).scheme != ""
    except ValueError:
        return False
