"""T1, T1b to T1e: many small operations: ``install`` of ten chains, whose operations do nothing.

``--executions`` are run at once, each over ``--nodes`` of its own, with ``--history`` executions stored
before. Figures: operations a second from the first request to the last end; milliseconds of processor time an
operation, by kind of process; commits an operation; the peak memory of the manager (MiB).
"""

from __future__ import annotations

import time

import chains
import history
from managed import answer, manager, moment, options


def main() -> None:
    given = options(__doc__, nodes=500, executions=1, history=0)
    with manager(given.database, max_workflows=given.executions) as managed:
        folder = managed.folder / "chains"
        chains.write(folder, given.nodes)
        names = [f"chains{number}" for number in range(given.executions)]
        managed.upload(names[0], folder)
        for name in names[1:]:
            managed.client.deployments.create(name, blueprint_id=names[0])
        if given.history:
            history.of(managed, names[0], given.history)
        cpu, commits, begun = managed.cpu(), managed.commits(), time.time()
        running = [managed.run("install", name) for name in names]
        rows = [managed.until_end(id, pause=1) for id in running]
        seconds = max(moment(row["ended_at"]) for row in rows) - begun
        assert all(row["status"] == "terminated" for row in rows), rows
        count = 2 * given.nodes * given.executions
        spent = {kind: 1000 * (after - cpu[kind]) / count for kind, after in managed.cpu().items()}
        answer(
            **{"operations/s": count / seconds, "ms CPU": sum(spent.values())},
            **{f"ms CPU: {kind}": used for kind, used in spent.items()},
            **{"commits": (managed.commits() - commits) / count, "MiB peak": managed.peak_memory()},
        )


if __name__ == "__main__":
    main()
