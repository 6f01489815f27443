"""JSON values: which values of a plugin's or workflow's can be stored, and how text is made storable."""

from __future__ import annotations

import json
import math
from typing import Any

#: How deep lists and dictionaries of one value may be nested: `[]` has one level.
MAX_NESTING = 100
#: A longer message is cut (characters): one log line is for reading, not for keeping a file in.
MAX_MESSAGE = 64 * 1024

_BOXES = (dict, list, tuple)
_SCALARS = frozenset({str, int, float, bool, type(None)})


def is_too_deep(value: Any) -> bool:
    """Return whether lists and dictionaries are nested deeper in ``value`` than MAX_NESTING levels.

    A loop over levels, not a recursion, so that no value can exhaust the stack.
    """
    if not isinstance(value, _BOXES):
        return False
    level = [value]
    for _ in range(MAX_NESTING):
        level = [
            inner
            for box in level
            for inner in (box.values() if isinstance(box, dict) else box)
            # The quick question first: most values are scalars.
            if type(inner) not in _SCALARS and isinstance(inner, _BOXES)
        ]
        if not level:
            return False
    return True


def canonical(value: Any) -> str:
    """Return ``value`` as JSON text that two equal values share, whatever the order of their keys.

    Raises TypeError or ValueError if it is not JSON; ``offence`` says where.
    """
    try:
        # Read back once, because keys that are not strings become strings and cannot be sorted before that.
        return json.dumps(json.loads(json.dumps(value, allow_nan=False)), sort_keys=True)
    except RecursionError:
        raise ValueError("lists and dictionaries are nested too deep") from None


def offence(value: Any, path: str = "") -> str | None:
    """Return where and why ``value`` cannot be stored, as the end of a sentence about it, or None if it can.

    ``path`` is what the reader calls ``value``. Storable is what JSON has, nested at most MAX_NESTING levels.
    """
    return _offence(value, path, ())


def _offence(value: Any, path: str, inside: tuple[int, ...]) -> str | None:
    where = f"`{path}` " if path else "it "
    if value is None or isinstance(value, bool | int):
        return None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{where}holds text that is not valid Unicode: {ascii(value)[:80]}"
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{where}is {value}, which JSON does not have"
    if not isinstance(value, dict | list | tuple):
        return f"{where}is of type {_type(value)}: {ascii(value)[:80]}"
    if id(value) in inside:
        return f"{where}holds itself"
    if len(inside) == MAX_NESTING:
        return f"`{_shortened(path)}` is nested deeper than the {MAX_NESTING} levels that a value may have"
    inside = (*inside, id(value))
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | None):
                return f"{where}has a key of type {_type(key)}: {ascii(key)[:80]}"
            found = _offence(key, f"key {key!a} of {path}", inside) or _offence(
                item, f"{path}.{key}" if path else str(key), inside
            )
            if found:
                return found
        return None
    for index, item in enumerate(value):
        found = _offence(item, f"{path}[{index}]", inside)
        if found:
            return found
    return None


def plain(value: Any) -> Any:
    """Return ``value`` if it can be stored, else a text that shows it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    return value if offence(value) is None else readable(_shown(value))


def readable(text: str) -> str:
    """Return ``text`` without what no database stores, and cut to MAX_MESSAGE characters."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(text) > MAX_MESSAGE:
        text = f"{text[:MAX_MESSAGE]}... ({len(text) - MAX_MESSAGE} more characters)"
    return text


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - the value is the user's, and so is its __repr__
        return f"a value of type {_type(value)} that cannot be shown ({type(error).__name__})"


def _shortened(path: str) -> str:
    return path if len(path) <= 80 else f"{path[:40]}...{path[-20:]}"


def _type(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
