"""What of a workflow's can be stored, which is JSON, and what it is stored under."""

from __future__ import annotations

import json
import os
from typing import Any


def plain(value: Any) -> Any:
    """``value`` where it is JSON, else a text that shows it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
    return value


def new_id() -> str:
    """An identifier that nothing else has."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
