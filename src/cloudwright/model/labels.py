"""What labels may be: their keys, their values, and the keys that have a meaning for the manager."""

from __future__ import annotations

import re
import unicodedata

_KEY = re.compile(r"[a-z0-9._-]{1,256}")
_MAX_LENGTH = 256

RESERVED_PREFIX = "csys-"
#: The keys with that prefix that users may set.
RESERVED_KEYS = (
    "csys-consumer-id",
    "csys-env-type",
    "csys-environment",
    "csys-location-lat",
    "csys-location-long",
    "csys-location-name",
    "csys-obj-name",
    "csys-obj-parent",
    "csys-obj-type",
    "csys-wrcp-group-id",
    "csys-wrcp-parent-id",
    "csys-wrcp-services",
)
#: The keys of degrees, and how far these go from zero.
_DEGREES = {"csys-location-lat": 90, "csys-location-long": 180}


def is_label_key(key: str) -> bool:
    """Return whether this is a key as it is stored: in small letters."""
    return _KEY.fullmatch(key) is not None


def normalize_value(value: str) -> str:
    """Return the value as it is stored, so that it is found however its characters were composed."""
    return unicodedata.normalize("NFKC", value)


def check_label_value(value: str) -> str | None:
    """Return why this cannot be a value; None if it can."""
    if len(normalize_value(value)) > _MAX_LENGTH:
        return f"the value `{value[:300]}` is longer than {_MAX_LENGTH}."
    if any(unicodedata.category(character)[0] == "C" or character == '"' for character in value):
        return f'the value {value[:300]!r} holds a control character or `"`.'
    return None


def check_reserved(key: str, value: str) -> str | None:
    """Return why the manager's own key cannot be set so; None if it can, or if it is no such key."""
    if not key.startswith(RESERVED_PREFIX):
        return None
    if key not in RESERVED_KEYS:
        return f"keys with `{RESERVED_PREFIX}` are reserved; these can be set: {', '.join(RESERVED_KEYS)}."
    limit = _DEGREES.get(key)
    if limit is not None and not _is_between(value, limit):
        return f"`{key}` is a number of degrees between -{limit} and {limit}."
    return None


def _is_between(text: str, limit: int) -> bool:
    try:
        return abs(float(text)) <= limit
    except ValueError:
        return False
