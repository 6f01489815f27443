"""Records as text: columns, cells, values and colours."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

#: Statuses and states by what they mean to a reader.
GOOD = frozenset({"terminated", "succeeded", "uploaded", "started", "active", "OK", "good"})
BAD = frozenset({"failed", "failed_uploading", "failed_extracting", "failed_parsing", "invalid", "Fail"})
PENDING = frozenset(
    {
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
    """One field of a record in a list. ``label`` is its heading where the field's name would not do.

    Where a table is wider than its terminal, ``spare`` ones are left out.
    """

    name: str
    label: str = ""
    spare: bool = False

    @property
    def heading(self) -> str:
        return self.label or self.name.replace("_", " ")


def columns(*names: str) -> list[Column]:
    """``name`` or ``name=label`` each; a ``?`` after it marks a spare one."""
    parts = [name.rstrip("?").partition("=") for name in names]
    return [
        Column(field, label, spare=name.endswith("?"))
        for name, (field, _, label) in zip(names, parts, strict=True)
    ]


def aligned_lines(items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> list[str]:
    """A heading and a line per record, in columns two spaces apart, for other programs and for diff."""
    rows = [[column.heading.upper().replace(" ", "_") for column in shown]]
    rows += [[" ".join(cell(item.get(column.name)).split()) or "-" for column in shown] for item in items]
    widths = [max(len(row[position]) for row in rows) for position in range(len(shown))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def cell(value: Any) -> str:
    """A value of a field in one piece of text: times to the second, nothing for None."""
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
    return json.dumps(value, ensure_ascii=False)


def short_time(text: str) -> str:
    """``2024-05-01T12:00:00.123Z`` as ``2024-05-01 12:00:00Z``; any other text as it is."""
    if len(text) >= 20 and text[4] == text[7] == "-" and text[10] == "T" and text.endswith("Z"):
        return f"{text[:10]} {text[11:19]}Z"
    return text


def value_text(value: Any) -> str:
    """A value of any shape: texts as they are, the rest as JSON, indented where it is large."""
    if isinstance(value, str):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else json.dumps(value, ensure_ascii=False, indent=2)


def default_text(declared: Mapping[str, Any]) -> str:
    """The default of an input or a parameter, as one would write it; nothing where it has none."""
    return value_text(declared["default"]) if "default" in declared else ""


def indented(text: str, by: int) -> str:
    """The lines after the first moved to the right."""
    return text.replace("\n", "\n" + " " * by)


def styled(text: str, *, colour: str | None = None, dim: bool = False) -> str:
    """A text for a terminal; as it is where the user wants no colours (NO_COLOR) or the terminal has none."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return click.style(text, fg=colour, dim=dim or None)


def colour_of(text: str) -> str | None:
    """The colour of a status on a terminal."""
    if text in BAD:
        return "red"
    if text in GOOD:
        return "green"
    return "yellow" if text in PENDING else None
