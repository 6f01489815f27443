"""R2: many clients follow the events of running executions.

Figures: milliseconds from an event's sending to its arrival (median, 99th percentile, the longest), the
manager's share of a processor, and its peak memory (MiB).
"""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import urlsplit

import probe
from figures import percentile
from managed import API, Ear, Manager, answer, manager, options

SENT = re.compile(rb"sent at ([0-9.]+)")


def main() -> None:
    given = options(__doc__, followers=500, executions=10, times=30)
    with manager(given.database) as managed:
        ear = Ear(managed.folder)
        folder = probe.write(managed.folder / "probe")
        names = [f"probe{number}" for number in range(given.executions)]
        for name in names:
            managed.upload(name, folder, ear=str(ear.path))
        answer(**asyncio.run(follow_all(managed, names, given.followers, given.times)))


async def follow_all(managed: Manager, names: list[str], followers: int, times: int) -> dict[str, float]:
    running = [managed.run("chatter", name, times=times, pause=0.5) for name in names]
    cpu, begun = managed.cpu()["manager"], time.perf_counter()
    heard = await asyncio.gather(
        *(follow(managed, running[number % len(running)], begun) for number in range(followers))
    )
    share = (managed.cpu()["manager"] - cpu) / (time.perf_counter() - begun)
    late = [delay for delays in heard for delay in delays]
    return {
        "ms median": percentile(late, 0.5),
        "ms 99 %": percentile(late, 0.99),
        "ms longest": max(late),
        "events/s": len(late) / (time.perf_counter() - begun),
        "cores": share,
        "MiB peak": managed.peak_memory(),
    }


async def follow(managed: Manager, execution: str, begun: float) -> list[float]:
    """How late each event came, of those that were sent when every follower was there (5 s later)."""
    where = urlsplit(managed.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = (
        f"GET {API}/events/stream?execution_id={execution} HTTP/1.1\r\n"
        f"Host: {where.netloc}\r\nAuthentication-Token: {managed.token}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode())
    late = []
    while line := await reader.readline():
        found = SENT.search(line)
        if found and time.perf_counter() - begun > 5:
            late.append(1000 * (time.time() - float(found[1])))
        if line.startswith(b'data: {"id"') and b'"status":"terminated"' in line:
            break
    writer.close()
    return late


if __name__ == "__main__":
    main()
