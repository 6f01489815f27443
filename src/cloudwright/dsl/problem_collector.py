"""Collects what is wrong, and ends the parsing with all of it; and warnings, which end nothing."""

from __future__ import annotations

from cloudwright.dsl.limits import Limits
from cloudwright.dsl.problems import BlueprintError, Path, Problem, path_text
from cloudwright.dsl.source_files import Origins, Place, SourceFile


class ProblemCollector:
    def __init__(self, origins: Origins, limits: Limits) -> None:
        self._origins = origins
        self._most = limits.problems
        self._seen: set[tuple[Path, str]] = set()
        self.problems: list[Problem] = []
        self._warnings: list[Problem] = []

    def add(
        self,
        path: Path,
        message: str,
        *,
        key: bool = False,
        expected: str | None = None,
        suggestion: str | None = None,
        document: SourceFile | None = None,
    ) -> None:
        """Notes a problem with the element at ``path`` of the merged blueprint, or of one ``document``;
        ``key`` points at its name and not at its value.

        Raises BlueprintError when there are more than anybody reads.
        """
        if (path, message) in self._seen:
            return
        self._seen.add((path, message))
        if document is None:
            place = self._origins.find(path, key=key)
        else:
            place = Place(document.location, *(document.marks.find(path, key=key) or (None, None)))
        self.problems.append(
            Problem(message, place.file, place.line, place.column, path_text(path), expected, suggestion)
        )
        if len(self.problems) >= self._most:
            self.finish()

    def warn(self, path: Path, message: str, *, key: bool = False, suggestion: str | None = None) -> None:
        """Notes that the element at ``path`` is allowed and probably not meant. Further ones than anybody
        reads are dropped.
        """
        if len(self._warnings) < self._most:
            place = self._origins.find(path, key=key)
            self._warnings.append(
                Problem(message, place.file, place.line, place.column, path_text(path), suggestion=suggestion)
            )

    def warn_at(self, document: SourceFile, line: int, column: int, message: str) -> None:
        """As ``warn``, of a place in a file."""
        if len(self._warnings) < self._most:
            self._warnings.append(Problem(message, document.location, line, column))

    @property
    def warnings(self) -> list[Problem]:
        return _in_order(self._warnings)

    def finish(self) -> None:
        """Raises BlueprintError if anything wrong was noted."""
        if self.problems:
            raise BlueprintError(_in_order(self.problems), self.warnings)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """By file, in the order in which the files have problems, and in each from its beginning to its end."""
    order = {problem.file: index for index, problem in reversed(list(enumerate(problems)))}
    return sorted(problems, key=lambda p: (order[p.file], p.line or 0, p.column or 0))
