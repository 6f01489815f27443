"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloudwright.cli.output import Column, cell, colour_of


def print_table(items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> None:
    """A table as wide as the terminal; what does not fit is folded: half an id cannot be copied."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in shown:
        table.add_column(column.heading, overflow="fold")
    for item in items:
        texts = [cell(item.get(column.name)) for column in shown]
        table.add_row(*[Text(text, style=colour_of(text) or "") for text in texts])
    Console(highlight=False).print(table)
