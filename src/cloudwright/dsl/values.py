"""Values against the types they should have: checks them, and fills in what their data types' defaults
provide.

What a default provides is shared between all the nodes that use it, so a value in a plan is never changed in
place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cloudwright.dsl.functions.syntax import function_of
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.property_types import PRIMITIVE_TYPES, fits
from cloudwright.dsl.structure_checks import word

EXTERNAL = "use_external_resource"
#: How many properties of data types may get a value, besides those that the size of a blueprint justifies:
#: types that hold each other twice double with every level.
MOST_VALUES = 200_000


class Notes(Protocol):
    """Where problems are noted: a ``ProblemCollector`` while a blueprint is parsed."""

    @property
    def problems(self) -> list[Any]: ...

    def finish(self) -> None:
        """Ends the work by raising, if any problem was noted."""
        ...

    def add(
        self,
        path: Path,
        message: str,
        *,
        key: bool = False,
        expected: str | None = None,
        suggestion: str | None = None,
    ) -> None: ...


class Schema:
    """The properties that something has, by name; each property is a mapping with ``type``, ``default`` and
    so on."""

    __slots__ = ("defaults", "filled", "owner", "properties")

    def __init__(self, owner: str, properties: Mapping[str, dict[str, Any]]) -> None:
        self.owner = owner
        self.properties = properties
        self.defaults = {name: prop["default"] for name, prop in properties.items() if "default" in prop}
        #: Defaults as a node gets them, for those that were needed and found good.
        self.filled: dict[str, Any] = {}


class Values:
    """``data_types`` maps a name to its schema, or to None if the data type itself is wrong."""

    def __init__(self, problems: Notes, most_values: int = MOST_VALUES) -> None:
        self._problems = problems
        self.data_types: dict[str, Schema | None] = {}
        self._most = self._left = most_values

    def known_type(self, name: str) -> bool:
        return name in PRIMITIVE_TYPES or name in self.data_types

    def typed(
        self, value: Any, type_name: str | None, path: Path, *, derived: Any = None, complete: bool = True
    ) -> Any:
        """``value`` as a value of the type; with ``complete`` every required property of a data type has to
        be there.

        ``derived`` is a default of the same type that lies under the value. A wrong value is noted and
        returned.
        """
        if type_name is None or function_of(value) is not None:
            return value
        if type_name in PRIMITIVE_TYPES:
            if not fits(value, type_name):
                self._wrong(value, type_name, path)
            return value
        schema = self.data_types.get(type_name)
        if schema is None:
            return value
        if not isinstance(value, dict):
            self._wrong(value, type_name, path)
            return value
        defaults = {**schema.defaults, **derived} if isinstance(derived, dict) else schema.defaults
        return self._fill(value, schema, defaults, path, complete)

    def properties(self, given: Mapping[str, Any], schema: Schema, path: Path) -> dict[str, Any]:
        """Return the properties of a node, relationship or policy: what is given, over the defaults of its
        type.
        """
        noted = len(self._problems.problems)
        result: dict[str, Any] = {}
        if not given and len(schema.filled) == len(schema.properties):
            return schema.filled
        self._unknown(given, schema, path)
        external = self._external(given, schema.defaults, path)
        for name, prop in schema.properties.items():
            if name in given:
                result[name] = self.typed(
                    given[name], prop.get("type"), (*path, name), derived=schema.defaults.get(name)
                )
            elif name in schema.filled:
                result[name] = schema.filled[name]
            elif name in schema.defaults:
                default = schema.defaults[name]
                value = self.typed(default, prop.get("type"), (*path, name), derived=default)
                result[name] = value
                if len(self._problems.problems) == noted:
                    schema.filled[name] = value
            elif prop.get("required", True) and not external:
                self._missing(name, prop, schema, path)
        return result

    def _fill(
        self, given: dict[str, Any], schema: Schema, defaults: Mapping[str, Any], path: Path, complete: bool
    ) -> dict[str, Any]:
        self._left -= len(schema.properties)
        if self._left < 0:
            self._problems.add(path, f"Data types make more than the limit of {self._most} values.")
            self._problems.finish()
        self._unknown(given, schema, path)
        external = self._external(given, defaults, path)
        result: dict[str, Any] = {}
        for name, prop in schema.properties.items():
            if name in given:
                value = given[name]
            elif name in defaults:
                value = defaults[name]
            else:
                if complete and prop.get("required", True) and not external:
                    self._missing(name, prop, schema, path)
                continue
            result[name] = self.typed(
                value, prop.get("type"), (*path, name), derived=defaults.get(name), complete=complete
            )
        return result

    def _unknown(self, given: Mapping[str, Any], schema: Schema, path: Path) -> None:
        for name in given:
            if name not in schema.properties:
                self._problems.add(
                    (*path, name),
                    f"{schema.owner} has no property `{name}`.",
                    key=True,
                    expected=f"one of {listing(schema.properties)}" if schema.properties else None,
                    suggestion=closest(name, schema.properties),
                )

    def _external(self, given: Mapping[str, Any], defaults: Mapping[str, Any], path: Path) -> bool:
        external = given.get(EXTERNAL, defaults.get(EXTERNAL))
        if external and function_of(external) is not None:
            self._problems.add(
                (*path, EXTERNAL), f"`{EXTERNAL}` is a function.", expected="true or false, written out"
            )
        return bool(external)

    def _missing(self, name: str, prop: Mapping[str, Any], schema: Schema, path: Path) -> None:
        kind = f" of type {prop['type']}" if prop.get("type") else ""
        self._problems.add(
            path,
            f"The property `{name}`, which {schema.owner} requires, has no value.",
            key=True,
            expected=f"`{name}` with a value{kind}",
        )

    def _wrong(self, value: Any, type_name: str, path: Path) -> None:
        shown = repr(value) if isinstance(value, str | int | float) else word(value)
        self._problems.add(
            path, f"The value {shown} is not of type `{type_name}`.", expected=f"type {type_name}"
        )
