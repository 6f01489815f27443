"""Labels as clients write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudwright.errors import InvalidInput


def label_pairs(given: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Keys and values of ``[{"env": "test"}, ...]`` or ``[{"key": "env", "value": "test"}, ...]``.

    A value may be a list of them. Raises InvalidInput.
    """
    pairs: list[tuple[str, str]] = []
    for label in given:
        if label.keys() == {"key", "value"}:
            key, value = label["key"], label["value"]
        elif len(label) == 1:
            key, value = next(iter(label.items()))
        else:
            raise InvalidInput(
                f'A label is an object with one key, such as {{"env": "test"}}; not {label!r:.200}.'
            )
        values = value if isinstance(value, list) else [value]
        if not isinstance(key, str) or not all(isinstance(item, str) for item in values):
            raise InvalidInput(f"A label's key and value are texts; not {label!r:.200}.")
        pairs.extend((key, item) for item in values)
    return pairs
