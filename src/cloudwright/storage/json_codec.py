"""JSON as the database keeps it: text, because every query here reads whole documents.

orjson is several times faster than the standard library's json, but does not know integers beyond 64 bits nor
text that UTF-8 cannot hold, and reads such an integer as a float. A document that needs either is written by
json with a space in front, which orjson never writes, so that a reader knows.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def dumps(value: Any) -> str:
    """Return the document's text. Raises TypeError for what JSON cannot say."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # NaN and infinities are null, as orjson has them: one of them would make a whole list unreadable.
        finite = json.loads(json.dumps(value), parse_constant=lambda _: None)
        return " " + json.dumps(finite)


def dumps_plain(value: Any) -> str:
    """Return the document's text without what ``storable`` replaces, which PostgreSQL cannot look past for a
    member of the document. Raises TypeError.
    """
    text = dumps(value)
    if text[0] == " ":
        halves_replaced = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
        text = dumps(json.loads(halves_replaced))
    return _NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text


def loads(text: str) -> Any:
    return json.loads(text) if text[0] == " " else orjson.loads(text)


def storable(text: str) -> str:
    """``text`` with what no database keeps replaced: zero bytes, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
