"""The types that a property or an input may have, besides data types."""

from __future__ import annotations

import re
from typing import Any

#: Types whose values name something that a manager knows; they are looked up when a deployment is created.
IDENTIFIER_TYPES = frozenset(
    {
        "blueprint_id",
        "deployment_id",
        "capability_value",
        "scaling_group",
        "node_id",
        "node_type",
        "node_instance",
        "secret_key",
        "operation_name",
    }
)
TEXT_TYPES = frozenset({"string", "textarea"}) | IDENTIFIER_TYPES
PRIMITIVE_TYPES = TEXT_TYPES | {"integer", "float", "boolean", "list", "dict", "regex"}


def is_valid_regex(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def fits(value: Any, type_name: str) -> bool:
    """Return whether ``value`` is of the primitive type; whatever it is, it counts as a string."""
    match type_name:
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list)
        case "dict":
            return isinstance(value, dict)
        case "regex":
            return is_valid_regex(value)
        case _:
            return type_name in TEXT_TYPES
