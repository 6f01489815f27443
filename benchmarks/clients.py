"""Clients that load a manager beside what is measured: some list events by text, some have no valid password.

Each keeps one connection and sends the next request when it has the answer to the last. They run in a process
of their own (``python clients.py URL TOKEN``), which ends with its standard input and then prints how many
answers of each status they got, as one line of JSON.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from managed import API, Manager

LISTING = 6
STRANGERS = 60
#: A text that no event has, so that a list has to look at all of them.
LIST = f"{API}/events?message=nothing+says+this&_size=100"


@contextmanager
def beside(managed: Manager) -> Iterator[dict[str, int]]:
    """Run them until the block is over; the counts are there after it."""
    command = [sys.executable, str(Path(__file__)), managed.url, managed.token]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    counts: dict[str, int] = {}
    try:
        yield counts
    finally:
        answers, _ = process.communicate()
        counts.update(json.loads(answers))


async def _main(url: str, token: str) -> None:
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    address = (place.hostname, place.port)
    counts: Counter[str] = Counter()
    wrong = base64.b64encode(b"admin:wrong").decode()
    signed_in, strangers = f"Authentication-Token: {token}", ("Accept: */*", f"Authorization: Basic {wrong}")
    clients = [_client(address, LIST, signed_in, "list", counts) for _ in range(LISTING)]
    clients += [
        _client(address, f"{API}/executions", strangers[number % 2], "stranger", counts)
        for number in range(STRANGERS)
    ]
    tasks = [asyncio.create_task(client) for client in clients]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(counts), flush=True)


async def _client(address: tuple[str, int], path: str, header: str, name: str, counts: Counter[str]) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n{header}\r\n\r\n".encode()
    while True:
        try:
            reader, writer = await asyncio.open_connection(*address)
            try:
                while True:
                    writer.write(request)
                    counts[f"{name} {await _answer(reader)}"] += 1
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError):
            counts[f"{name} cut off"] += 1
            await asyncio.sleep(0.1)


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer with a length; returns its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    _, found, rest = head.partition("content-length:")
    if found:
        await reader.readexactly(int(rest.split("\r\n", 1)[0]))
    return int(head.split(" ", 2)[1])


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
