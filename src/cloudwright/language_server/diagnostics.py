"""What is wrong with a blueprint, by file, as editors show it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cloudwright.dsl import BlueprintError, parse_blueprint
from cloudwright.dsl.imports import read_document
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.problems import Problem
from cloudwright.dsl.resolver import Imported
from cloudwright.dsl.versions import VERSION_KEY
from cloudwright.dsl.yaml_reader import Budget

_OF_IMPORT = re.compile(r"imports\[\d+\]")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """``line`` and ``column`` count from 0. ``is_error`` is false for what is allowed and probably not meant,
    and for what only a manager can tell.
    """

    file: str
    line: int
    column: int
    message: str
    is_error: bool


def diagnose(path: Path, text: str) -> list[Diagnostic]:
    """Return what is wrong with the blueprint at ``path``, of which ``text`` is the content.

    A file without a version is one that others import: of it only the YAML is checked.
    """
    limits = Limits()
    try:
        document = read_document(Imported(str(path), text, path.parent), None, Budget(limits))
        if VERSION_KEY not in document.data:
            return []
        plan = parse_blueprint(path, text=text, limits=limits)
    except BlueprintError as error:
        problems = [(problem, not _needs_manager(problem)) for problem in error.problems]
        return [
            _diagnostic(path, problem, is_error)
            for problem, is_error in (*problems, *((warning, False) for warning in error.warnings))
        ]
    warnings = [Problem(**warning) for warning in plan.section("warnings")]
    return [_diagnostic(path, warning, False) for warning in warnings]


def _needs_manager(problem: Problem) -> bool:
    """Return whether it is an import that a manager knows, and nobody here."""
    return bool(_OF_IMPORT.fullmatch(problem.path)) and bool(
        re.search(r"`(?:plugin|blueprint|https?|ftp):", problem.message)
    )


def _diagnostic(path: Path, problem: Problem, is_error: bool) -> Diagnostic:
    message = problem.message
    if problem.expected:
        message += f" Expected: {problem.expected}."
    if problem.suggestion:
        message += f" Did you mean `{problem.suggestion}`?"
    if _needs_manager(problem):
        message += " What depends on it is not checked here; `cfy blueprints validate` does."
    line, column = (problem.line or 1) - 1, (problem.column or 1) - 1
    return Diagnostic(problem.file or str(path), line, column, message, is_error)
