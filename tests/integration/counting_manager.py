"""A manager that counts the objects that it holds: run as a program, with a manager's arguments.

Who connects to the Unix socket COUNTS_SOCKET receives one line of JSON: how many objects of each of the
project's types and of asyncio's live (``objects``, without what was there when the manager had started), all
of them (``tracked``), the interpreter's memory blocks, open descriptors, and threads.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
import weakref
from collections import Counter

from cloudwright.cli.server import main

COUNTED = ("cloudwright.", "asyncio.", "_asyncio.", "uvloop.", "uvicorn.", "concurrent.")


def serve(listening: socket.socket) -> None:
    while True:
        asked, _ = listening.accept()
        with asked:
            asked.sendall(json.dumps(object_counts()).encode() + b"\n")


def object_counts() -> dict[str, object]:
    # What the manager took out of the collector's sight may be a table that grows.
    gc.unfreeze()
    # Twice: what a finaliser leaves behind is found by the next collection.
    gc.collect()
    gc.collect()
    blocks = sys.getallocatedblocks()
    objects = gc.get_objects()
    # The module of SQLite keeps a weak reference to each cursor, and drops those of dead ones by hundreds.
    dead = sum(type(item) is weakref.ref and item() is None for item in objects)
    names = Counter(f"{type(item).__module__}.{type(item).__qualname__}" for item in objects)
    ids = {
        id(text) for item in objects for text in gc.get_referents(item) if type(text) is str and is_id(text)
    }
    return {
        "objects": {name: count for name, count in names.items() if name.startswith(COUNTED)},
        "tracked": len(objects) - dead,
        "ids": len(ids),
        "blocks": blocks - dead,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def is_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


if __name__ == "__main__":
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.environ.pop("COUNTS_SOCKET"))
    listening.listen()
    threading.Thread(target=serve, args=(listening,), name="object counts", daemon=True).start()
    sys.exit(main())
