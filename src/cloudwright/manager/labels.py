"""Labels of blueprints and deployments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cloudwright.errors import InvalidInput
from cloudwright.model.labels import check_label_value, check_reserved, is_label_key, normalize_value


def make_labels(given: Iterable[tuple[str, str]], *, by: str | None, now: datetime) -> list[dict[str, Any]]:
    """Return labels as they are stored, each pair of key and value once. Keys are case insensitive.

    Raises InvalidInput if one of them cannot be a label.
    """
    pairs = {(key.strip().lower(), normalize_value(value)): None for key, value in given}
    for key, value in pairs:
        problem = _problem(key, value)
        if problem:
            raise InvalidInput(f"`{key[:300]}: {value[:300]}` is not a label: {problem}")
    created = now.isoformat()
    return [{"key": key, "value": value, "created_at": created, "created_by": by} for key, value in pairs]


def _problem(key: str, value: str) -> str | None:
    if not is_label_key(key):
        return "a key holds letters, digits, `.`, `_` and `-`, and is not longer than 256."
    return check_label_value(value) or check_reserved(key, value)


def plan_labels(section: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return keys and values of the section ``labels`` or ``blueprint_labels`` of a plan."""
    return [
        (key, str(value)) for key, label in (section or {}).items() for value in label.get("values") or ()
    ]
