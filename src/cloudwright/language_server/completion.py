"""What may stand at a cursor: entries of the place, and names that the blueprint's files define."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cloudwright.dsl.editor_schema import editor_schema
from cloudwright.dsl.functions.syntax import FUNCTIONS, INSTANCE_KEYWORDS, OF_NODES, SYS_PROPERTIES
from cloudwright.dsl.property_types import PRIMITIVE_TYPES
from cloudwright.dsl.versions import VERSION_KEY, VERSIONS
from cloudwright.language_server.cursor import Cursor, Path
from cloudwright.language_server.names import Definition, Names
from cloudwright.model.executors import EXECUTORS

_LIFECYCLE = "cloudify.interfaces.lifecycle"
#: Sections whose entries have a schema of properties, inputs or parameters below these keys.
_TYPED = {"inputs": 1, "node_types": 3, "relationships": 3, "data_types": 3, "workflows": 3}
#: Sections with values that may be functions.
_OF_VALUES = frozenset(
    {
        "node_templates",
        "outputs",
        "capabilities",
        "node_types",
        "relationships",
        "policies",
        "labels",
        "deployment_settings",
    }
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``kind`` says what it is: `entry`, `function`, `value`, `property` ..., or the section of a name.
    ``owner`` is the type whose property it is.
    """

    name: str
    kind: str
    detail: str = ""
    owner: Definition | None = None


def suggestions(names: Names, cursor: Cursor) -> list[Suggestion]:
    """Return what begins with what is written, each once."""
    found: dict[str, Suggestion] = {}
    for one in candidates(names, cursor):
        if one.name.lower().startswith(cursor.prefix.strip("\"'").lower()):
            found.setdefault(one.name, one)
    return list(found.values())


def candidates(names: Names, cursor: Cursor) -> Iterator[Suggestion]:
    """Yield what may stand there, whatever is written."""
    if (
        not cursor.is_key
        or _arguments(cursor.path) is not None
        or isinstance((cursor.path or ("",))[-1], int)
    ):
        yield from _values(names, cursor)
    if cursor.is_key:
        yield from _keys(names, cursor.path)


# Keys.


def _keys(names: Names, path: Path) -> Iterator[Suggestion]:
    match path:
        case ("node_templates", str(node), "properties", *inner):
            yield from _properties(names, "node_types", names.type_of_node(node), inner)
        case ("node_templates", str(node), "relationships", int(), "properties", *inner):
            yield from _properties(names, "relationships", _type_of_relationship(names, node, path), inner)
        case ("node_templates", str(node), "interfaces"):
            yield from _interfaces(names, "node_types", names.type_of_node(node), "interfaces")
        case ("node_templates", str(node), "interfaces", str(interface)):
            kind = names.type_of_node(node)
            yield from _operations(names, "node_types", kind, "interfaces", interface)
        case ("node_types", str(kind), "interfaces"):
            yield from _interfaces(names, "node_types", kind, "interfaces")
        case ("node_types", str(kind), "interfaces", str(interface)):
            yield from _operations(names, "node_types", kind, "interfaces", interface)
    known = [Suggestion(name, "entry", detail) for name, detail in _entries(path)]
    yield from known
    if not known and _may_hold_function(path):
        for name in FUNCTIONS:
            yield Suggestion(name, "function")


def _properties(
    names: Names, section: str, kind: str | None, inner: Iterable[str | int]
) -> Iterator[Suggestion]:
    """Yield the properties of a type, or those of a data type that one of its properties has."""
    for step in inner:
        if kind is None or not isinstance(step, str):
            return
        entry = names.members(section, kind, "properties").get(step)
        named = entry[0].get("type") if entry is not None else None
        section, kind = "data_types", named if isinstance(named, str) else None
    if kind is None:
        return
    for name, (raw, definition) in names.members(section, kind, "properties").items():
        yield Suggestion(name, "property", _property_detail(raw, definition), definition)


def _property_detail(raw: Mapping[str, Any], definition: Definition) -> str:
    kind = raw.get("type")
    required = ", required" if raw.get("required", True) and "default" not in raw else ""
    return f"{kind or 'any value'}{required} ({definition.name})"


def _interfaces(names: Names, section: str, kind: str | None, side: str) -> Iterator[Suggestion]:
    if kind is not None:
        for name in names.members(section, kind, side):
            yield Suggestion(name, "interface", kind)
    if side == "interfaces":
        yield Suggestion(_LIFECYCLE, "interface")


def _operations(
    names: Names, section: str, kind: str | None, side: str, interface: str
) -> Iterator[Suggestion]:
    for definition in names.chain(section, kind or ""):
        declared = definition.raw.get(side)
        operations = declared.get(interface) if isinstance(declared, dict) else None
        for name in operations if isinstance(operations, dict) else ():
            yield Suggestion(str(name), "operation", definition.name)


def _type_of_relationship(names: Names, node: str, path: Path) -> str | None:
    found = names.of("node_templates").get(node)
    listed = found.raw.get("relationships") if found is not None else None
    index = path[3]
    if not isinstance(listed, list) or not isinstance(index, int) or index >= len(listed):
        return None
    kind = listed[index].get("type") if isinstance(listed[index], dict) else None
    return kind if isinstance(kind, str) else None


@cache
def _schema() -> dict[str, Any]:
    return editor_schema()


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the entries that the language has at a place, each with the types of its value."""
    schemas: list[Mapping[str, Any]] = [_schema()]
    for step in path:
        schemas = [inner for schema in schemas for inner in _inside(schema, step)]
    for schema in schemas:
        for option in _options(schema):
            required = option.get("required", ())
            for name, entry in option.get("properties", {}).items():
                yield name, _type_text(entry) + (", required" if name in required else "")


def _type_text(entry: Mapping[str, Any]) -> str:
    kinds = entry.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(kind for kind in kinds if kind != "null")


def _options(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        yield from _options(_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    elif "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from _options(option)
    else:
        yield schema


def _inside(schema: Mapping[str, Any], step: str | int) -> Iterator[Mapping[str, Any]]:
    for option in _options(schema):
        if isinstance(step, int):
            inner = option.get("items")
        else:
            inner = option.get("properties", {}).get(step, option.get("additionalProperties"))
        if isinstance(inner, dict):
            yield inner


def _may_hold_function(path: Path) -> bool:
    """Return whether a value stands there: in an entry of properties or inputs, or behind `value`."""
    if path[:1] and path[0] not in _OF_VALUES:
        return False
    inner = path[1:]
    return any(step in ("value", "default") for step in inner) or any(
        step in ("properties", "inputs", "runtime_properties") for step in inner[:-1]
    )


# Values.


def _values(names: Names, cursor: Cursor) -> Iterator[Suggestion]:
    path = cursor.path
    arguments = _arguments(path)
    if arguments is not None:
        yield from _argument_values(names, cursor, *arguments)
        return
    match path:
        case (name,) if name == VERSION_KEY:
            yield from (Suggestion(version, "value") for version in VERSIONS)
        case ("node_templates", str(), "type"):
            yield from _named(names, "node_types")
        case ("node_templates", str(), "relationships", int(), "type"):
            yield from _named(names, "relationships")
        case ("node_templates", str(), "relationships", int(), "target"):
            yield from _named(names, "node_templates")
        case ("node_types" | "relationships" | "data_types" as section, str(), "derived_from"):
            yield from _named(names, section)
        case ("plugins", str(), "executor"):
            yield from (Suggestion(executor, "value") for executor in sorted(EXECUTORS))
        case ("groups", str(), "members", int()):
            yield from _named(names, "node_templates")
        case (str(section), *_, "type") if len(path) > _TYPED.get(section, len(path)):
            yield from (Suggestion(kind, "value") for kind in sorted(PRIMITIVE_TYPES))
            yield from _named(names, "data_types")


def _named(names: Names, section: str) -> Iterator[Suggestion]:
    for name, definition in names.of(section).items():
        kind = definition.raw.get("type", definition.raw.get("derived_from"))
        yield Suggestion(name, section, kind if isinstance(kind, str) else "")


def _arguments(path: Path) -> tuple[int, str, Path] | None:
    """Return the innermost function that a path is inside of: its place, its name, and the path within it."""
    for place in range(len(path) - 1, 1, -1):
        name = path[place]
        if isinstance(name, str) and name in FUNCTIONS:
            return place, name, path[place + 1 :]
    return None


def _argument_values(
    names: Names, cursor: Cursor, place: int, function: str, within: Path
) -> Iterator[Suggestion]:
    if function == "get_input" and within in ((), (0,)):
        yield from _named(names, "inputs")
    elif function in OF_NODES and within == (0,):
        yield from (Suggestion(keyword, "value") for keyword in sorted(INSTANCE_KEYWORDS))
        yield from _named(names, "node_templates")
    elif function in OF_NODES and within == (1,):
        yield from _properties(names, "node_types", _type_of_argument(names, cursor), ())
    elif function == "get_sys" and within == (0,):
        yield from (Suggestion(entity, "value") for entity in SYS_PROPERTIES)


def _type_of_argument(names: Names, cursor: Cursor) -> str | None:
    """Return the type of the node that a function's first argument names, as far as that is known here."""
    section, own = str(cursor.path[0]), str(cursor.path[1])
    node = cursor.earlier[0] if cursor.earlier else "SELF"
    if node != "SELF":
        return names.type_of_node(node)
    return own if section == "node_types" else names.type_of_node(own)
