"""M1: memory and start-up.

The idle manager with its zygotes (MiB resident, and of that what it shares with nobody); what each running
workflow and each running operation adds (PSS, MiB); seconds that ``cfy --help``, an interpreter that does
nothing, and a manager from its start to its first answer take (the first start makes the database).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import probe
from managed import Ear, Manager, answer, options


def main() -> None:
    given = options(__doc__, executions=10, times=10)
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        managed = Manager(Path(name), given.database)
        first = managed.start()
        managed.stop()
        again = managed.start()
        time.sleep(1)
        idle = {role: process.pid for role, process in managed.processes().items()}
        resident = {role: smaps(pid, "Rss") for role, pid in idle.items()}
        own = sum(smaps(pid, "Pss") for pid in idle.values())
        ear = Ear(managed.folder)
        folder = probe.write(managed.folder / "probe")
        pids: dict[str, list[int]] = {"workflow": [], "operation": []}
        for number in range(given.executions):
            managed.upload(f"probe{number}", folder, ear=str(ear.path))
            managed.run("two", f"probe{number}")
            for _ in range(2):
                words, _when = ear.hear()
                pids[words[0]].append(int(words[1]))
        time.sleep(0.5)
        running = {role: mean(smaps(pid, "Pss") for pid in found) for role, found in pids.items()}
        managed.stop()
    answer(
        **{"MiB idle": sum(resident.values()), "MiB idle PSS": own},
        **{f"MiB idle: {role}": used for role, used in resident.items()},
        **{"MiB a workflow": running["workflow"], "MiB an operation": running["operation"]},
        **{"s start": again, "s first start": first},
        **{
            "s cfy --help": timed([sys.executable, "-m", "cloudwright.cli.main", "--help"], given.times),
            "s python": timed([sys.executable, "-c", "pass"], given.times),
        },
    )


def smaps(pid: int, kind: str) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition(f"{kind}:")[2].split()[0]) / 1024


def timed(command: list[str], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begun)
    return median(taken)


if __name__ == "__main__":
    main()
