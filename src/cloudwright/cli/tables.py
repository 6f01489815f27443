"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloudwright.cli.formatting import Column, brief, colour_of

GAP = 2
#: A text that is longer than this may be folded before a column is left out for it.
LONG = 40
#: What is longer is cut: a table is to be looked over, and `-x` shows all.
LONGEST = 3 * LONG
#: What a folded column needs to be readable still.
NARROW = 12


def fitting(
    items: Sequence[Mapping[str, Any]], shown: Sequence[Column], width: int | None = None
) -> list[Column]:
    """Return the columns of a table that is at most ``width`` wide (the terminal's where it is None); nothing
    where only a line per field will do.

    The first column, by which a thing is named, is never folded: half an id cannot be copied. Spare columns
    are left out first: those that hold nothing, then from the last; what is left is folded.
    """
    most = Console().width if width is None else width
    widths = {column: _width(items, column) for column in shown}
    name, kept = shown[0], list(shown)

    def needed(limit: int) -> int:
        return widths[name] + sum(GAP + min(widths[column], limit) for column in kept[1:])

    spare = sorted((column for column in shown if column.spare), key=lambda column: is_empty(items, column))
    while needed(LONG) > most and spare:
        kept.remove(spare.pop())
    return kept if needed(NARROW) <= most else []


def is_empty(items: Sequence[Mapping[str, Any]], column: Column) -> bool:
    return not any(brief(item.get(column.name)) for item in items)


def is_cut(items: Sequence[Mapping[str, Any]], column: Column) -> bool:
    """Return whether the table shows only the beginning of a value."""
    return any(len(brief(item.get(column.name))) > LONGEST for item in items)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _width(items: Sequence[Mapping[str, Any]], column: Column) -> int:
    texts = (column.brief_heading, *(brief(item.get(column.name)) for item in items))
    return max(map(cell_len, texts))


def print_table(items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> None:
    """A table of these columns, as wide as the terminal at most; ids are short, times are ages."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for number, column in enumerate(shown):
        table.add_column(column.brief_heading, overflow="fold", no_wrap=number == 0)
    for item in items:
        texts = [brief(item.get(column.name)) for column in shown]
        texts[1:] = map(_shortened, texts[1:])
        table.add_row(*[Text(text, style=colour_of(text) or "") for text in texts])
    Console(highlight=False).print(table)
