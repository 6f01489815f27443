"""Printing: tables on a terminal, aligned lines in a pipe, JSON if it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli.formatting import (
    Column,
    aligned_lines,
    cell,
    colour_of,
    folded,
    indented,
    json_text,
    plain,
    ruled_lines,
    styled,
    terminal_width,
    value_text,
    with_short_ids,
)
from cloudwright.cli.lazy import lazy

if TYPE_CHECKING:
    from cloudwright.cli import tables
else:
    tables = lazy("cloudwright.cli.tables")


def _tell(text: str, *, err: bool) -> None:
    """Print words for a person; on a terminal they are folded, and ids are as short as commands take them."""
    stream = sys.stderr if err else sys.stdout
    text = plain(text)
    click.echo(folded(with_short_ids(text), terminal_width()) if stream.isatty() else text, err=err)


@dataclass
class Output:
    """How to print: set by the options that all commands share.

    ``say`` and ``remark`` are for people; the rest is what was asked for.
    """

    as_json: bool = False
    #: `plain` or `table` if one was asked for; else it depends on where the output goes.
    layout: str = field(default_factory=lambda: os.environ.get("CLOUDWRIGHT_FORMAT", ""))
    #: Whether standard output is for lines of JSON alone.
    json_lines: bool = False
    quiet: bool = False
    verbosity: int = 0
    extended: bool = False

    @property
    def is_terminal(self) -> bool:
        return sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Print what was done, for a person."""
        if not self.quiet and not self.as_json:
            _tell(text, err=self.json_lines)

    def remark(self, text: str) -> None:
        """Print progress, for a person."""
        if not self.quiet:
            _tell(text, err=True)

    def warn(self, text: str) -> None:
        """Print what a person must know, also with ``--quiet``."""
        _tell(text, err=True)

    def line(self, text: str, *, colour: str | None = None) -> None:
        """Print a line of the result, in a colour on a terminal."""
        text = plain(text)
        click.echo(styled(text, colour=colour) if self.is_terminal else text)

    def json(self, value: Any) -> None:
        """A whole JSON document: indented for a reader, in one line for a pipe."""
        indent = 2 if self.is_terminal else None
        click.echo(json_text(value, indent=indent, ascii_only=not self._takes_all_characters))

    def json_line(self, value: Any) -> None:
        click.echo(json_text(value, ascii_only=not self._takes_all_characters))

    @property
    def _takes_all_characters(self) -> bool:
        return (sys.stdout.encoding or "").lower().startswith("utf")

    def records(
        self,
        items: Sequence[Mapping[str, Any]],
        shown: Sequence[Column],
        *,
        noun: str,
        total: int | None = None,
        where: str = "",
        brief: Sequence[Column] = (),
    ) -> None:
        """A list. ``noun`` is its plural; ``where`` says of what: `` of deployment `web```. ``brief`` are the
        columns on a terminal, if they are others than elsewhere.
        """
        if self.as_json:
            self.json(list(items))
            return
        if not items:
            beyond = " in this range" if total else ""
            click.echo(plain(f"There are no {noun}{where}{beyond}."))
            return
        if self.extended:
            self._blocks(items, shown)
        elif self.layout == "table" or not (self.layout or self.is_terminal):
            for line in ruled_lines(items, shown):
                click.echo(line)
        elif self.is_terminal:
            self._columns(items, brief or shown)
        else:
            for line in aligned_lines(items, shown):
                click.echo(line)
        if total is not None and total != len(items):
            self.remark(f"Showing {len(items)} of {total} {noun}; -s and -o show more.")

    def _columns(self, items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> None:
        """A table on a terminal; a line per field if it is too narrow."""
        kept = tables.fitting(items, shown)
        if not kept:
            self._blocks(items, shown)
            return
        tables.print_table(items, kept)
        missing = [column for column in shown if column not in kept]
        left_out = [column.brief_heading for column in missing if not tables.is_empty(items, column)]
        cut = [column.brief_heading for column in kept[1:] if tables.is_cut(items, column)]
        if cut:
            self.remark(f"Cut to fit the terminal: {', '.join(cut)}. -x shows all.")
        if left_out:
            self.remark(f"Hidden to fit the terminal: {', '.join(left_out)}. -x shows all.")

    def _blocks(self, items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> None:
        for number, item in enumerate(items, 1):
            click.echo(f"{'' if number == 1 else chr(10)}[{number}]")
            self.fields({column.heading: item.get(column.name) for column in shown})

    def record(self, item: Mapping[str, Any], shown: Sequence[Column]) -> None:
        """One record, a line per field that it has."""
        if self.as_json:
            self.json(dict(item))
        elif self.layout == "table":
            for line in ruled_lines([item], shown):
                click.echo(line)
        else:
            values = {column.heading: item.get(column.name) for column in shown}
            self.fields({name: value for name, value in values.items() if value not in (None, "", [])})

    def fields(self, values: Mapping[str, Any]) -> None:
        """Names and values, a line each."""
        names = [plain(name) for name in values]
        width = max((len(name) for name in names), default=0)
        for name, value in zip(names, values.values(), strict=True):
            text = cell(value)
            if self.is_terminal:
                text = styled(text, colour=colour_of(text))
                name = styled(name.ljust(width), dim=True)
            click.echo(f"{name.ljust(width)}  {indented(text, width + 2)}".rstrip())

    def section(self, title: str, values: Mapping[str, Any], *, nothing: str) -> None:
        """A heading and names with values of any shape below it."""
        if not values:
            click.echo(f"\n{plain(nothing)}")
            return
        click.echo(f"\n{plain(title)}")
        for name, value in values.items():
            text = value_text(value)
            # A long value begins on a line of its own.
            text = f"\n{text}" if "\n" in text else f" {text}"
            click.echo(f"  {plain(name)}:{indented(text, 4)}")
