"""T2: milliseconds from the request to start an execution to the first line of its first operation."""

from __future__ import annotations

import time

import probe
from figures import percentile
from managed import Ear, answer, manager, options


def main() -> None:
    given = options(__doc__, times=1000)
    with manager(given.database) as managed:
        ear = Ear(managed.folder)
        managed.upload("probe", probe.write(managed.folder / "probe"), ear=str(ear.path))
        taken = []
        for _ in range(given.times):
            begun = time.monotonic()
            execution = managed.run("tell", "probe")
            taken.append(1000 * (ear.hear()[1] - begun))
            managed.until_end(execution, pause=0.01)
        answer(**{"ms median": percentile(taken, 0.5), "ms 99 %": percentile(taken, 0.99)})


if __name__ == "__main__":
    main()
