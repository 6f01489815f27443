"""Checks every intrinsic function of a plan that can be checked before anything is deployed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.dsl.functions.syntax import (
    FUNCTIONS,
    INSTANCE_KEYWORDS,
    OF_NODES,
    SELF,
    SOURCE,
    function_of,
    holds_functions,
    is_function,
    is_whole_function,
)
from cloudwright.dsl.lint import Linter
from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.versions import Version, name_of, since

Nodes = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scope:
    """What SELF, or SOURCE and TARGET, stand for where a function is; none of them anywhere else."""

    node: str | None = None
    source: str | None = None
    target: str | None = None

    def keywords(self) -> tuple[str, ...]:
        if self.node is not None:
            return (SELF,)
        return (SOURCE, "TARGET") if self.source is not None else ()

    def stands_for(self, keyword: str) -> str | None:
        return {SELF: self.node, SOURCE: self.source}.get(keyword, self.target)


NOWHERE = Scope()


def found_in(value: Any, path: Path) -> Iterator[tuple[str, Any, Path]]:
    """Every function in ``value``, at any depth, in the arguments of others too: name, arguments, path."""
    function = function_of(value)
    if function is not None:
        yield (*function, path)
    if value.__class__ is dict:
        for key, item in value.items():
            if item.__class__ in (dict, list):
                yield from found_in(item, (*path, key if isinstance(key, int) else str(key)))
    elif value.__class__ is list:
        for index, item in enumerate(value):
            if item.__class__ in (dict, list):
                yield from found_in(item, (*path, index))


class FunctionValidator:
    """``named`` are the nodes that the blueprint names: one that is not in ``nodes`` is wrong itself."""

    def __init__(
        self,
        problems: ProblemCollector,
        version: Version,
        inputs: Mapping[str, Any],
        nodes: Nodes,
        named: Collection[str],
        linter: Linter,
    ) -> None:
        self._problems = problems
        self._version = version
        self._inputs = inputs
        self._nodes = nodes
        self._named = named
        self._linter = linter
        self._without: set[int] = set()
        self.secrets: list[Any] = []
        self.parent_capabilities: list[Any] = []

    def shared(self, entries: dict[str, Any], path: Path, scope: Scope) -> None:
        """As ``entries``, for a mapping that many nodes may share: looked through once if it holds no
        functions."""
        if id(entries) in self._without:
            return
        if any(holds_functions(item) for item in entries.values()):
            self.entries(entries, path, scope)
        else:
            self._without.add(id(entries))
            for name, item in entries.items():
                self._linter.functions(item, (*path, name))

    def inputs(self, inputs: dict[str, Any], path: Path, scope: Scope) -> None:
        """The inputs of an operation, which may be one function as a whole."""
        if is_whole_function(inputs):
            self.check(inputs, path, scope)
        else:
            self.entries(inputs, path, scope)

    def entries(self, entries: Mapping[str, Any], path: Path, scope: Scope) -> None:
        """The values of a mapping whose names are the author's: one may be called like a function."""
        for name, item in entries.items():
            self.check(item, (*path, name), scope)
            self._linter.functions(item, (*path, name))

    def check(self, value: Any, path: Path, scope: Scope) -> None:
        for name, arguments, place in found_in(value, path):
            self._function(name, arguments, (*place, name), scope)

    def _function(self, name: str, arguments: Any, path: Path, scope: Scope) -> None:
        expected = FUNCTIONS[name].check(arguments)
        if expected is not None:
            self._problems.add(path, f"The arguments of `{name}` are not right.", expected=expected)
            return
        first = since("function", name)
        if self._version < first:
            self._problems.add(
                path,
                f"`{name}` was added in {name_of(first)}, and this blueprint is {name_of(self._version)}.",
            )
        elif name == "get_input":
            self._input(arguments, path)
        elif name in OF_NODES:
            self._node(name, arguments, path, scope)
        elif name == "get_secret":
            self.secrets.append(arguments)
        elif name == "get_environment_capability":
            self.parent_capabilities.append([arguments] if isinstance(arguments, str) else arguments)

    def _input(self, arguments: Any, path: Path) -> None:
        name = arguments[0] if isinstance(arguments, list) else arguments
        if is_function(name) or name in self._inputs:
            return
        self._problems.add(
            (*path, 0) if isinstance(arguments, list) else path,
            f"There is no input `{name}`.",
            expected=f"one of {listing(self._inputs)}"
            if self._inputs
            else "an input that the blueprint defines",
            suggestion=closest(name, self._inputs),
        )

    def _node(self, function: str, arguments: list[Any], path: Path, scope: Scope) -> None:
        if function == "get_attributes_dict":
            dynamic = is_function(arguments[0])
        else:
            dynamic = any(is_function(item) for item in arguments)
        if dynamic:
            return
        name = arguments[0]
        if name in INSTANCE_KEYWORDS:
            if name not in scope.keywords():
                allowed = listing(scope.keywords()) if scope.keywords() else "a node's name"
                self._problems.add(
                    (*path, 0),
                    f"`{name}` means nothing here.",
                    expected=allowed,
                )
                return
            name = scope.stands_for(name)
        if name not in self._named:
            self._problems.add(
                (*path, 0),
                f"`{function}` refers to a node template `{name}`, which does not exist.",
                expected=f"one of {listing(self._named)}" if self._named else "a node template",
                suggestion=closest(name, self._named),
            )
        elif name in self._nodes and function == "get_property":
            self._property(str(name), arguments[1:], path)

    def _property(self, node: str, steps: list[Any], path: Path) -> None:
        value: Any = self._nodes[node]["properties"]
        done = [node]
        for index, step in enumerate(steps, 1):
            place = (*path, index)
            if is_function(value):
                return
            if isinstance(value, dict):
                if step not in value:
                    self._problems.add(
                        place,
                        f"`{'.'.join(done)}` has no property `{step}` with a value.",
                        expected=f"one of {listing(value)}" if value else None,
                        suggestion=closest(step, value),
                    )
                    return
            elif isinstance(value, list):
                if not isinstance(step, int) or isinstance(step, bool):
                    self._problems.add(
                        place, f"`{'.'.join(done)}` is a list, and `{step}` is not an index of it."
                    )
                    return
                if not -len(value) <= step < len(value):
                    self._problems.add(
                        place, f"`{'.'.join(done)}` has {len(value)} items, and {step} is not an index of it."
                    )
                    return
            else:
                self._problems.add(place, f"`{'.'.join(done)}` has no properties, so it has no `{step}`.")
                return
            value = value[step]
            done.append(str(step))
