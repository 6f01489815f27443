"""What CI runs is what a developer can run: each step is a make target that exists."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloudwright import __version__

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
#: The versions with which the tests were run: only these are claimed. CI may try more.
RUN = {"3.11", "3.12", "3.13"}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_is_a_make_target(path: Path) -> None:
    commands = [step["run"] for job in jobs(path).values() for step in job["steps"] if "run" in step]
    assert commands
    for command in commands:
        words = re.sub(r"\$\{\{[^}]*\}\}", "x", command).split()
        assert words[:1] == ["make"], command
        for word in words[1:]:
            name, is_variable, _ = word.partition("=")
            if is_variable:
                assert re.search(rf"^{name} *[?:]?=|\$\({name}\)|\$\(if \$\({name}\)", MAKEFILE, re.M), (
                    command
                )
            else:
                assert name in TARGETS, command


def test_ci_tries_every_supported_python_on_both_databases() -> None:
    matrix = jobs(ROOT / ".github" / "workflows" / "ci.yml")["test"]["strategy"]["matrix"]
    assert matrix == {"python": ["3.11", "3.12", "3.13", "3.14"], "database": ["sqlite", "postgresql"]}


def test_only_versions_that_were_run_are_claimed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    claimed = {text.rpartition(" ")[2] for text in project["classifiers"] if "Python :: 3" in text}
    assert claimed == RUN


def test_help_shows_every_command() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony
    assert set(re.findall(r"^  make ([a-z-]+) ", shown, re.M)) == set(phony[1].split()) == TARGETS


def test_the_changelog_has_this_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
