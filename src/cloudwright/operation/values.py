"""What of a plugin's can be stored: JSON, and nothing that only looks like it."""

from __future__ import annotations

import json
import math
from typing import Any


def canonical(value: Any) -> str:
    """``value`` as JSON text that two equal values share, whatever the order of their keys.

    Raises TypeError or ValueError when it is not JSON; ``offence`` says where.
    """
    # Read back once, because keys that are no strings become strings and cannot be sorted before that.
    return json.dumps(json.loads(json.dumps(value, allow_nan=False)), sort_keys=True)


def offence(value: Any, path: str = "", inside: tuple[int, ...] = ()) -> str | None:
    """Where and why ``value`` is not JSON, as the end of a sentence about it; None when it is.

    ``path`` is how the reader calls ``value``.
    """
    where = f"`{path}` " if path else "it "
    if value is None or isinstance(value, bool | int):
        return None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{where}holds text that is no valid Unicode: {ascii(value)[:80]}"
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{where}is {value}, which JSON does not have"
    if id(value) in inside:
        return f"{where}holds itself"
    inside = (*inside, id(value))
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | None):
                return f"{where}has a key of type {_type(key)}: {ascii(key)[:80]}"
            found = offence(key, f"key {key!a} of {path}", inside) or offence(
                item, f"{path}.{key}" if path else str(key), inside
            )
            if found:
                return found
        return None
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            found = offence(item, f"{path}[{index}]", inside)
            if found:
                return found
        return None
    return f"{where}is of type {_type(value)}: {ascii(value)[:80]}"


def _type(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
