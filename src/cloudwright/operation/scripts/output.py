"""What a script prints, as log lines: cut, decoded and bounded, however much it is."""

from __future__ import annotations

import logging

#: The longest line that is logged (bytes).
MAX_LINE = 64 * 1024
#: The most output that is logged of one script, of both its streams together (bytes, lines).
MAX_BYTES = 1024 * 1024
MAX_LINES = 10_000
#: How much of a stream's end is kept, logged or not (bytes, lines).
TAIL_BYTES = 4096
TAIL_LINES = 10


class Budget:
    """How much of a script's output may still be logged."""

    def __init__(self) -> None:
        self._size = MAX_BYTES
        self._lines = MAX_LINES
        self.dropped = 0

    @property
    def spent(self) -> bool:
        return self._lines <= 0

    def spend(self, size: int) -> bool:
        """Return whether a line of ``size`` bytes may be logged; it is dropped otherwise."""
        if self.spent or size > self._size:
            # A gap once begun has no islands: what follows would be read out of its place.
            self._lines = 0
            self.dropped += size + 1
            return False
        self._lines -= 1
        self._size -= size
        return True


class Stream:
    """One of a script's output streams."""

    def __init__(self, logger: logging.Logger | None, level: int, prefix: str, budget: Budget) -> None:
        """``logger`` None logs nothing, and only keeps the end."""
        self._logger = logger
        self._level = level
        self._prefix = prefix
        self._budget = budget
        self._line = bytearray()
        self._end = b""

    def feed(self, data: bytes) -> None:
        """More output."""
        self._end = (self._end + data)[-TAIL_BYTES:]
        if self._logger is None:
            return
        start = 0
        while not self._budget.spent and (end := data.find(b"\n", start)) >= 0:
            self._add(data[start:end])
            self._finish()
            start = end + 1
        if self._budget.spent:
            self._budget.dropped += len(data) - start
        else:
            self._add(data[start:])

    def close(self) -> None:
        """No more output comes: an unfinished last line counts."""
        if self._line:
            self._finish()

    def tail(self) -> str:
        """Return the last lines of the output."""
        lines = self._end.decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def _add(self, part: bytes) -> None:
        room = MAX_LINE - len(self._line)
        self._budget.dropped += max(0, len(part) - room)
        self._line += part[:room]

    def _finish(self) -> None:
        line, self._line = bytes(self._line).rstrip(b"\r"), bytearray()
        if self._logger is not None and self._budget.spend(len(line)):
            self._logger.log(self._level, "%s%s", self._prefix, line.decode("utf-8", "replace"))
