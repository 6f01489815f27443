"""``python -m tests.chaos --rounds N --seed S``: inject faults; exit code 1 where something was wrong."""

from __future__ import annotations

import argparse
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.postgres import PostgresServer

from .quiescence import run_quiescence
from .running import run_rounds


def crash_and_start(server: PostgresServer) -> None:
    server.crash()
    time.sleep(random.uniform(0, 1))
    server.start()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="how many executions, at least")
    parser.add_argument("--seed", type=int, default=None, help="what everything random comes from")
    parser.add_argument("--batch", type=int, default=0, help="the first batch: to run one of them again")
    parser.add_argument("--go-on", action="store_true", help="do not stop at a violation")
    parser.add_argument("--postgres", action="store_true", help="over PostgreSQL, which crashes now and then")
    parser.add_argument(
        "--slowness", type=float, default=1.0, help="how many times slower than an idle one the machine is"
    )
    parser.add_argument(
        "--undisturbed", type=int, default=0, help="instead, run so many undisturbed and look at the memory"
    )
    given = parser.parse_args()
    if given.undisturbed:
        wrong = run_quiescence(given.undisturbed)
        print("\n".join(wrong) or "the memory is level")
        return 1 if wrong else 0
    seed = random.randrange(1 << 30) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    server: PostgresServer | None = None
    # The server dies with the thread that started it, so that is one that lives as long as this process.
    threads = ThreadPoolExecutor(1)
    if given.postgres:
        server = PostgresServer()
    try:
        outcome = run_rounds(
            given.rounds,
            seed,
            first=given.batch,
            database_url=server.create_empty_database() if server else None,
            outage=(lambda: threads.submit(crash_and_start, server).result()) if server else None,
            say=lambda text: print(text, flush=True),
            stop_at_violation=not given.go_on,
            slowness=given.slowness,
        )
    finally:
        if server is not None:
            server.remove()
    print(
        f"seed {seed}: {outcome.rounds} rounds, {outcome.ends} ends, {outcome.lives} lives of managers, "
        f"{outcome.seconds:.0f} s, {len(outcome.violations)} violations"
    )
    print(", ".join(f"{what} {count}" for what, count in sorted(outcome.done.items())))
    return 1 if outcome.violations else 0


sys.exit(main())
