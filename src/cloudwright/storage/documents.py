"""JSON as the database keeps it: text, because every query here reads whole documents.

orjson is several times faster than the standard library's json, but does not know integers beyond 64 bits nor
text that UTF-8 cannot hold, and reads such an integer as a float. A document that needs either is written by
json with a space in front, which orjson never writes, so that a reader knows.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumps(value: Any) -> str:
    """The document's text. Raises TypeError for what JSON cannot say."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return " " + json.dumps(value)


def loads(text: str) -> Any:
    return json.loads(text) if text[0] == " " else orjson.loads(text)


def storable(text: str) -> str:
    """``text`` with what no database keeps replaced: zero bytes, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
