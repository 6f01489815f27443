"""Every command that a message or a page names can be entered as it is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cloudwright.cli.main import cfy
from cloudwright.cli.server import cloudwright

ROOT = Path(__file__).parents[3]
PROGRAMS: dict[str, click.Command] = {"cfy": cfy, "cloudwright": cloudwright}
NAMED = re.compile(r"`(cfy|cloudwright) ([^`]*)`")
#: Where a text goes on: in the next literal, or on the next line.
LITERAL, LINE = re.compile(r'"\s*\n\s*f?"'), re.compile(r"\s*\n\s*")


def named() -> Iterator[tuple[str, str, str]]:
    """The file, the program and what follows it; decisions speak of their own time."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    for file in files:
        if "decisions" in file.parts:
            continue
        end, joint = (LITERAL, "") if file.suffix == ".py" else (LINE, " ")
        for program, rest in NAMED.findall(end.sub(joint, file.read_text("utf-8"))):
            yield str(file.relative_to(ROOT)), program, rest


def unknown(program: str, rest: str) -> str | None:
    """Return the word that nobody can enter there; None if there is none."""
    command, options = PROGRAMS[program], []
    for word in rest.split():
        if word.startswith("-"):
            options.append(word.partition("=")[0].rstrip(",.;:"))
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                # `NOUN`, `...` and the like stand for many.
                return word if re.fullmatch(r"[a-z-]+", word) else None
            command = found
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return next(
        (option for option in options if option not in known | {"-h", "--help", "--version", "-"}), None
    )


def test_commands_that_are_named_can_be_entered() -> None:
    wrong = [
        f"{file}: `{program} {rest}`: {word}"
        for file, program, rest in named()
        if (word := unknown(program, rest))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("rest", "word"),
    [
        ("executions resume ID --force", None),
        ("executions resume ID --strongly", "--strongly"),
        ("executions raise ID", "raise"),
        ("NOUN --help", None),
    ],
)
def test_a_word_that_is_no_command_or_option_is_found(rest: str, word: str | None) -> None:
    assert unknown("cfy", rest) == word
