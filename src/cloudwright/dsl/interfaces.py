"""Interfaces and operations: how types declare them, and how those who derive from a type or use it change
them.

An operation of a type declares what inputs it takes; an operation of a node or a relationship gives them
values. A derived type's operation replaces its parent's altogether. A node's operation is merged with its
type's: it may give inputs only, change single entries, or name another implementation, and then nothing of
the type's remains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudwright.dsl.functions.syntax import holds_functions, is_function
from cloudwright.dsl.lint import Linter
from cloudwright.dsl.plugins import Mappings, executor
from cloudwright.dsl.problems import Path, listing
from cloudwright.dsl.schemas import SchemaReader
from cloudwright.dsl.structure_checks import BOOLEAN, INTEGER, MAPPING, NUMBER, STRING, Checker, Field, Shape
from cloudwright.model.executors import AUTO

SHAPE: Shape = {
    "implementation": STRING,
    "inputs": MAPPING,
    "executor": STRING,
    "max_retries": INTEGER,
    "retry_interval": Field(NUMBER),
    "retry_backoff": Field(NUMBER),
    "timeout": Field(NUMBER),
    "timeout_recoverable": BOOLEAN,
}
_LEAST = {"max_retries": -1, "retry_interval": 0, "retry_backoff": 1, "timeout": 0}
#: What a node's operation takes from its type's if it says nothing itself.
_OPTIONS = ("executor", "max_retries", "retry_interval", "retry_backoff", "timeout", "timeout_recoverable")


@dataclass(frozen=True, slots=True)
class Operation:
    """``inputs`` are declarations in a type, and values in a node or a relationship. ``path`` is where it
    stands."""

    path: Path = ()
    implementation: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    executor: str | None = None
    max_retries: int | None = None
    retry_interval: float | None = None
    retry_backoff: float | None = None
    timeout: float | None = None
    timeout_recoverable: bool | None = None
    is_short: bool = False

    @property
    def implementation_path(self) -> Path:
        return self.path if self.is_short else (*self.path, "implementation")

    @property
    def is_empty(self) -> bool:
        """Written as ``{}``: it does nothing, and takes away what the type has."""
        return not (self.implementation or self.inputs) and all(
            getattr(self, name) is None for name in _OPTIONS
        )


Interfaces = dict[str, dict[str, Operation]]


class InterfaceReader:
    def __init__(self, checker: Checker, schemas: SchemaReader) -> None:
        self._checker = checker
        self._schemas = schemas

    def read(self, path: Path, raw: Any, *, declares: bool) -> Interfaces:
        """Return the interfaces of a type (``declares``), a node or a relationship; what is wrong is left
        out.
        """
        result: Interfaces = {}
        if raw is None or not self._checker.names(path, raw):
            return result
        for interface, operations in raw.items():
            place = (*path, interface)
            result[interface] = {}
            if operations is None or not self._checker.names(place, operations):
                continue
            for name, entry in operations.items():
                operation = self._operation((*place, name), entry, declares)
                if operation is not None:
                    result[interface][name] = operation
        return result

    def _operation(self, path: Path, entry: Any, declares: bool) -> Operation | None:
        if entry is None:
            return Operation(path)
        if isinstance(entry, str):
            return Operation(path, entry, is_short=True)
        if not self._checker.fields(path, entry, SHAPE, "operation"):
            return None
        good = entry.get("executor") is None or executor(
            self._checker, (*path, "executor"), entry["executor"]
        )
        for name, least in _LEAST.items():
            if entry.get(name) is not None and entry[name] < least:
                self._checker.problems.add(
                    (*path, name), f"`{name}` is {entry[name]}.", expected=f"{least} or more"
                )
                good = False
        inputs = entry.get("inputs")
        if declares:
            inputs = self._schemas.inputs((*path, "inputs"), inputs)
        options = {name: entry.get(name) for name in _OPTIONS}
        return Operation(path, entry.get("implementation") or "", inputs or {}, **options) if good else None


def derive(own: Interfaces, parent: Interfaces) -> Interfaces:
    """Return a type's interfaces with what it inherits."""
    if not own:
        return parent
    merged = dict(parent)
    for interface, operations in own.items():
        merged[interface] = {**merged.get(interface, {}), **operations}
    return merged


@dataclass(slots=True)
class Prepared:
    """An operation as a plan has it, and what its node needs for it. Shared by the nodes that do not change
    it."""

    plan: dict[str, Any]
    plugin: tuple[str, str] | None
    holds_functions: bool


@dataclass(slots=True)
class OperationTable:
    """All the operations of one node, or of one side of a relationship."""

    operations: dict[str, dict[str, Any]]
    plugins: list[tuple[str, str]]
    #: The full names of those whose inputs hold functions.
    with_functions: list[str]


_NOTHING: dict[str, Any] = {
    "plugin": "",
    "operation": "",
    "executor": None,
    "inputs": {},
    "has_intrinsic_functions": False,
    "max_retries": None,
    "retry_interval": None,
    "timeout": None,
    "timeout_recoverable": None,
}
_EMPTY = Prepared(_NOTHING, None, False)


class Operations:
    """Makes a plan's operations from those of types and of nodes."""

    def __init__(self, checker: Checker, mappings: Mappings, linter: Linter) -> None:
        self._problems = checker.problems
        self._linter = linter
        self._mappings = mappings
        self._inherited: dict[int, tuple[Operation, Prepared | None]] = {}

    def table(self, declared: Interfaces, own: Interfaces, path: Path) -> OperationTable:
        """Return the operations of what stands at ``path``: ``declared`` by its type, and its ``own``."""
        operations: dict[str, Any] = {}
        plugins: dict[tuple[str, str], None] = {}
        with_functions = []
        ambiguous = set()
        self._linter.operations(own, declared)
        for interface in {**declared, **own}:
            of_type, mine = declared.get(interface, {}), own.get(interface, {})
            for name in {**of_type, **mine}:
                prepared = self._prepare(of_type.get(name), mine.get(name), path)
                if prepared is None:
                    continue
                full_name = f"{interface}.{name}"
                if name in operations:
                    ambiguous.add(name)
                else:
                    operations[name] = prepared.plan
                operations[full_name] = prepared.plan
                if prepared.plugin is not None:
                    plugins[prepared.plugin] = None
                if prepared.holds_functions:
                    with_functions.append(full_name)
        for name in ambiguous:
            del operations[name]
        return OperationTable(operations, list(plugins), with_functions)

    def validate(self, declared: Interfaces) -> None:
        """Whether the implementations that a type names exist, whichever node uses it."""
        for operations in declared.values():
            for operation in operations.values():
                if operation.implementation:
                    self._mappings.target(operation.implementation, operation.implementation_path)

    def _prepare(self, of_type: Operation | None, mine: Operation | None, path: Path) -> Prepared | None:
        if mine is None:
            assert of_type is not None
            return self._inherit(of_type, path)
        if mine.is_empty:
            return _EMPTY
        if of_type is None or of_type.is_empty:
            return self._plan(mine, mine.inputs, mine.path)
        implementation = mine.implementation or of_type.implementation
        if implementation != of_type.implementation:
            return self._plan(mine, mine.inputs, mine.path)
        options = {}
        for name in _OPTIONS:
            given = getattr(mine, name)
            options[name] = getattr(of_type, name) if given is None else given
        inputs = self._inputs(of_type.inputs, mine.inputs, mine.path)
        if inputs is None:
            return None
        return self._plan(Operation(mine.path, implementation, inputs, **options), inputs, mine.path)

    def _inherit(self, of_type: Operation, path: Path) -> Prepared | None:
        known = self._inherited.get(id(of_type))
        if known is not None and known[1] is not None:
            return known[1]
        inputs = self._inputs(of_type.inputs, {}, path, of_type)
        prepared = None if inputs is None else self._plan(of_type, inputs, of_type.path)
        self._inherited[id(of_type)] = (of_type, prepared)
        return prepared

    def _inputs(
        self,
        declared: Mapping[str, dict[str, Any]],
        given: Mapping[str, Any],
        path: Path,
        of_type: Operation | None = None,
    ) -> dict[str, Any] | None:
        inputs = {name: prop["default"] for name, prop in declared.items() if "default" in prop}
        inputs.update(given)
        missing = [name for name in declared if name not in inputs]
        if missing:
            where = "" if of_type is None else f" of `{of_type.path[-2]}.{of_type.path[-1]}`"
            self._problems.add(
                path, f"The operation{where} has no value for its input {listing(missing)}.", key=True
            )
            return None
        for name, prop in declared.items():
            if "type" in prop and is_function(inputs[name]):
                inputs[name] = {**inputs[name], "type": prop["type"]}
        return inputs

    def _plan(self, operation: Operation, inputs: Mapping[str, Any], path: Path) -> Prepared | None:
        if not operation.implementation:
            return _EMPTY
        target = self._mappings.target(operation.implementation, operation.implementation_path)
        if target is None:
            return None
        executor_name = operation.executor
        if target.script is not None:
            for name in ("script_path", "script_source"):
                if name in inputs:
                    self._problems.add(
                        (*path, "inputs", name),
                        f"The implementation is a script already, so the input `{name}` cannot be given.",
                        key=True,
                    )
                    return None
            inputs = {**inputs, target.script: operation.implementation}
            executor_name = executor_name or AUTO
        if executor_name is None:
            plugin = self._mappings.plugins[target.plugin]
            if plugin is None:
                return None
            executor_name = plugin["executor"]
        self._linter.functions(inputs, (*path, "inputs"))
        if target.script is None:
            self._linter.implementation(target, operation.implementation_path, self._mappings.files)
        plan = {
            **_NOTHING,
            "plugin": target.plugin,
            "operation": target.operation,
            "inputs": dict(inputs),
            "max_retries": operation.max_retries,
            "retry_interval": operation.retry_interval,
            "timeout": operation.timeout,
            "timeout_recoverable": operation.timeout_recoverable,
            "executor": executor_name,
        }
        if operation.retry_backoff is not None:
            # Cloudify's plans do not have it: it is there only if a blueprint says it.
            plan["retry_backoff"] = operation.retry_backoff
        return Prepared(plan, (target.plugin, executor_name), holds_functions(plan["inputs"]))
