"""The tutorials, and the how-to that is one story, do what they say: their files are written, their commands
run, and their output is as shown.

In a page, a block with a title is a file, and a ``console`` block holds commands after ``$`` and what they
print. ``...`` in the output stands for any text, alone on a line for any number of lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import leftovers

DOCS = Path(__file__).resolve().parents[2] / "docs"
TUTORIALS = [
    *sorted((DOCS / "tutorial").glob("*.md")),
    DOCS / "how-to" / "change-what-runs.md",
    DOCS / "how-to" / "compose-services.md",
    DOCS / "how-to" / "users-and-tenants.md",
    DOCS / "how-to" / "write-a-plugin.md",
]
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.M | re.S)


def steps(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a ``console`` block, each with the output that the page shows."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def matches(shown: str, printed: str) -> bool:
    pattern = re.escape(shown.strip()).replace(r"\.\.\.", ".*")
    return re.fullmatch(pattern, printed.strip(), re.S) is not None


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    left = leftovers(tmp_path / ".cloudwright")
    for process in left:
        process.kill()
    assert not left


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_the_tutorial_does_what_it_says(page: Path, folder: Path) -> None:
    environment = {
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # The pages show what a terminal shows.
        "CLOUDWRIGHT_FORMAT": "plain",
    }
    variables: dict[str, str] = {}
    ran = 0
    for language, title, text in BLOCK.findall(page.read_text("utf-8")):
        if title:
            path = folder / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif language == "console":
            for command, shown in steps(text):
                name, is_assignment, _ = command.partition("=$(")
                done = subprocess.run(
                    [
                        "bash",
                        "-c",
                        command + (f'\necho "${name}"' if is_assignment and name.isidentifier() else ""),
                    ],
                    cwd=folder,
                    env=environment | variables,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=120,
                    check=False,
                )
                assert done.returncode == 0, f"$ {command}\n{done.stdout}"
                if is_assignment and name.isidentifier():
                    variables[name] = done.stdout.splitlines()[-1]
                else:
                    assert matches(shown, done.stdout), (
                        f"$ {command}\nprinted\n{done.stdout}\nand not\n{shown}"
                    )
                ran += 1
    assert ran > 3


def test_output_matches_only_what_is_shown() -> None:
    assert matches("...\na ... c\n", "x\ny\na b c\n")
    assert not matches("a b\n", "a b\nc\n")
    assert not matches("a ... c\n", "a b d\n")
