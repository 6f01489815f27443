"""Schemas: how a blueprint says what properties, inputs and parameters there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.dsl import constraints
from cloudwright.dsl.functions.syntax import is_function
from cloudwright.dsl.patterns import Patience
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.property_types import IDENTIFIER_TYPES, PRIMITIVE_TYPES, fits
from cloudwright.dsl.structure_checks import BOOLEAN, INTEGER, LIST, MAPPING, STRING, VALUE, Checker, Shape
from cloudwright.dsl.values import Values

_PROPERTY: Shape = {"required": BOOLEAN, "default": VALUE, "description": STRING, "type": STRING}
_PARAMETER: Shape = {**_PROPERTY, "item_type": STRING, "constraints": LIST}
_INPUT: Shape = {**_PARAMETER, "display_label": STRING, "hidden": BOOLEAN, "display": MAPPING}
_DISPLAY: Shape = {"rows": INTEGER}

SHAPES: Mapping[str, Shape] = {"property": _PROPERTY, "parameter": _PARAMETER, "input": _INPUT}


@dataclass(slots=True)
class Properties:
    """Declared properties by name. ``written`` are the defaults as the blueprint has them, before their data
    types filled them in: a derived type merges those over its parent's."""

    declared: dict[str, dict[str, Any]]
    written: dict[str, Any]


class SchemaReader:
    def __init__(self, checker: Checker, values: Values) -> None:
        self._checker = checker
        self._problems = checker.problems
        self._values = values

    def properties(self, path: Path, raw: Any) -> Properties:
        """Return the properties of a type. The default of a property with a data type is completed by it."""
        result = Properties({}, {})
        if raw is None or not self._checker.names(path, raw):
            return result
        for name, entry in raw.items():
            prop = self._entry((*path, name), entry, "property")
            if prop is None:
                result.declared[name] = {}
                continue
            default, type_name = prop.get("default"), prop.get("type")
            result.written[name] = default
            of_data_type = type_name is not None and type_name not in PRIMITIVE_TYPES
            if default is not None or of_data_type:
                prop["default"] = self._values.typed(
                    {} if default is None else default, type_name, (*path, name, "default"), complete=False
                )
            result.declared[name] = prop
        return result

    def inputs(self, path: Path, raw: Any, kind: str = "input") -> dict[str, dict[str, Any]]:
        """Inputs of a blueprint or of an operation, or (``kind`` "parameter") of a workflow."""
        result: dict[str, dict[str, Any]] = {}
        if raw is None or not self._checker.names(path, raw):
            return result
        for name, entry in raw.items():
            if entry is None:
                result[name] = {}
                continue
            prop = self._entry((*path, name), entry, kind)
            if prop is None:
                result[name] = {}
                continue
            if prop.get("default") is not None:
                prop["default"] = self._values.typed(
                    prop["default"], prop.get("type"), (*path, name, "default")
                )
            result[name] = prop
        return result

    def derive(
        self, own: Properties, parent: Mapping[str, dict[str, Any]], path: Path
    ) -> dict[str, dict[str, Any]]:
        """Return ``own`` merged with what is inherited; its own default comes before one of the parent's."""
        merged = dict(own.declared)
        for name, inherited in parent.items():
            mine = merged.get(name)
            if mine is None:
                merged[name] = inherited
                continue
            type_name = mine.get("type")
            same = type_name is not None and type_name == inherited.get("type")
            if same and type_name not in PRIMITIVE_TYPES and inherited.get("default") is not None:
                written = own.written.get(name)
                default = self._values.typed(
                    {} if written is None else written,
                    type_name,
                    (*path, name, "default"),
                    derived=inherited["default"],
                    complete=False,
                )
                if default:
                    merged[name] = {**mine, "default": default}
        return merged

    def check_defaults(self, path: Path, inputs: Mapping[str, dict[str, Any]]) -> None:
        """Whether the defaults of a blueprint's inputs fulfil their constraints."""
        patience = Patience()
        for name, declared in inputs.items():
            if "default" not in declared:
                continue
            given = declared.get("constraints") or []
            type_name, item_type = declared.get("type"), declared.get("item_type")
            value, place = declared["default"], (*path, name, "default")
            if type_name == "list" and item_type and isinstance(value, list):
                for index, item in enumerate(value):
                    if not fits(item, item_type):
                        self._problems.add((*place, index), f"This item is not of type `{item_type}`.")
                    self._check_default((*place, index), name, given, item, item_type, patience)
            else:
                self._check_default(place, name, given, value, type_name, patience)

    def _check_default(
        self,
        path: Path,
        name: str,
        given: list[dict[str, Any]],
        value: Any,
        type_name: str | None,
        patience: Patience,
    ) -> None:
        if not given:
            return
        if is_function(value):
            self._problems.add(
                path, f"The default of the input `{name}`, which has constraints, is a function."
            )
            return
        if type_name in IDENTIFIER_TYPES or constraints.holds_function(given):
            return
        for constraint in given:
            if constraints.is_lookup(constraints.named(constraint)[0], type_name):
                continue
            wrong = constraints.violation(constraint, value, patience)
            if wrong:
                self._problems.add(path, f"The default of the input `{name}` {wrong}.")

    def _entry(self, path: Path, entry: Any, kind: str) -> dict[str, Any] | None:
        """Return one declaration without the entries that are empty; None if it is wrong."""
        if not self._checker.fields(path, entry, SHAPES[kind], kind):
            return None
        prop = {name: value for name, value in entry.items() if value is not None or name == "default"}
        good = self._type(path, prop)
        if "item_type" in prop:
            good = self._item_type(path, prop) and good
        if "constraints" in prop:
            good = constraints.check(self._checker, (*path, "constraints"), prop["constraints"]) and good
        if "display" in prop:
            good = self._display(path, prop) and good
        if kind == "input" and prop.get("hidden") and prop.get("required", True) and "default" not in entry:
            self._problems.add(path, "This input is hidden and required, so it needs a default.", key=True)
            good = False
        return prop if good else None

    def _type(self, path: Path, prop: dict[str, Any]) -> bool:
        name = prop.get("type")
        if not name:
            return True
        if not self._values.known_type(name):
            candidates = [*PRIMITIVE_TYPES, *self._values.data_types]
            self._problems.add(
                (*path, "type"),
                f"There is no type `{name}`.",
                expected=f"a data type of the blueprint, or one of {listing(PRIMITIVE_TYPES, most=20)}",
                suggestion=closest(name, candidates),
            )
            return False
        return self._checker.available((*path, "type"), "type", name)

    def _item_type(self, path: Path, prop: dict[str, Any]) -> bool:
        if prop.get("type") != "list":
            self._problems.add(
                (*path, "item_type"), "Only values of type `list` have an `item_type`.", key=True
            )
            return False
        if prop["item_type"] not in PRIMITIVE_TYPES:
            self._problems.add(
                (*path, "item_type"),
                f"`{prop['item_type']}` is not a type that items can have.",
                expected=f"one of {listing(PRIMITIVE_TYPES, most=20)}",
                suggestion=closest(prop["item_type"], PRIMITIVE_TYPES),
            )
            return False
        return True

    def _display(self, path: Path, prop: dict[str, Any]) -> bool:
        if not self._checker.fields((*path, "display"), prop["display"], _DISPLAY, "display hint"):
            return False
        if prop.get("type") != "textarea":
            self._problems.add((*path, "display"), "Only inputs of type `textarea` have `display`.", key=True)
            return False
        return True
