"""The error that ends a command, and the exit codes."""

from __future__ import annotations

import json
from typing import Any

from cloudwright.cli.formatting import folded, with_short_ids
from cloudwright.client.errors import ApiError

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class Failure(Exception):
    """Ends a command. ``what`` happened is a whole sentence; ``hint`` says what to do about it.

    ``details`` are for programs (``--json``); ``cause`` is the traceback of the user's code, and ``trace``
    what ``-v`` adds, both for people.
    """

    def __init__(
        self,
        what: str,
        hint: str = "",
        *,
        exit_code: int = FAILED,
        details: dict[str, Any] | None = None,
        cause: str = "",
        trace: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.exit_code = exit_code
        self.details = details or {}
        self.cause = cause
        self.trace = trace

    def as_text(self, *, verbose: bool, width: int | None = None) -> str:
        """For people; ``width`` is that of a terminal."""
        what, hint = f"Error: {self.what}", self.hint
        if width is not None:
            what = folded(with_short_ids(what), width)
            # A command in it is longer than any word, and is left whole where it fits a line.
            hint = folded(with_short_ids(hint), width - 2)
        lines = what.splitlines()
        lines += [f"  | {line}" for line in self.cause.splitlines()]
        lines += [f"  {line}" for line in hint.splitlines()]
        if verbose and self.trace:
            lines += [f"  | {line}" for line in self.trace.splitlines()]
        return "\n".join(lines)

    def as_json(self) -> str:
        body = {"message": self.what, "hint": self.hint or None, **self.details}
        return json.dumps({"error": body})


class Silent(Exception):
    """Ends a command whose output has said everything already."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def refused(error: ApiError, hint: str) -> Failure:
    """The failure of a request that a manager refused, with a hint of the command's own."""
    return Failure(
        error.message,
        hint,
        details={"status": error.status, "error_code": error.code},
        trace=f"HTTP {error.status}, error_code {error.code or 'none'}: {json.dumps(dict(error.body))}",
    )
