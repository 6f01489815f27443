"""Problems of a blueprint, shown beside the text that has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudwright.model.rest import Problem


LONGEST_EXCERPT = 120


def problem_lines(problem: Problem, folder: Path | None, kind: str = "") -> list[str]:
    """``file:line:column: what is wrong``, then the line itself and what would have been right.

    ``folder`` is where the blueprint's files are on this machine, where they are; ``kind`` stands before what
    is wrong.
    """
    name, line, column = problem.get("file"), problem.get("line"), problem.get("column")
    file = _local(folder, name) if folder is not None and name else None
    place = ":".join(str(part) for part in (file or name, line, column) if part is not None)
    said = f"{kind}{problem['message']}"
    lines = [f"{place}: {said}" if place else said]
    if file is not None and line:
        lines += _excerpt(file, line, column)
    if problem.get("expected"):
        lines.append(f"    expected: {problem['expected']}")
    if problem.get("suggestion"):
        lines.append(f"    did you mean `{problem['suggestion']}`?")
    return lines


def all_lines(problems: Sequence[Problem], folder: Path | None) -> list[str]:
    return [line for problem in problems for line in problem_lines(problem, folder)]


def warning_lines(warnings: Sequence[Problem], folder: Path | None) -> list[str]:
    return [line for warning in warnings for line in problem_lines(warning, folder, "warning: ")]


def summary(problems: Sequence[Problem]) -> str:
    return "The blueprint is not valid: " + (
        "1 problem was found." if len(problems) == 1 else f"{len(problems)} problems were found."
    )


def _local(folder: Path, name: str) -> Path | None:
    """Return the file as this machine knows it, so that an editor can open it."""
    path = folder / name
    return path if path.is_file() else None


def _excerpt(file: Path, line: int, column: int | None) -> list[str]:
    text = file.read_text("utf-8", errors="replace").splitlines()
    if line > len(text):
        return []
    shown = text[line - 1].replace("\t", " ")
    if len(shown) > LONGEST_EXCERPT:
        return []
    gutter = f"    {line} | "
    marked = [gutter + shown]
    if column and column <= len(shown) + 1:
        marked.append(" " * (len(gutter) - 2) + "| " + " " * (column - 1) + "^")
    return marked
