"""Printing: tables on a terminal, aligned lines in a pipe, JSON if it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli.formatting import (
    Column,
    aligned_lines,
    cell,
    colour_of,
    indented,
    json_text,
    plain,
    styled,
    value_text,
)
from cloudwright.cli.lazy import lazy

if TYPE_CHECKING:
    from cloudwright.cli import tables
else:
    tables = lazy("cloudwright.cli.tables")


@dataclass
class Output:
    """How to print: set by the options that all commands share.

    ``say`` and ``remark`` are for people; the rest is what was asked for.
    """

    as_json: bool = False
    quiet: bool = False
    verbosity: int = 0
    extended: bool = False

    @property
    def is_terminal(self) -> bool:
        return sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Print what was done, for a person."""
        if not self.quiet and not self.as_json:
            click.echo(plain(text))

    def remark(self, text: str) -> None:
        """Print progress, for a person."""
        if not self.quiet:
            click.echo(plain(text), err=True)

    def warn(self, text: str) -> None:
        """Print what a person must know, also with ``--quiet``."""
        click.echo(plain(text), err=True)

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
    ) -> None:
        """A list. ``noun`` is its plural; ``where`` says of what: `` of deployment `web```."""
        if self.as_json:
            self.json(list(items))
            return
        if not items:
            beyond = " in this range" if total else ""
            click.echo(plain(f"There are no {noun}{where}{beyond}."))
            return
        if self.is_terminal and not self.extended:
            kept = tables.fitting(items, shown)
            if kept:
                tables.print_table(items, kept)
                missing = [column for column in shown if column not in kept]
                left_out = [column.heading for column in missing if not tables.is_empty(items, column)]
                if left_out:
                    self.remark(f"There is no room for {', '.join(left_out)}; --extended-view shows all.")
            else:
                self._blocks(items, shown)
        elif self.extended:
            self._blocks(items, shown)
        else:
            for line in aligned_lines(items, shown):
                click.echo(line)
        if total is not None and total != len(items):
            self.remark(
                f"Showing {len(items)} of {total} {noun}; --pagination-offset and -size show the others."
            )

    def _blocks(self, items: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> None:
        for number, item in enumerate(items, 1):
            click.echo(f"{'' if number == 1 else chr(10)}[{number}]")
            self.fields({column.heading: item.get(column.name) for column in shown})

    def record(self, item: Mapping[str, Any], shown: Sequence[Column]) -> None:
        """One record, a line per field that it has."""
        if self.as_json:
            self.json(dict(item))
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
