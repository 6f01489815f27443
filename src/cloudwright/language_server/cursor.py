"""Where in a blueprint a cursor stands, found by the text's indentation: it may be half written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]

_ENTRY = re.compile(
    r"""(?P<indent>\ *)(?P<dashes>(?:-\ +)*)
    (?:(?P<key>"[^"]*"|'[^']*'|[^\s'"{\[\]},\#&*!|>%@`-][^:\#]*?|-[^\s:][^:\#]*?)\s*:(?:\s+(?P<value>.*))?)?$""",
    re.VERBOSE,
)
_DASH_ONLY = re.compile(r"(?P<indent> *)(?P<dashes>(?:- *)+)$")


@dataclass(frozen=True, slots=True)
class Cursor:
    """``path`` leads to the mapping whose key is written, or, if ``is_key`` is false, to the value that is.

    ``prefix`` is what is written of it before the cursor, ``word`` all of it. ``earlier`` are the items
    before it, of a list in brackets.
    """

    path: Path
    is_key: bool
    prefix: str
    word: str
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of block style: the columns of its dashes and of its key, and the text behind the colon."""

    dashes: tuple[int, ...]
    column: int
    key: str | None
    value: str | None


def cursor_at(lines: Sequence[str], line: int, character: int) -> Cursor:
    """Return where the cursor stands; both count from 0."""
    text = lines[line].rstrip("\r\n") if line < len(lines) else ""
    before, after = text[:character], text[character:]
    here = _read(before)
    parents = _parents(lines, line, here)
    if here.key is None:
        prefix = before[here.column :]
        if here.dashes and prefix[:1] in ("{", "["):
            return _flow(parents, prefix, after)
        whole = _read(text).key if _read(text).key is not None else None
        word = whole if whole is not None and whole.startswith(prefix) else prefix + _rest(after)
        return Cursor(parents, True, prefix, word)
    path = (*parents, here.key)
    value = here.value or ""
    if value[:1] in ("{", "["):
        return _flow(path, value, after)
    return Cursor(path, False, value, value + _rest(after))


def _rest(after: str) -> str:
    found = re.match(r"[\w.:/~-]*", after)
    rest = found[0] if found else ""
    return rest.rstrip(":")


def _read(text: str) -> _Line:
    found = _ENTRY.match(text)
    if found is None or (found["key"] is None and text.strip(" -")):
        # No entry: a text, or one that is being written.
        indent = len(text) - len(text.lstrip(" "))
        leading = re.match(r"(?:- +)*", text[indent:])
        length = len(leading[0]) if leading else 0
        return _Line(_columns(text[indent : indent + length], indent), indent + length, None, None)
    only = _DASH_ONLY.match(text)
    if only is not None:
        return _Line(_columns(only["dashes"], len(only["indent"])), len(text), None, None)
    column = len(found["indent"]) + len(found["dashes"])
    dashes = _columns(found["dashes"], len(found["indent"]))
    key = found["key"]
    return _Line(dashes, column, None if key is None else key.strip("\"'"), found["value"])


def _columns(dashes: str, indent: int) -> tuple[int, ...]:
    return tuple(indent + place for place, letter in enumerate(dashes) if letter == "-")


class _Frames:
    """The entries that the lines read so far are in: each a column, and a key or the index of an item."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, str | int]] = []

    @property
    def path(self) -> Path:
        return tuple(element for _, element in self._frames)

    def item(self, column: int) -> None:
        """Enter the item of a list whose dash is in this column."""
        self._leave(column + 1)
        # A list may stand in the column of its key.
        if self._frames and self._frames[-1][0] == column and isinstance(self._frames[-1][1], int):
            _, before = self._frames.pop()
            self._frames.append((column, int(before) + 1))
        else:
            self._frames.append((column, 0))

    def entry(self, column: int, key: str | None) -> None:
        self._leave(column)
        if key is not None:
            self._frames.append((column, key))

    def _leave(self, column: int) -> None:
        while self._frames and self._frames[-1][0] >= column:
            self._frames.pop()


def _parents(lines: Sequence[str], line: int, here: _Line) -> Path:
    """Return the path of the mapping or list that a line's entry is in."""
    frames = _Frames()
    # The lines of a text of several lines are behind this column.
    text_behind: int | None = None
    for number in range(line):
        text = lines[number].rstrip("\r\n")
        stripped = text.lstrip(" ")
        if not stripped or (stripped.startswith("#") and text_behind is None):
            continue
        if text_behind is not None and len(text) - len(stripped) > text_behind:
            continue
        text_behind = None
        read = _read(text)
        if read.key is None and not read.dashes:
            continue
        for dash in read.dashes:
            frames.item(dash)
        frames.entry(read.column, read.key)
        if (read.value or "")[:1] in ("|", ">"):
            text_behind = read.column
    for dash in here.dashes:
        frames.item(dash)
    frames.entry(here.column, None)
    return frames.path


def _flow(path: Path, text: str, after: str) -> Cursor:
    """Return where a cursor stands behind ``text``, which begins with a brace or a bracket."""
    stack: list[list[str | int | None]] = []
    items: list[list[str]] = []
    token, quote = "", ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
            token += letter
        elif letter in "\"'":
            quote = letter
            token += letter
        elif letter in "{[":
            stack.append([None] if letter == "{" else [0])
            items.append([])
            token = ""
        elif letter in "}]":
            if stack:
                stack.pop()
                items.pop()
            token = ""
        elif letter == "," and stack:
            top = stack[-1]
            items[-1].append(token.strip().strip("\"'"))
            top[0] = top[0] + 1 if isinstance(top[0], int) else None
            token = ""
        elif letter == ":" and stack and stack[-1][0] is None and text[place + 1 : place + 2] in ("", " "):
            stack[-1][0] = token.strip().strip("\"'")
            token = ""
        else:
            token += letter
    inner = tuple(top[0] for top in stack if top[0] is not None)
    is_key = bool(stack) and stack[-1][0] is None
    prefix = token.strip().lstrip("\"'")
    earlier = tuple(items[-1]) if items else ()
    return Cursor((*path, *inner), is_key, prefix, prefix + _rest(after), earlier)
