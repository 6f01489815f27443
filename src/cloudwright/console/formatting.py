"""Times, durations, sizes and text that others wrote, as the pages show them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import orjson
from markupsafe import Markup, escape

#: A longer text is folded in a page.
FOLDED_TEXT = 4 * 1024
#: A longer value is cut in a page.
LARGEST_VALUE = 16 * 1024

_ANSI = re.compile(r"\x1b\[([0-9;]*)m")
_OTHER_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_LINK = re.compile(r"https?://[^\s<>\"'`\\^{}|]+[^\s<>\"'`\\^{}|.,;:!?)\]]")
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
# Marks that change the direction of text, or show nothing.
_HIDDEN = frozenset(
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def time(text: str | None, now: datetime | None = None) -> Markup:
    """Return a time with its zone; it copies as ISO 8601 in UTC. With its date, if that is not today."""
    if not text:
        return Markup('<span class="none">–</span>')
    when = parse_time(text)
    same_day = now is not None and when.date() == now.date()
    shown = f"{when:%H:%M:%S} UTC" if same_day else f"{when:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(text, shown)


def seconds_between(start: str, end: str | datetime) -> float:
    last = end if isinstance(end, datetime) else parse_time(end)
    return max(0.0, (last - parse_time(start)).total_seconds())


def duration(seconds: float | None) -> str:
    """Return so many seconds in one or two units."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, large, small, part in ((86400, "d", "h", 3600), (3600, "h", "min", 60), (60, "min", "s", 1)):
        if whole >= size:
            return f"{whole // size} {large} {whole % size // part} {small}"
    return f"{whole} s"


def clock(start: str | None, end: str | None, now: datetime) -> Markup:
    """Return how long it took, or has taken so far: then the page counts on while it is connected."""
    if not start:
        return Markup('<span class="none">–</span>')
    if end:
        return Markup("<span>{}</span>").format(duration(seconds_between(start, end)))
    return Markup('<span data-since="{}">{}</span>').format(start, duration(seconds_between(start, now)))


def size(count: int) -> str:
    for unit, each in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= each:
            return f"{count / each:.1f} {unit}"
    return f"{count} bytes"


def plain(text: object) -> Markup:
    """Return text that somebody else wrote: nothing of it is markup, and what would hide is shown."""
    return _escape_visibly(str(text))


def code(text: str) -> Markup:
    """Return a text in which what stands between backticks is shown as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


def terminal(text: str) -> Markup:
    """Return what a program printed: its colours become classes, links to web pages can be followed."""
    parts: list[Markup] = []
    classes: tuple[str, ...] = ()
    position = 0
    for found in _ANSI.finditer(text):
        parts.append(_coloured(text[position : found.start()], classes))
        classes = _classes_after(classes, found[1])
        position = found.end()
    parts.append(_coloured(text[position:], classes))
    return Markup("").join(parts)


def pretty(value: Any) -> str:
    """Return a JSON value to be read by people; a text as it is."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()


def _coloured(text: str, classes: tuple[str, ...]) -> Markup:
    if not text:
        return Markup("")
    shown = _with_links(_OTHER_ESCAPES.sub("", text))
    return Markup('<span class="{}">{}</span>').format(" ".join(classes), shown) if classes else shown


def _with_links(text: str) -> Markup:
    parts: list[Markup] = []
    position = 0
    for found in _LINK.finditer(text):
        parts.append(_escape_visibly(text[position : found.start()]))
        address = found[0]
        parts.append(
            Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(
                address, _escape_visibly(address)
            )
        )
        position = found.end()
    parts.append(_escape_visibly(text[position:]))
    return Markup("").join(parts)


def _classes_after(classes: tuple[str, ...], codes: str) -> tuple[str, ...]:
    found = dict.fromkeys(classes)
    for code in (int(part or 0) for part in codes.split(";")):
        if code == 0:
            found.clear()
        elif code == 1:
            found["ansi-bold"] = None
        elif 30 <= code <= 37 or 90 <= code <= 97:
            found = {name: None for name in found if name == "ansi-bold"}
            found[f"ansi-{_COLOURS[code % 10]}"] = None
        elif code in (22, 39):
            wanted = "ansi-bold" if code == 39 else None
            found = {name: None for name in found if (name == "ansi-bold") == (wanted is not None)}
    return tuple(found)


def _escape_visibly(text: str) -> Markup:
    if text.isascii() and text.isprintable():
        return escape(text)
    pieces: list[str] = []
    for character in text:
        if character in "\n\t" or (character.isprintable() and character not in _HIDDEN):
            pieces.append(str(escape(character)))
        elif unicodedata.category(character) == "Zs":
            pieces.append(character)
        else:
            code = f"U+{ord(character):04X}"
            name = unicodedata.name(character, "control character")
            pieces.append(str(Markup('<span class="hidden-mark" title="{}">{}</span>').format(name, code)))
    return Markup("".join(pieces))  # noqa: S704 - each piece is escaped
