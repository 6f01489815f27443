"""Runs rounds in batches over one environment, and looks at what is left of it in the end."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .batch import BUSY_SLOWNESS, Report, run_batch
from .chaos_environment import START_SECONDS, ChaosEnvironment
from .event_log import read_event_log
from .plan import plan
from .processes import living

#: How many executions run at once in a batch.
ROUNDS = 12


@dataclass(slots=True)
class Outcome:
    rounds: int = 0
    ends: int = 0
    lives: int = 0
    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


def run_rounds(
    rounds: int,
    seed: int,
    *,
    first: int = 0,
    database_url: str | None = None,
    outage: Callable[[], None] | None = None,
    say: Callable[[str], None] = print,
    stop_at_violation: bool = True,
    slowness: float = 1.0,
    busy: bool = True,
) -> Outcome:
    """Run at least so many rounds, from batch ``first`` on; keeps the environment if something was wrong.

    ``slowness`` says how many times slower than an idle one the machine is. Without ``busy`` no batch is
    beside busy processes: it takes several times as long.
    """
    outcome = Outcome()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="cwchaos-"))
    environment = ChaosEnvironment(folder, database_url, outage, START_SECONDS * BUSY_SLOWNESS * slowness)
    try:
        environment.start()
        environment.upload()
        batch = first
        while outcome.rounds < rounds:
            planned = plan(seed, batch, min(ROUNDS, rounds - outcome.rounds))
            if not busy:
                planned = replace(planned, busy=0)
            report = run_batch(environment, planned, slowness)
            _add(outcome, report, say)
            if report.violations and stop_at_violation:
                break
            batch += 1
        environment.stop()
        for left in _remains(environment):
            say(f"VIOLATION (seed {seed}, at the end): {left}")
            outcome.violations.append(left)
    except BaseException:
        environment.abort()
        say(f"the environment is kept in {folder}; the manager's log ends with\n{environment.log()[-6000:]}")
        raise
    outcome.seconds = time.monotonic() - began
    outcome.done = _done(environment)
    if outcome.violations:
        say(f"the environment is kept in {folder}")
    else:
        shutil.rmtree(folder)
    return outcome


def _add(outcome: Outcome, report: Report, say: Callable[[str], None]) -> None:
    outcome.rounds += report.rounds
    outcome.ends += report.ends
    outcome.lives += report.lives
    say(
        f"seed {report.plan.seed} batch {report.plan.batch}: {report.rounds} rounds, {report.ends} ends, "
        f"{report.lives} lives of the manager, fuses {report.plan.fuses}, {report.memory:.0f} MiB, "
        f"{report.plan.busy} busy processes, "
        f"{report.seconds:.1f} s, {len(report.violations)} violations"
    )
    for violation in report.violations:
        text = f"VIOLATION (seed {report.plan.seed}, batch {report.plan.batch}):\n{violation}"
        say(text)
        outcome.violations.append(text)


def _done(environment: ChaosEnvironment) -> Counter[str]:
    """How often what was done, of requests and of faults; how many fuses were armed, and how many blew."""
    done: Counter[str] = Counter()
    for entry in environment.history.entries:
        if entry.what in ("acknowledged", "refused", "unanswered"):
            done[f"{entry.what} {entry.details['what']}"] += 1
        elif entry.what in ("kill_process", "stop_process"):
            done[f"{entry.what.partition('_')[0]} {entry.details['kind']}"] += 1
        elif entry.what in ("kill_manager", "manager_died_starting", "outage", "clock_set"):
            done[entry.what] += 1
        elif entry.what == "start_manager" and entry.details["fuse"]:
            done[f"armed {entry.details['fuse'].partition('=')[0]}"] += 1
    lines = read_event_log(environment.event_log)
    done["made a part"] = sum(
        line["what"] == "end" and str(line["name"]).startswith("create.") for line in lines
    )
    done["installer"] = len({line["pid"] for line in lines if line["name"] == "installer"})
    done.update(f"blown {entry.details['point']}" for entry in environment.blown())
    return done


def _remains(environment: ChaosEnvironment) -> list[str]:
    """What a manager that was told to end leaves, and should not."""
    found = [f"a process was left behind: {process}" for process in living(environment.folder)]
    found += [
        f"a temporary file was left behind: {path}"
        for path in (environment.folder / "tmp").rglob("*")
        if not path.is_dir()
    ]
    found += [f"a socket was left behind: {path}" for path in environment.home.rglob("*") if path.is_socket()]
    return found + environment.faults
