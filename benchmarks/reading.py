"""R1: reading through REST, with a history stored: the manager alone, and with T1 running beside it.

Figures: milliseconds (median, 99th percentile) of each request, its answer read and not parsed.
"""

from __future__ import annotations

import time

import history
import probe
from busy import many_operations
from figures import percentile
from managed import Ear, Manager, answer, manager, options


def main() -> None:
    given = options(__doc__, executions=100_000, events=10, instances=10_000, times=200, busy=50, nodes=500)
    figures: dict[str, float] = {}
    with manager(given.database) as managed:
        ear = Ear(managed.folder)
        managed.upload("probe", probe.write(managed.folder / "probe"), ear=str(ear.path))
        last = history.of(managed, "probe", given.executions, given.instances, given.events)
        large = "deployment_id=probe&_size=1000"
        requests = {
            "execution": f"/executions/{last}",
            "executions": "/executions?_size=1000",
            "events": f"/events?execution_id={last}&_size=1000",
            "events of a deployment": "/events?deployment_id=d1&_size=1000",
            "events of a large deployment": f"/events?{large}&_sort=-timestamp",
            "instances": f"/node-instances?{large}",
        }
        figures |= timed(managed, requests, given.times, "")
        if given.busy:
            with many_operations(managed, given.nodes):
                figures |= timed(managed, requests, given.busy, "busy ")
    answer(**figures)


def timed(managed: Manager, requests: dict[str, str], times: int, prefix: str) -> dict[str, float]:
    figures = {}
    for name, path in requests.items():
        managed.asking.raw("GET", path)
        taken = []
        for _ in range(times):
            begun = time.perf_counter()
            managed.asking.raw("GET", path)
            taken.append(1000 * (time.perf_counter() - begun))
        for share in (0.5, 0.99):
            figures[f"{prefix}{name} {share * 100:.0f} %"] = percentile(taken, share)
    return figures


if __name__ == "__main__":
    main()
