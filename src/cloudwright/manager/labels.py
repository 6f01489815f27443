"""Labels of blueprints and deployments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cloudwright.errors import InvalidInput


def make_labels(given: Iterable[tuple[str, str]], *, by: str | None, now: datetime) -> list[dict[str, Any]]:
    """Return labels as they are stored, each pair of key and value once. Keys are case insensitive.

    Raises InvalidInput if one of them cannot be a label.
    """
    pairs = {(key.strip().lower(), value): None for key, value in given}
    for key, value in pairs:
        if not re.fullmatch(r"[a-z0-9._-]{1,256}", key) or len(value) > 256:
            raise InvalidInput(
                f"`{key[:300]}: {value[:300]}` is not a label: a key holds letters, digits, `.`, `_` and `-`,"
                " and neither key nor value is longer than 256."
            )
    created = now.isoformat()
    return [{"key": key, "value": value, "created_at": created, "created_by": by} for key, value in pairs]


def plan_labels(section: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return keys and values of the section ``labels`` or ``blueprint_labels`` of a plan."""
    return [
        (key, str(value)) for key, label in (section or {}).items() for value in label.get("values") or ()
    ]
