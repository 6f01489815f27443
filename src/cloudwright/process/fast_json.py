"""JSON for a supervisor's side of its channels: orjson if it is installed, else the standard library.

Children use the standard library alone (``frames.encode``): they say little, and pay for every library.
"""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoded = json.JSONDecoder(parse_constant=_refuse).decode
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def loads(body: bytes | bytearray) -> Any:
    """Return the value of a JSON text. Raises ValueError, or RecursionError if it is nested too deep."""
    if orjson is None:
        return _decoded(body.decode())
    return orjson.loads(body)


def dumps(value: Any) -> bytes:
    """Return ``value`` as JSON. Raises TypeError or ValueError if it is not JSON."""
    if orjson is not None:
        try:
            return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:
            # Integers beyond 64 bits and halves of surrogate pairs; what is no JSON at all fails again.
            pass
    try:
        return _encoded(value).encode("utf-8", "replace")
    except RecursionError:
        raise ValueError("lists and objects are nested too deep") from None
