"""Records as text: columns, cells, values and colours."""

from __future__ import annotations

import json
import os
import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

#: Statuses and states by what they mean to a reader.
GOOD = frozenset({"terminated", "succeeded", "uploaded", "started", "active", "OK", "ok", "good"})
BAD = frozenset(
    {"failed", "failed_uploading", "failed_extracting", "failed_parsing", "invalid", "Fail", "ill"}
)
PENDING = frozenset(
    {
        "drifted",
        "unknown",
        "cancelling",
        "force_cancelling",
        "kill_cancelling",
        "cancelled",
        "pending",
        "queued",
        "scheduled",
        "sent",
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a record in a list. ``label`` is its heading if the field's name would not do.

    Where a table is wider than its terminal, ``spare`` ones are left out.
    """

    name: str
    label: str = ""
    spare: bool = False

    @property
    def heading(self) -> str:
        return self.label or self.name.replace("_", " ")

    @property
    def brief_heading(self) -> str:
        """The heading of a column of ages."""
        return self.heading.removesuffix(" at")


def columns(*names: str) -> list[Column]:
    """``name`` or ``name=label`` each; a ``?`` after it marks a spare one."""
    parts = [name.rstrip("?").partition("=") for name in names]
    return [
        Column(field, label, spare=name.endswith("?"))
        for name, (field, _, label) in zip(names, parts, strict=True)
    ]


SHORT_ID = 8
_GENERATED = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXECUTION = re.compile(rf"(\b(?:[Ee]xecution|cfy (?:executions|events)[a-z -]*) )({_GENERATED.pattern})")
# Sequences and characters that act on a terminal, and those that change the order of what it shows.
_CONTROL = re.compile(
    r"\x1b\[[0-9;:<=>?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
# JSON escapes those below 0x20 by itself.
_CONTROL_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return users' text without what would act on the reader's terminal; newlines and tabs stay."""
    return _CONTROL.sub("", text)


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """Return a value as JSON that says the same as the value and does not act on a terminal."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    return _CONTROL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def ruled_lines(items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> list[str]:
    """Return a table between `+---+` and `|`, with fields' own names above: the shape that scripts know that
    were made for Cloudify.
    """
    rows = [[column.name for column in shown]]
    rows += [[" ".join(cell(item.get(column.name)).split()) for column in shown] for item in items]
    widths = [max(len(row[position]) for row in rows) for position in range(len(shown))]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [
        "|" + "|".join(f" {text.center(width)} " for text, width in zip(row, widths, strict=True)) + "|"
        for row in rows
    ]
    return [rule, lines[0], rule, *lines[1:], rule]


def aligned_lines(items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> list[str]:
    """Return a heading and a line per record, in columns two spaces apart, for other programs and for
    diff.
    """
    rows = [[column.heading.upper().replace(" ", "_") for column in shown]]
    rows += [[" ".join(cell(item.get(column.name)).split()) or "-" for column in shown] for item in items]
    widths = [max(len(row[position]) for row in rows) for position in range(len(shown))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def cell(value: Any) -> str:
    """Return a field's value in one piece of plain text: times to the second, nothing for None."""
    return plain(_cell(value))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return short_time(value)
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, list) and all(isinstance(part, dict) and "key" in part for part in value):
        return ", ".join(f"{part['key']}:{part.get('value', '')}" for part in value)
    return json_text(value)


def short_time(text: str) -> str:
    """``2024-05-01T12:00:00.123Z`` as ``2024-05-01 12:00:00Z``; any other text as it is."""
    if len(text) >= 20 and text[4] == text[7] == "-" and text[10] == "T" and text.endswith("Z"):
        return f"{text[:10]} {text[11:19]}Z"
    return text


def age(text: str | None, now: datetime | None = None) -> str:
    """Return how long ago a time of the API was, as a person says it: `12 s`, `5 min`, `3 h`, `12 d`."""
    moment = _moment(text)
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return f"in {duration(-seconds)}" if seconds < -1 else duration(max(seconds, 0))


def took(begun: str | None, ended: str | None, now: datetime | None = None) -> str:
    """Return how long something took that began and ended at times of the API, or has taken so far."""
    first, last = _moment(begun), _moment(ended) or now or datetime.now(UTC)
    return "" if first is None else duration(max((last - first).total_seconds(), 0), fine=True)


def duration(seconds: float, *, fine: bool = False) -> str:
    """``12 s``, ``5 min``, ``3 h`` or ``12 d``; ``fine`` adds a second unit or a decimal."""
    if fine and seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for limit, size, unit, smaller, name in _UNITS:
        if whole < limit:
            rest = whole % size // smaller if smaller else 0
            return f"{whole // size} {unit}" + (f" {rest:02} {name}" if fine and smaller else "")
    return f"{whole // 86400} d"


#: Up to how many seconds a unit is used, how long it is, its name, and the next smaller one.
_UNITS = (
    (60, 1, "s", 0, ""),
    (3600, 60, "min", 1, "s"),
    (172_800, 3600, "h", 60, "min"),
)


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def short_id(text: str) -> str:
    """Return the beginning of a generated id, which commands take for it; any other text as it is."""
    return text[:SHORT_ID] if _GENERATED.fullmatch(text) else text


def with_short_ids(text: str) -> str:
    """Return a message for a terminal: ids of executions, and those in commands about them, are short."""
    return _EXECUTION.sub(lambda found: found[1] + found[2][:SHORT_ID], text)


def terminal_width() -> int:
    return shutil.get_terminal_size().columns


def folded(text: str, width: int) -> str:
    """Return text for people whose lines end between words. Commands between backticks stay whole, so that
    they can be copied, and so does what is indented.
    """
    return "\n".join(
        line if line.startswith(" ") or len(line) <= width else _filled(line, width)
        for line in text.split("\n")
    )


def _filled(line: str, width: int) -> str:
    whole = re.sub(r"`[^`]+`", lambda found: found[0].replace(" ", "\0"), line)
    return textwrap.fill(whole, width, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def brief(value: Any) -> str:
    """Return a field's value as a list on a terminal has it: ids short, times as ages."""
    if isinstance(value, str):
        if _GENERATED.fullmatch(value):
            return value[:SHORT_ID]
        if short_time(value) != value:
            return age(value)
    return cell(value)


def value_text(value: Any) -> str:
    """Return a value of any shape: texts as they are, the rest as JSON, indented if it is large."""
    if isinstance(value, str):
        return plain(value)
    text = json_text(value)
    return text if len(text) <= 100 else json_text(value, indent=2)


def default_text(declared: Mapping[str, Any]) -> str:
    """Return the default of an input or a parameter, as one would write it; nothing if it has none."""
    return value_text(declared["default"]) if "default" in declared else ""


def indented(text: str, by: int) -> str:
    """Return the lines after the first moved to the right."""
    return text.replace("\n", "\n" + " " * by)


def styled(text: str, *, colour: str | None = None, dim: bool = False) -> str:
    """Return plain text in a colour; without one if the user or the terminal wants none (NO_COLOR, TERM)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return click.style(text, fg=colour, dim=dim or None)


def colour_of(text: str) -> str | None:
    """Return the colour of a status on a terminal."""
    if text in BAD:
        return "red"
    if text in GOOD:
        return "green"
    return "yellow" if text in PENDING else None


def byte_text(size: int) -> str:
    """Return a number of bytes in the unit in which it is short: `340 MiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
