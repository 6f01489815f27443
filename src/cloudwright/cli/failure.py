"""What a command cannot do, said so that its user can go on."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from cloudwright.client.errors import (
    ApiError,
    Broken,
    ClientError,
    ConnectionFailed,
    Forbidden,
    NotAManager,
    ServerError,
    TimedOut,
    Unauthorized,
    Untrusted,
)

if TYPE_CHECKING:
    from cloudwright.cli.selection import Selection

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class Failure(Exception):
    """Ends a command. ``what`` happened is a whole sentence; ``hint`` says what to do about it.

    ``details`` are for programs (``--json``); ``trace`` is what ``-v`` adds for people.
    """

    def __init__(
        self,
        what: str,
        hint: str = "",
        *,
        exit_code: int = FAILED,
        details: dict[str, Any] | None = None,
        trace: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.exit_code = exit_code
        self.details = details or {}
        self.trace = trace

    def as_text(self, *, verbose: bool, width: int | None = None) -> str:
        """For people; ``width`` is that of a terminal. Hints are not folded: they hold commands to copy."""
        lines = [f"Error: {self.what}"]
        if width is not None:
            lines = [
                textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
                for line in lines[0].splitlines()
            ]
        if self.hint:
            lines += [f"  {line}" for line in self.hint.splitlines()]
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
    """What to tell a user about a manager's refusal where the command itself knows what helps."""
    return Failure(
        error.message,
        hint,
        details={"status": error.status, "error_code": error.code},
        trace=f"HTTP {error.status}, error_code {error.code or 'none'}: {json.dumps(dict(error.body))}",
    )


def explain(error: ClientError, selection: Selection | None) -> Failure:
    """What to tell a user about a request that failed; ``selection`` is the manager that was asked."""
    if isinstance(error, ApiError):
        return refused(error, _api_hint(error, selection))
    return Failure(str(error), _connection_hint(error, selection), trace=repr(error.__cause__ or error))


def _api_hint(error: ApiError, selection: Selection | None) -> str:
    if isinstance(error, Unauthorized):
        who = selection.credentials_hint() if selection else ""
        return who or "Give a user name and password, or a token, with `cfy profiles set`."
    if isinstance(error, Forbidden):
        return "Ask an administrator of the manager, or use another user (`cfy profiles set -u ... -p ...`)."
    if isinstance(error, ServerError) and selection and selection.log:
        return f"Its log is {selection.log}."
    return ""


def _connection_hint(error: ClientError, selection: Selection | None) -> str:
    if isinstance(error, Untrusted):
        return "Name the manager's certificate: `cfy profiles set -c FILE`."
    if isinstance(error, (TimedOut, Broken)):
        log = f"\nIts log is {selection.log}." if selection and selection.log else ""
        return f"It is not known whether what was asked for was done: look before you ask again.{log}"
    if isinstance(error, NotAManager):
        return f"{selection.address_hint() if selection else ''}".strip()
    if isinstance(error, ConnectionFailed) and selection is not None:
        return selection.address_hint()
    return ""
