"""Puts everything that a file defines under a namespace: ``ns--file.yaml`` makes ``vm`` into ``ns--vm``.

A name that the file defines gets the prefix, and so does every place that refers to one: which places those
are is the table below. Names that begin with ``cloudify.`` are the language's own and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudwright.dsl.functions.syntax import INSTANCE_KEYWORDS, OF_NODES, function_of
from cloudwright.dsl.property_types import PRIMITIVE_TYPES

DELIMITER = "--"
OWN_PREFIX = "cloudify."

#: How one value is put under a namespace.
Rule = Callable[[str, Any], Any]


def join(outer: str | None, inner: str | None) -> str | None:
    return f"{outer}{DELIMITER}{inner}" if outer and inner else outer or inner


def split_reference(reference: str) -> tuple[str | None, str]:
    """``ns--file.yaml`` as namespace and the rest."""
    namespace, _, rest = reference.rpartition(DELIMITER)
    return namespace or None, rest


def without(name: str) -> str:
    """Return a name, or the path of a script, without its namespaces."""
    return name.rpartition(DELIMITER)[2]


def first_of(name: str) -> str | None:
    """Return the outermost namespace of a name."""
    namespace, found, _ = name.partition(DELIMITER)
    return namespace if found else None


def prefixed(namespace: str, name: Any) -> Any:
    if not isinstance(name, str) or name.startswith(OWN_PREFIX):
        return name
    return f"{namespace}{DELIMITER}{name}"


def value(namespace: str, item: Any) -> Any:
    """Return a value whose functions refer to inputs and nodes; the same object if there are none."""
    function = function_of(item)
    if function is not None:
        name, arguments = function
        return {**item, name: _arguments(namespace, name, arguments)}
    if isinstance(item, dict):
        return {key: value(namespace, entry) for key, entry in item.items()}
    if isinstance(item, list):
        return [value(namespace, entry) for entry in item]
    return item


def _arguments(namespace: str, function: str, arguments: Any) -> Any:
    if function == "get_input" and isinstance(arguments, str):
        return prefixed(namespace, arguments)
    if not isinstance(arguments, list):
        return value(namespace, arguments)
    rest = [value(namespace, item) for item in arguments]
    refers = function == "get_input" or (
        function in OF_NODES and arguments[:1] and not _keyword(arguments[0])
    )
    if refers and rest and isinstance(rest[0], str):
        rest[0] = prefixed(namespace, rest[0])
    return rest


def _keyword(argument: Any) -> bool:
    return isinstance(argument, str) and argument in INSTANCE_KEYWORDS


def _type(namespace: str, name: Any) -> Any:
    return name if name in PRIMITIVE_TYPES else prefixed(namespace, name)


def _same(_: str, item: Any) -> Any:
    return item


def _entries(rules: Mapping[str, Rule]) -> Rule:
    """Return a mapping of known entries; what is not in ``rules`` stays."""

    def apply(namespace: str, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        return {key: rules.get(key, _same)(namespace, entry) for key, entry in item.items()}

    return apply


def _each(rule: Rule, *, named: bool = False) -> Rule:
    """Return a mapping of names that the author chose (put under the namespace if ``named``), or a list."""

    def apply(namespace: str, item: Any) -> Any:
        if isinstance(item, dict):
            return {
                prefixed(namespace, key) if named else key: rule(namespace, entry)
                for key, entry in item.items()
            }
        if isinstance(item, list):
            return [rule(namespace, entry) for entry in item]
        return item

    return apply


def _or_string(rule: Rule) -> Rule:
    """What may be written shortly as a string that refers to something."""

    def apply(namespace: str, item: Any) -> Any:
        return prefixed(namespace, item) if isinstance(item, str) else rule(namespace, item)

    return apply


_SCHEMA = _each(_entries({"type": _type, "default": value}))
_DECLARED_OPERATION = _or_string(_entries({"implementation": prefixed, "inputs": _SCHEMA}))
_OPERATION = _or_string(_entries({"implementation": prefixed, "inputs": value}))
_DECLARED_INTERFACES = _each(_each(_DECLARED_OPERATION))
_INTERFACES = _each(_each(_OPERATION))
_TRIGGER = _entries({"type": prefixed, "parameters": value})
_GROUP_POLICY = _entries({"type": prefixed, "properties": value, "triggers": _each(_TRIGGER, named=True)})
_RELATIONSHIP = _entries(
    {
        "type": prefixed,
        "target": prefixed,
        "properties": value,
        "source_interfaces": _INTERFACES,
        "target_interfaces": _INTERFACES,
    }
)

#: The elements of each section; their own names are put under the namespace too.
SECTIONS: Mapping[str, Rule] = {
    "inputs": _entries({"type": _type, "default": value}),
    "plugins": _entries({"properties": _each(_entries({"type": _type}), named=True)}),
    "data_types": _entries({"derived_from": _type, "properties": _SCHEMA}),
    "node_types": _entries(
        {
            "derived_from": prefixed,
            "properties": _SCHEMA,
            "runtime_properties": _SCHEMA,
            "interfaces": _DECLARED_INTERFACES,
        }
    ),
    "relationships": _entries(
        {
            "derived_from": prefixed,
            "properties": _SCHEMA,
            "source_interfaces": _DECLARED_INTERFACES,
            "target_interfaces": _DECLARED_INTERFACES,
        }
    ),
    "node_templates": _entries(
        {
            "type": prefixed,
            "properties": value,
            "capabilities": value,
            "interfaces": _INTERFACES,
            "relationships": _each(_RELATIONSHIP),
        }
    ),
    "workflows": _or_string(_entries({"mapping": prefixed, "parameters": _SCHEMA})),
    "policy_types": _entries({"properties": _SCHEMA}),
    "policy_triggers": _entries({"parameters": _SCHEMA}),
    "groups": _entries({"members": _each(prefixed), "policies": _each(_GROUP_POLICY, named=True)}),
    "policies": _entries({"targets": _each(prefixed), "properties": value}),
    "outputs": value,
    "capabilities": value,
    "labels": value,
    "blueprint_labels": _same,
    "resource_tags": value,
}


def under(namespace: str, section: str, name: str, element: Any) -> tuple[str, Any]:
    """Return the element's name and the element itself, as they are under ``namespace``."""
    return prefixed(namespace, name), SECTIONS[section](namespace, element)
