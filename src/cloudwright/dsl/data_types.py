"""The section ``data_types``: types of values that have properties themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cloudwright.dsl.hierarchy import note_cycles, note_depth, ordered, parents
from cloudwright.dsl.property_types import PRIMITIVE_TYPES
from cloudwright.dsl.schemas import SchemaReader
from cloudwright.dsl.structure_checks import MAPPING, STRING, Checker, Shape
from cloudwright.dsl.values import Schema, Values

SECTION = "data_types"
SHAPE: Shape = {"properties": MAPPING, "description": STRING, "derived_from": STRING, "version": STRING}


def read_data_types(checker: Checker, values: Values, reader: SchemaReader, raw: Any) -> dict[str, Any]:
    """Return the data types as a plan shows them; ``values`` knows their schemas afterwards."""
    if raw is None or not checker.names((SECTION,), raw):
        return {}
    usable = {}
    for name, entry in raw.items():
        # Known from here on, so that only what is wrong with the type itself is noted, and not every use of
        # it.
        values.data_types[name] = None
        if name in PRIMITIVE_TYPES:
            checker.problems.add(
                (SECTION, name), f"`{name}` is a primitive type and cannot be defined.", key=True
            )
        elif checker.fields((SECTION, name), entry, SHAPE, "data type"):
            usable[name] = entry
    derived = parents(checker.problems, SECTION, usable, "data type")

    def needs(name: str) -> Iterable[str]:
        if name in derived:
            yield derived[name]
        schema = usable[name].get("properties") or {}
        for prop in schema.values():
            kind = prop.get("type") if isinstance(prop, dict) else None
            if isinstance(kind, str) and kind in usable:
                yield kind

    order, cycles = ordered(usable, needs)
    broken = note_cycles(checker.problems, SECTION, cycles, "Data types are made of each other")
    broken |= note_depth(checker.problems, SECTION, order, needs)
    result: dict[str, Any] = {}
    for name in order:
        if name in broken:
            continue
        entry = usable[name]
        path = (SECTION, name, "properties")
        own = reader.properties(path, entry.get("properties"))
        parent = result.get(derived.get(name, ""))
        declared = reader.derive(own, parent["properties"], path) if parent else own.declared
        values.data_types[name] = Schema(f"The data type `{name}`", declared)
        result[name] = {
            **{key: item for key, item in entry.items() if item is not None},
            "properties": declared,
        }
    return result
