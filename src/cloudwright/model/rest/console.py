"""Links to the console."""

from __future__ import annotations

from typing_extensions import TypedDict


class ConsoleLink(TypedDict, total=False):
    """``path`` opens the console once, behind the manager's address."""

    path: str
    expires_at: str
