"""O1: T1 with a manager's metrics and with none, in turns.

``--times`` of each. With metrics, they are read once a second, which is more often than Prometheus does.
Figures: operations a second of both (medians); the share that metrics take of them, and by how much they
raise the processor time of an operation (%): the medians of the pairs.
"""

from __future__ import annotations

import os
import statistics
import threading
import urllib.request

import chains
from managed import Manager, answer, manager, moment, options


def main() -> None:
    given = options(__doc__, nodes=500, times=5)
    rates: dict[bool, list[float]] = {True: [], False: []}
    costs: dict[bool, list[float]] = {True: [], False: []}
    for number in range(given.times):
        # Who is first changes: a disk may be busy for a while.
        for measured in (True, False) if number % 2 else (False, True):
            rate, cost = _run(given.database, given.nodes, measured)
            rates[measured].append(rate)
            costs[measured].append(cost)
    lost = [100 * (1 - on / off) for on, off in zip(rates[True], rates[False], strict=True)]
    more = [100 * (on / off - 1) for on, off in zip(costs[True], costs[False], strict=True)]
    answer(
        **{
            "operations/s with metrics": statistics.median(rates[True]),
            "operations/s without": statistics.median(rates[False]),
            "% lost": statistics.median(lost),
            "% more CPU": statistics.median(more),
        }
    )


def _run(database: str, nodes: int, measured: bool) -> tuple[float, float]:
    """Operations a second, and seconds of processor time an operation."""
    os.environ["COUNT_METRICS"] = "yes" if measured else "no"
    with manager(database) as managed:
        folder = managed.folder / "chains"
        chains.write(folder, nodes)
        managed.upload("chains", folder)
        done, cpu = threading.Event(), sum(managed.cpu().values())
        scraping = threading.Thread(target=_scrape, args=(managed, done)) if measured else None
        if scraping is not None:
            scraping.start()
        try:
            row = managed.until_end(managed.run("install", "chains"), pause=1)
        finally:
            done.set()
            if scraping is not None:
                scraping.join()
        assert row["status"] == "terminated", row
        spent = sum(managed.cpu().values()) - cpu
        return 2 * nodes / (moment(row["ended_at"]) - moment(row["started_at"])), spent / (2 * nodes)


def _scrape(managed: Manager, done: threading.Event) -> None:
    token = (managed.home / "metrics.token").read_text().strip()
    request = urllib.request.Request(f"{managed.url}/metrics", headers={"Authorization": f"Bearer {token}"})
    while not done.wait(1):
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.read()


if __name__ == "__main__":
    main()
