"""Keeps operations from beginning while a request to stop their execution is being stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from cloudwright.process.runner import Gate


class BeginGate:
    """One gate for each execution. Without it, an operation that was granted before a request could be sent
    to begin between the commit of that request and the moment at which this process learns of it.
    """

    def __init__(self) -> None:
        self._holds: Counter[str] = Counter()
        self._opened: dict[str, asyncio.Event] = {}

    @contextmanager
    def hold(self, execution_id: str) -> Iterator[None]:
        """Keep the execution's operations from beginning. Holds may overlap."""
        self._holds[execution_id] += 1
        opened = self._opened.setdefault(execution_id, asyncio.Event())
        try:
            yield
        finally:
            self._holds[execution_id] -= 1
            if not self._holds[execution_id]:
                del self._holds[execution_id], self._opened[execution_id]
                opened.set()

    def bind(self, execution_id: str) -> Gate:
        def gate() -> Awaitable[object] | None:
            opened = self._opened.get(execution_id)
            return None if opened is None else opened.wait()

        return gate
