"""What older versions of the language have of its own types."""

from __future__ import annotations

from typing import Any

from cloudwright.dsl.property_types import PRIMITIVE_TYPES
from cloudwright.dsl.versions import SINCE, VERSION_KEY, Version, name_of, since

_SECTIONS_OF_SCHEMAS = {
    "node_types": ("properties",),
    "data_types": ("properties",),
    "relationships": ("properties",),
    "policy_types": ("properties",),
    "policy_triggers": ("parameters",),
    "workflows": ("parameters",),
}
_INTERFACES = ("interfaces", "source_interfaces", "target_interfaces")


def variant(data: dict[str, Any], version: Version) -> dict[str, Any]:
    """``data`` without what came after ``version``: sections, entries of schemas, types of properties."""
    result: dict[str, Any] = {}
    for section, content in data.items():
        if version < since("section", section):
            continue
        if section in _SECTIONS_OF_SCHEMAS:
            content = {name: _element(section, element, version) for name, element in content.items()}
        result[section] = content
    result[VERSION_KEY] = name_of(version)
    return result


def _element(section: str, element: dict[str, Any], version: Version) -> dict[str, Any]:
    result = {
        key: item for key, item in element.items() if section != "workflows" or _has("workflow", key, version)
    }
    for key in _SECTIONS_OF_SCHEMAS[section]:
        if key in result:
            result[key] = _schema(result[key], version)
    for key in _INTERFACES:
        if key in result:
            result[key] = {
                interface: {name: _operation(operation, version) for name, operation in operations.items()}
                for interface, operations in result[key].items()
            }
    return result


def _operation(operation: Any, version: Version) -> Any:
    if isinstance(operation, dict) and "inputs" in operation:
        return {**operation, "inputs": _schema(operation["inputs"], version)}
    return operation


def _schema(schema: dict[str, Any], version: Version) -> dict[str, Any]:
    return {name: _property(prop, version) for name, prop in schema.items()}


def _property(prop: dict[str, Any], version: Version) -> dict[str, Any]:
    result = {key: item for key, item in prop.items() if _has("property", key, version)}
    kind = result.get("type")
    if isinstance(kind, str) and kind in SINCE["type"] and not _has("type", kind, version):
        result["type"] = "string"
    elif kind is not None and kind not in PRIMITIVE_TYPES and not _has("section", "data_types", version):
        del result["type"]
        result.setdefault("default", {})
    if prop.get("required") is False and "required" not in result:
        # Before there was `required`, what need not be given had an empty default.
        result.setdefault("default", "")
    return result


def _has(kind: str, name: str, version: Version) -> bool:
    return version >= since(kind, name)
