"""What a host needs of whoever keeps the books: three verbs. The manager implements them over the store."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol


class Journal(Protocol):
    """The writer of one execution's records, with the term of its owner.

    Frames reach ``apply`` in the order in which the workflow's process sent them, and are stored in that
    order.
    """

    def apply(self, entries: list[list[Any]], aware: bool) -> Awaitable[None]:
        """Store one journal frame's entries in one transaction, and dispatch the operations that it asks for.

        ``aware`` is whether the workflow's process knew of a request to cancel when it sent the frame.

        The entries are handed to the store before this returns, so that calls are stored in the order in
        which they are made. Awaiting raises errors.StaleTerm when the execution has another owner by now.
        """

    async def answer(self, method: str, args: dict[str, Any]) -> Any:
        """Answer a question of the workflow's. Raises errors.CloudwrightError for the workflow to see."""

    def output(self, line: str, level: str) -> None:
        """A line that the workflow's process wrote to its standard output or error."""
