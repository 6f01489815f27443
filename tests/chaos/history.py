"""What was done and seen in a batch, by anybody, in the order of time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """``what`` is one word; ``execution`` is set where it is about one."""

    time: float
    what: str
    execution: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        about = f" {self.execution}" if self.execution else ""
        return f"{self.time:.3f} {self.what}{about} {self.details or ''}".rstrip()


class History:
    """Any thread may write to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def note(self, what: str, execution: str | None = None, /, **details: Any) -> None:
        with self._lock:
            self._entries.append(Entry(time.time(), what, execution, details))

    @property
    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def of(self, *kinds: str, execution: str | None = None) -> list[Entry]:
        return [
            entry
            for entry in self.entries
            if entry.what in kinds and (execution is None or entry.execution == execution)
        ]
