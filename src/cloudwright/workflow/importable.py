"""Functions and classes by name: what a stored graph says of its handlers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def importable_name(item: Any) -> str | None:
    """The dotted name under which a function or class can be imported, or None where it cannot be."""
    name = f"{getattr(item, '__module__', None)}:{getattr(item, '__qualname__', None)}"
    try:
        # A method, a decorated function or one made inside another does not answer to its own name.
        return name if import_by_name(name) is item else None
    except (ImportError, AttributeError, ValueError):
        return None


def import_by_name(name: str) -> Any:
    """What ``importable_name`` named. Raises ImportError or AttributeError where it is not there any more."""
    module, _, path = name.partition(":")
    item: Any = importlib.import_module(module)
    for part in path.split("."):
        item = getattr(item, part)
    return item


def dump_handler(handler: Callable[..., Any]) -> dict[str, Any] | None:
    """A handler as it is stored: a function by its name, an object by its class and what its ``dump()``
    answers.

    None where it could not be found again.
    """
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    name = importable_name(named)
    if name is None:
        return None
    if named is handler:
        return {"name": name}
    return {"name": name, "arguments": handler.dump() if hasattr(handler, "dump") else {}}


def load_handler(notes: dict[str, Any] | None) -> Any:
    """The handler that ``dump_handler`` described. Raises ImportError or AttributeError where it is gone."""
    if not notes:
        return None
    found = import_by_name(notes["name"])
    return found(**notes["arguments"]) if "arguments" in notes else found
