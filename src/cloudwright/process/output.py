"""What a child prints, as log lines: cut, decoded and bounded."""

from __future__ import annotations

from collections.abc import Callable

#: The most that is passed on of one child's output, in bytes and in lines; the rest is counted. A line has
#: LINE_LIMIT bytes at most.
OUTPUT_LIMIT = 1024 * 1024
OUTPUT_LINES = 20_000
LINE_LIMIT = 64 * 1024

_TAIL_BYTES = 4096
_TAIL_LINES = 10


class OutputLines:
    """Cuts output into lines and passes them on as ``emit(line, level)`` up to the limits; a longer line is
    split.
    """

    def __init__(self, emit: Callable[[str, str], None]) -> None:
        self._emit = emit
        # What follows the last line break.
        self._rest = b""
        self._room = OUTPUT_LIMIT
        self._lines = OUTPUT_LINES
        self._dropped = 0
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """More output."""
        self._tail = data[-_TAIL_BYTES:] if len(data) >= _TAIL_BYTES else (self._tail + data)[-_TAIL_BYTES:]
        if len(data) > self._room:
            self._dropped += len(data) - self._room
            data = data[: self._room]
        if not data:
            return
        self._room -= len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._pass_on(line)
        while len(self._rest) >= LINE_LIMIT:
            self._pass_on(self._rest[:LINE_LIMIT])
            self._rest = self._rest[LINE_LIMIT:]

    def close(self) -> None:
        """No more output comes: passes on an unfinished last line, and how much was dropped."""
        if self._rest:
            self._pass_on(self._rest)
            self._rest = b""
        if self._dropped:
            self._emit(
                f"{self._dropped} bytes of further output were dropped: there was too much of it.", "WARNING"
            )
            self._dropped = 0

    def tail(self) -> str:
        """Return the last lines of the output (at most 10 lines and 4 KiB), whether they were passed on or
        dropped.
        """
        return "\n".join(_text(self._tail).rstrip().splitlines()[-_TAIL_LINES:])

    def _pass_on(self, line: bytes) -> None:
        for start in range(0, len(line), LINE_LIMIT) or (0,):
            piece = line[start : start + LINE_LIMIT]
            if self._lines:
                self._lines -= 1
                self._emit(_text(piece.removesuffix(b"\r")), "INFO")
            else:
                self._dropped += len(piece) + 1
                self._room = 0


def _text(data: bytes) -> str:
    # A database does not accept NUL in text.
    return data.decode("utf-8", "replace").replace("\0", "\ufffd")
