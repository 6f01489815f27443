"""What a manager holds in memory after many executions (MiB resident).

``python benchmarks/growth.py [--executions N]``: manager and zygotes when idle, after 100, and after N
executions of the workflows of the tests' sleeper plugin, of which some end by themselves and some are
cancelled in each way. Beside it the size of the database, of which SQLite keeps up to 8 MiB in memory for
each of the manager's three connections: its memory is level once these are full.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from managed import Manager, answer, options

SLEEPER = Path(__file__).parents[1] / "tests" / "fixtures" / "sleeper_plugin"
AT_ONCE = 8
FEW = 100
WAYS: tuple[tuple[str, dict[str, object], str], ...] = (
    ("chain", {"steps": 2}, ""),
    ("chain", {"steps": 3, "seconds": 30}, "cancel"),
    ("ignoring", {"steps": 1}, ""),
    ("chain", {"steps": 2, "seconds": 30}, "kill"),
    ("spinning", {}, "force-cancel"),
)


def main() -> None:
    given = options(__doc__, executions=1000)
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        managed = Manager(Path(name), given.database, kill_grace=1)
        managed.start()
        try:
            event_log = str(managed.folder / "event_log")
            managed.upload("sleeper", SLEEPER, event_log=event_log)
            for place in range(1, AT_ONCE):
                managed.client.deployments.create(
                    f"sleeper{place}", blueprint_id="sleeper", inputs={"event_log": event_log}
                )
            figures = held(managed, "idle")
            done = 0
            for wanted in sorted({min(FEW, given.executions), given.executions}):
                while done < wanted:
                    done += run_some(managed, done, min(AT_ONCE, wanted - done))
                figures |= held(managed, f"after {done}")
        finally:
            managed.stop()
    answer(**figures)


def run_some(managed: Manager, first: int, count: int) -> int:
    """Run so many executions at once, to their ends; answers how many."""
    ids = []
    for place in range(count):
        workflow, parameters, how = WAYS[(first + place) % len(WAYS)]
        ids.append((managed.run(workflow, f"sleeper{place or ''}", **parameters), how))
    for id, how in ids:
        if how:
            managed.client.executions.cancel(id, how)
    for id, _ in ids:
        managed.until_end(id, pause=0.02)
        # Whatever a cancellation left running.
        managed.client.executions.cancel(id, "kill")
    return count


def held(managed: Manager, when: str) -> dict[str, float]:
    figures = {
        f"MiB {role} {when}": process.memory_info().rss / 2**20
        for role, process in managed.processes().items()
    }
    database = managed.home / "cloudwright.db"
    size = database.stat().st_size / 2**20 if database.exists() else 0.0
    return figures | {f"MiB database {when}": size}


if __name__ == "__main__":
    main()
