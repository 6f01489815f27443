"""Printing: tables on a terminal, aligned lines in a pipe, JSON where it is asked for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli.lazy import lazy

if TYPE_CHECKING:
    from cloudwright.cli import terminal
else:
    terminal = lazy("cloudwright.cli.terminal")

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
        """Tell a person what was done."""
        if not self.quiet and not self.as_json:
            click.echo(text)

    def remark(self, text: str) -> None:
        """Tell a person what goes on besides what was asked for."""
        if not self.quiet:
            click.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Tell a person what they must know, whatever they asked to be spared."""
        click.echo(text, err=True)

    def line(self, text: str) -> None:
        """A line of what was asked for."""
        click.echo(text)

    def json(self, value: Any) -> None:
        """A whole JSON document: indented for a reader, in one line for a pipe."""
        indent = 2 if self.is_terminal else None
        click.echo(json.dumps(value, indent=indent, ensure_ascii=not self._takes_all_characters))

    def json_line(self, value: Any) -> None:
        click.echo(json.dumps(value, ensure_ascii=not self._takes_all_characters))

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
            click.echo(f"There are no {noun}{where}{beyond}.")
            return
        if self.is_terminal and not self.extended:
            kept = terminal.fitting(items, shown)
            if kept:
                terminal.print_table(items, kept)
                missing = [column for column in shown if column not in kept]
                left_out = [column.heading for column in missing if not terminal.is_empty(items, column)]
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
        width = max((len(name) for name in values), default=0)
        for name, value in values.items():
            text = cell(value)
            if self.is_terminal:
                text = styled(text, colour=colour_of(text))
                name = styled(name.ljust(width), dim=True)
            click.echo(f"{name.ljust(width)}  {indented(text, width + 2)}".rstrip())

    def section(self, title: str, values: Mapping[str, Any], *, nothing: str) -> None:
        """A heading and names with values of any shape below it."""
        if not values:
            click.echo(f"\n{nothing}")
            return
        click.echo(f"\n{title}")
        for name, value in values.items():
            text = value_text(value)
            # A long value begins on a line of its own.
            text = f"\n{text}" if "\n" in text else f" {text}"
            click.echo(f"  {name}:{indented(text, 4)}")


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
