"""Runs the benchmarks: a table in ``.bench/table.md``, every figure in ``.bench/figures.json``.

``run.py [--only T1,T3] [--without peers] [--times N] [--postgres] [--quick]``. With ``--postgres`` the
manager keeps everything in PostgreSQL, and the files are called ``postgres-...``. Each workload is a program
of its own; the peers run between ours, in turns, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import table
from databases import DurableServer
from peers import PEERS, run
from workloads import WORKLOADS, Workload

HERE = Path(__file__).parent
RESULTS = HERE.parent / ".bench"
Figures = dict[str, float]
PEER_TASKS = 100
KNOWN = [*(workload.name for workload in WORKLOADS), "peers"]
SECONDS = 900


def main() -> None:
    given = options()
    names = [name for name in KNOWN if name in (given.only or KNOWN) and name not in given.without]
    wanted = [workload for workload in WORKLOADS if workload.name in names]
    if given.quick:
        wanted = [workload for workload in wanted if workload.quick is not None]
    compared = "peers" in names and not given.quick
    about = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
        "date": time.strftime("%Y-%m-%d"),
        "database": "PostgreSQL" if given.postgres else "SQLite",
    }
    began = time.monotonic()
    runs: dict[str, list[Figures]] = {}
    failures: dict[str, str] = {}
    with ExitStack() as closing:
        needed = given.postgres or compared or "limits" in [workload.name for workload in wanted]
        server = closing.enter_context(removed(DurableServer())) if needed and not given.quick else None
        if given.quick and given.postgres:
            server = closing.enter_context(removed(DurableServer()))
        limits = next((workload for workload in wanted if workload.name == "limits"), None)
        with_t1 = "T1" in [workload.name for workload in wanted]
        for workload in wanted:
            if workload is limits and with_t1:
                continue  # in turns with T1, which is compared with them: a disk that is busy slows down both
            for turn in range(1 if given.quick else given.times or workload.times):
                if workload.name == "T1" and limits is not None:
                    in_time(limits, given, server, runs, failures)
                in_time(workload, given, server, runs, failures)
                if workload.name == "T1" and compared and server is not None:
                    all_peers(server, runs, failures, turn)
        if compared and server is not None and not with_t1:
            for turn in range(given.times or 3):
                all_peers(server, runs, failures, turn)
    medians = {name: middle(found) for name, found in runs.items()}
    about |= {"seconds": round(time.monotonic() - began), "load at the end": os.getloadavg()}
    prefix = ("quick-" if given.quick else "") + ("postgres-" if given.postgres else "")
    RESULTS.mkdir(exist_ok=True)
    text = table.of(about, wanted, medians, runs, failures)
    (RESULTS / f"{prefix}table.md").write_text(text)
    content = {"about": about, "medians": medians, "runs": runs, "failures": failures}
    (RESULTS / f"{prefix}figures.json").write_text(json.dumps(content, indent=1) + "\n")
    print(text)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", metavar="NAMES", type=listed, default=[], help=", ".join(KNOWN))
    parser.add_argument("--without", metavar="NAMES", type=listed, default=[], help="all but these of them")
    parser.add_argument("--times", metavar="N", type=int, default=0, help="runs of each, instead of its own")
    parser.add_argument("--postgres", action="store_true", help="the manager's database is PostgreSQL")
    parser.add_argument("--quick", action="store_true", help="small sizes and no peers")
    return parser.parse_args()


def listed(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in KNOWN:
            raise argparse.ArgumentTypeError(f"there is no `{name}`; there are: {', '.join(KNOWN)}")
    return names


class removed(nullcontext[DurableServer]):
    """A server that is removed with the block."""

    def __exit__(self, *_: object) -> None:
        self.enter_result.remove()


def in_time(
    workload: Workload,
    given: argparse.Namespace,
    server: DurableServer | None,
    runs: dict[str, list[Figures]],
    failures: dict[str, str],
) -> None:
    arguments = workload.quick if given.quick and workload.quick is not None else workload.options
    command = [sys.executable, str(HERE / workload.program), *arguments]
    if server is not None and workload.name != "P1" and (given.postgres or workload.name == "limits"):
        command += ["--database", server.create_empty_database()]
    begun = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode:
            raise RuntimeError((done.stderr.strip() or "it said nothing").splitlines()[-1])
        runs.setdefault(workload.name, []).append(json.loads(done.stdout.strip().splitlines()[-1]))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        failures[workload.name] = str(error)
    told(workload.name, begun, failures)


def all_peers(
    server: DurableServer, runs: dict[str, list[Figures]], failures: dict[str, str], turn: int
) -> None:
    for peer in PEERS:
        begun = time.monotonic()
        if not peer.installed:
            failures[peer.title] = "not installed"
        elif turn >= peer.turns or (turn and peer.title in failures):
            continue  # it is slow, or would fail again
        else:
            try:
                runs.setdefault(peer.title, []).append(run(peer, server, PEER_TASKS))
            except RuntimeError as error:
                failures[peer.title] = str(error)
        told(peer.title, begun, failures)


def told(name: str, begun: float, failures: dict[str, str]) -> None:
    print(f"{name}: {failures.get(name, f'{time.monotonic() - begun:.1f} s')}", file=sys.stderr, flush=True)


def middle(found: list[Figures]) -> dict[str, Any]:
    return {name: statistics.median(figures[name] for figures in found) for name in found[0]}


if __name__ == "__main__":
    main()
