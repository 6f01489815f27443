"""Functions and classes by name: a stored graph names its handlers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def importable_name(item: Any) -> str | None:
    """Return the name under which a function or class can be imported, or None if it cannot be."""
    name = f"{getattr(item, '__module__', None)}:{getattr(item, '__qualname__', None)}"
    try:
        # A method, a decorated function or one made inside another is not found under its own name.
        return name if import_by_name(name) is item else None
    except (ImportError, AttributeError, ValueError):
        return None


def import_by_name(name: str) -> Any:
    """Return what ``importable_name`` named. Raises ImportError or AttributeError if it is gone."""
    module, _, path = name.partition(":")
    item: Any = importlib.import_module(module)
    for part in path.split("."):
        item = getattr(item, part)
    return item


def dump_handler(handler: Callable[..., Any]) -> dict[str, Any] | None:
    """Return a handler as it is stored: a function by its name, an object by its class and the result of its
    ``dump()``.

    Returns None if it could not be found again.
    """
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    name = importable_name(named)
    if name is None:
        return None
    if named is handler:
        return {"name": name}
    return {"name": name, "arguments": handler.dump() if hasattr(handler, "dump") else {}}


def load_handler(notes: dict[str, Any] | None) -> Any:
    """Return the handler that ``dump_handler`` stored. Raises ImportError or AttributeError if it is gone."""
    if not notes:
        return None
    found = import_by_name(notes["name"])
    return found(**notes["arguments"]) if "arguments" in notes else found
