"""Every command explains itself, quickly, and docs/reference/cli.md names them all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cloudwright.cli.main import NOUNS, cfy
from cloudwright.cli.server import cloudwright

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
#: Options that every command has, which the page explains once.
SHARED = {
    "--json",
    "--format",
    "--verbose",
    "--quiet",
    "--manager",
    "--tenant-name",
    "--extended-view",
    "--help",
}


def commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*path, name))


ALL = [*commands(cfy, ("cfy",)), *commands(cloudwright, ("cloudwright",))]
NAMES = [" ".join(path) for path, _ in ALL]


@pytest.mark.parametrize(("path", "command"), ALL, ids=NAMES)
def test_help(path: tuple[str, ...], command: click.Command) -> None:
    root = cfy if path[0] == "cfy" else cloudwright
    for option in ("--help", "-h"):
        result = CliRunner().invoke(root, [*path[1:], option])
        assert result.exit_code == 0
        assert result.output.startswith("Usage: ")
    text = (command.help or "").strip()
    assert text, "it does not say what it does"
    assert text.split("\n")[0].endswith(".")
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert (parameter.help or "").strip(), f"{parameter.opts} is not explained"


@pytest.mark.parametrize(("path", "command"), ALL, ids=NAMES)
def test_help_fits_a_terminal_and_cuts_nothing_off(path: tuple[str, ...], command: click.Command) -> None:
    # Found by reading it: a group cut off what its commands do, after 45 characters, with "where...".
    root = cfy if path[0] == "cfy" else cloudwright
    text = CliRunner().invoke(root, [*path[1:], "--help"], terminal_width=80).output
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "...\n" not in text.partition("Commands:")[2]


def test_the_list_of_nouns_says_what_the_nouns_say() -> None:
    context = click.Context(cfy)
    for name, (_, told) in NOUNS.items():
        noun = cfy.get_command(context, name)
        assert noun is not None
        assert noun.name == name
        assert " ".join((noun.help or "").split("\n\n")[0].split()) == told


@pytest.mark.parametrize(("path", "command"), ALL, ids=NAMES)
def test_the_page_names_every_command_and_option(path: tuple[str, ...], command: click.Command) -> None:
    page = DOCS.read_text("utf-8")
    name = " ".join(path)
    if isinstance(command, click.Group):
        assert name in page
        return
    heading = re.search(rf"^#+ `{re.escape(name)}\b.*`$", page, re.MULTILINE)
    assert heading, f"there is no heading for `{name}`"
    section = re.split(r"^#+ ", page[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            long = max(parameter.opts, key=len)
            if long not in SHARED or (long == "--tenant-name" and "manager" in long):
                assert long in section, f"`{long}` of `{name}` is not explained"


def test_the_page_explains_the_shared_options() -> None:
    page = DOCS.read_text("utf-8")
    for option in SHARED:
        assert option in page


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["executions", "--help"], ["executions", "start", "--help"], ["install", "--help"]],
)
def test_help_waits_for_nothing_that_it_does_not_use(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from cloudwright.cli.main import cfy\n"
        "try:\n"
        f"    cfy.main({arguments!r})\n"
        "finally:\n"
        "    heavy = {'httpx', 'rich', 'yaml', 'ssl', 'sqlalchemy', 'asyncio'} & set(sys.modules)\n"
        "    print('LOADED', sorted(heavy), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    assert "LOADED []" in done.stderr


def test_completion() -> None:
    environ = {
        **os.environ,
        "_CFY_COMPLETE": "bash_complete",
        "COMP_WORDS": "cfy executions ca",
        "COMP_CWORD": "2",
    }
    program = "import sys; from cloudwright.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "plain,cancel\n", "")
