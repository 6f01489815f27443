"""T6: an execution beside two operations that log, and clients that ask, as fast as they can.

Each operation writes ``--lines`` lines. Ten events for each of ``--history`` executions are stored before.
The clients are those of ``clients.py``. Meanwhile other executions are started and cancelled by force, one
after the other. Figures: milliseconds from the request to start one to the first line of its operation, and
from the request to force it to its stored end; MiB that the manager's process took above what it had before;
lines stored per second; answers of each kind that the clients got per second.
"""

from __future__ import annotations

import threading
import time

import clients
import history
import probe
from figures import percentile
from managed import Ear, Manager, answer, manager, moment, options

LOUD = ("loud1", "loud2")


def main() -> None:
    given = options(__doc__, lines=1_000_000, history=60_000)
    with manager(given.database) as managed:
        ear = Ear(managed.folder)
        for name in ("probe", *LOUD):
            managed.upload(name, probe.write(managed.folder / name), ear=str(ear.path))
        if given.history:
            history.of(managed, "probe", given.history)
        one(managed, ear)
        idle = managed.peak_memory()
        begun = time.monotonic()
        executions = [managed.run("talk", name, lines=given.lines) for name in LOUD]
        for _ in executions:
            ear.hear()
        over = threading.Event()
        waiting = threading.Thread(target=lambda: (wait(managed, executions), over.set()))
        waiting.start()
        starts, forces = [], []
        with clients.beside(managed) as answers:
            while not over.is_set():
                start, force = one(managed, ear)
                starts.append(start)
                forces.append(force)
        waiting.join()
        seconds = time.monotonic() - begun
        answer(
            **{
                "ms to the first operation, median": percentile(starts, 0.5),
                "ms to the first operation, 99 %": percentile(starts, 0.99),
                "ms to a forced end, median": percentile(forces, 0.5),
                "ms to a forced end, 99 %": percentile(forces, 0.99),
                "MiB above idle": managed.peak_memory() - idle,
                "lines/s": 2 * given.lines / seconds,
                "executions": float(len(starts)),
                **{f"clients: {kind}/s": count / seconds for kind, count in sorted(answers.items())},
            }
        )


def wait(managed: Manager, executions: list[str]) -> None:
    """Until these executions have ended, on a connection of their own."""
    for execution in executions:
        while managed.client.executions.get(execution)["status"] not in ("terminated", "failed"):
            time.sleep(0.5)


def one(managed: Manager, ear: Ear) -> tuple[float, float]:
    """Milliseconds from the start to the first operation, and from the force to the stored end."""
    begun = time.monotonic()
    execution = managed.run("two", "probe")
    words, when = ear.hear()
    while words[0] != "operation":
        words, when = ear.hear()
    started = when - begun
    asked = time.time()
    managed.asking.raw("POST", f"/executions/{execution}", {"action": "force-cancel"})
    end = managed.until_end(execution, pause=0.02)
    assert end["status"] == "cancelled", end
    managed.asking.raw("POST", f"/executions/{execution}", {"action": "kill"})
    return 1000 * started, 1000 * (moment(end["ended_at"]) - asked)


if __name__ == "__main__":
    main()
