"""The writes that wait for the writer, and which of them make the next transaction.

What executions say (lines of log, events) comes in crowds. All other writes overtake it, so that a request to
cancel, an end or a start never waits for what two chatty operations of others have said; but nothing that an
execution said is overtaken by a write about that execution.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

#: A transaction that has so many lines takes no more, but for those that its other writes have to follow.
LINES = 200


@dataclass(frozen=True, slots=True)
class Request:
    """``loop`` is the event loop that the future belongs to; None for a thread's own future.

    ``about`` are the executions whose lines have to be stored before; None: those of all. ``lines`` is how
    many lines it stores, all of the one execution in ``about``; 0 if it is no such write.
    """

    call: Callable[[Connection], Any]
    future: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None = None
    about: Collection[str] | None = None
    lines: int = 0


class WriteQueue:
    """Not safe for threads: its user has a lock."""

    def __init__(self) -> None:
        self._waiting: list[Request] = []
        self._lines = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, request: Request) -> None:
        self._waiting.append(request)
        self._lines += request.lines

    def take(self) -> list[Request]:
        """Return the writes of the next transaction, in the order in which they were added; none only if none
        wait.
        """
        waiting = self._waiting
        if self._lines <= LINES:
            self._waiting, self._lines = [], 0
            return waiting
        chosen = _choose(waiting)
        self._waiting = [request for place, request in enumerate(waiting) if place not in chosen]
        self._lines -= sum(waiting[place].lines for place in chosen)
        return [waiting[place] for place in sorted(chosen)]


def _choose(waiting: list[Request]) -> set[int]:
    """Return the places of the next transaction's writes: as many lines from the front as it may have; all
    that is no line, up to what has to follow more lines than that; and the lines that those follow.
    """
    chosen: set[int] = set()
    said: dict[str, list[int]] = {}
    lines = 0
    for place, request in enumerate(waiting):
        if request.lines:
            if lines < LINES:
                chosen.add(place)
                lines += request.lines
            else:
                for execution in request.about or ():
                    said.setdefault(execution, []).append(place)
        elif request.about is None and said:
            # Writes that are no lines keep their order: what comes behind this one waits with it.
            break
        else:
            chosen.add(place)
            for execution in request.about or ():
                chosen.update(said.pop(execution, ()))
    return chosen
