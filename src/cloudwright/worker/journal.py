"""The worker's journal on disk: which operations it accepted, and ends that the manager has not stored yet.

Inputs are never in it: they hold secrets. Each record has its length and a checksum. A last record that is
torn is cut off; anything else that is wrong moves the file aside.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from struct import error as StructError
from typing import Any

_HEAD = Struct(">II")

#: An operation's id and the number of its attempt.
Key = tuple[str, int]


@dataclass(slots=True)
class JournalContents:
    """What a journal says of earlier lives. ``broken``: it cannot be trusted, and was moved aside."""

    accepted: dict[Key, str] = field(default_factory=dict)
    ended: dict[Key, dict[str, Any]] = field(default_factory=dict)
    broken: bool = False


class Journal:
    """Appends records; each is on disk when its method returns. The methods block."""

    def __init__(self, path: Path) -> None:
        """Open the journal at ``path``, made if there is none, with what earlier lives left as ``found``."""
        self._path = path
        self.found = _read(path)
        if self.found.broken:
            os.replace(path, path.with_suffix(f".broken-{os.getpid()}"))
        # Begun again with what still counts, so that it does not grow for ever.
        rest = path.with_suffix(".new")
        self._file = os.open(rest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        for key, since in self.found.accepted.items():
            self._append({"accepted": key, "since": since})
        for key, end in self.found.ended.items():
            self._append({"ended": key, "end": end})
        os.fsync(self._file)
        os.replace(rest, path)
        _sync_folder(path.parent)

    def accept(self, key: Key, since: str) -> None:
        self._append({"accepted": key, "since": since})
        os.fsync(self._file)

    def end(self, key: Key, end: dict[str, Any]) -> None:
        self._append({"ended": key, "end": end})
        os.fsync(self._file)

    def acknowledge(self, key: Key) -> None:
        """The manager has stored its end. If this is lost, the end is sent once more."""
        self._append({"stored": key})

    def close(self) -> None:
        os.close(self._file)

    def _append(self, record: dict[str, Any]) -> None:
        body = json.dumps(record).encode()
        data = _HEAD.pack(len(body), zlib.crc32(body)) + body
        while data:
            data = data[os.write(self._file, data) :]


def _read(path: Path) -> JournalContents:
    contents = JournalContents()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return contents
    place = 0
    while place < len(data):
        try:
            size, checksum = _HEAD.unpack_from(data, place)
        except StructError:
            break
        body = data[place + _HEAD.size : place + _HEAD.size + size]
        place += _HEAD.size + size
        if zlib.crc32(body) != checksum or len(body) < size:
            if place >= len(data):
                break
            return JournalContents(broken=True)
        _apply(contents, json.loads(body))
    return contents


def _apply(contents: JournalContents, record: dict[str, Any]) -> None:
    for kind in ("accepted", "ended", "stored"):
        if kind in record:
            operation, attempt = record[kind]
            key = str(operation), int(attempt)
            if kind == "accepted":
                contents.accepted[key] = record["since"]
            elif kind == "ended":
                contents.accepted.pop(key, None)
                contents.ended[key] = record["end"]
            else:
                contents.accepted.pop(key, None)
                contents.ended.pop(key, None)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
