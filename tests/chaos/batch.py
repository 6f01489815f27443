"""One batch: what the plan says is done, everything is brought to an end, and the checker looks at it."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass, field

from sqlalchemy import select

from cloudwright.client.errors import ApiError, ConnectionFailed
from cloudwright.model.execution import END_STATUSES
from cloudwright.storage import operations
from cloudwright.storage.schema import executions
from cloudwright.storage.store import database_at

from .acting import Jumps, Outages, Saboteur, User
from .busy import busy_processes
from .chaos_environment import ChaosEnvironment
from .checker import check
from .event_log import read_event_log
from .plan import Actor, Plan
from .processes import alive, living, memory
from .record import Record, records, unlisted
from .watching import Watcher

#: The longest that users act (seconds).
ACTING = 9.0
#: How long executions that nobody is to disturb any more may take to end by themselves.
UNDISTURBED = 3.0
#: How long everything may take to end when it was killed and no fault is injected any more.
KILLED = 20.0
#: How long what ended executions left may take to be gone.
LEFT_SECONDS = 5.0
#: How many times longer everything may take beside busy processes.
BUSY_SLOWNESS = 4.0


@dataclass(slots=True)
class Report:
    """``violations`` are texts with everything that is known; ``memory`` is the manager's, in MiB."""

    plan: Plan
    rounds: int = 0
    ends: int = 0
    lives: int = 0
    seconds: float = 0.0
    memory: float = 0.0
    violations: list[str] = field(default_factory=list)


def run_batch(environment: ChaosEnvironment, plan: Plan, slowness: float = 1.0) -> Report:
    """Run a batch on a machine that is ``slowness`` times slower than an idle one."""
    report = Report(plan)
    with busy_processes(plan.busy):
        _run(environment, plan, report, slowness * (BUSY_SLOWNESS if plan.busy else 1.0))
    return report


def _run(environment: ChaosEnvironment, plan: Plan, report: Report, slowness: float) -> None:
    began = time.monotonic()
    since = time.time()
    over, watched = threading.Event(), threading.Event()
    users = [User(environment, actor, f"b{plan.batch}", over) for actor in plan.actors]
    saboteur, watcher = Saboteur(environment, plan.sabotages, over), Watcher(environment, watched)
    outages, jumps = Outages(environment, plan.outages, over), Jumps(environment, plan.jumps, over)
    environment.arm(plan.fuses, plan.pauses)
    threads: list[threading.Thread] = [watcher, saboteur, outages, jumps, *users]
    for thread in threads:
        thread.start()
    try:
        for thread in (*users, saboteur, outages):
            thread.join(max(0.0, began + ACTING * slowness - time.monotonic()))
        over.set()
        for thread in threads[1:]:
            thread.join()
        environment.disarm()
        rounds = [(user.actor, user.execution) for user in users if user.execution is not None]
        ids = {id for _, id in rounds}
        await_ends(environment, ids, UNDISTURBED * slowness, idle=False)
        _kill_all(environment, sorted(ids))
        await_ends(environment, ids, KILLED * slowness, idle=True)
    finally:
        over.set()
        watched.set()
        watcher.join()
    report.rounds, report.ends = len(rounds), watcher.ends
    found = records(environment, rounds, since, slowness)
    _collect(environment, report, rounds, found, watcher)
    actors: list[User | Saboteur | Outages | Jumps | Watcher] = [*users, saboteur, outages, jumps, watcher]
    report.violations += [f"{thread.name} failed: {thread.trouble!r}" for thread in actors if thread.trouble]
    _nothing_is_left(environment, report, LEFT_SECONDS * slowness)
    assert environment.process is not None
    report.memory = memory(environment.process.pid)
    report.lives = sum(
        entry.what == "manager_answers" and entry.time >= since for entry in environment.history.entries
    )
    report.seconds = time.monotonic() - began


def await_ends(environment: ChaosEnvironment, ids: set[str], seconds: float, *, idle: bool) -> None:
    """Wait until all have ended and, where ``idle``, no operation runs; not longer than so many seconds."""
    engine = database_at(environment.database_url).reading
    until = time.monotonic() + seconds
    with engine.connect() as conn:
        while time.monotonic() < until:
            with conn.begin():
                rows = conn.execute(select(executions.c.id, executions.c.status)).all()
                running = idle and operations.running(conn)
            if all(row.status in END_STATUSES for row in rows if row.id in ids) and not running:
                return
            time.sleep(0.05)


def _kill_all(environment: ChaosEnvironment, ids: list[str]) -> None:
    """End what runs, and what ended executions left running."""
    for id in ids:
        try:
            environment.client().executions.cancel(id, "kill")
        except ApiError as error:
            environment.history.note("refused", id, what="kill", why=str(error))
        except ConnectionFailed:
            environment.history.note("unanswered", id, what="kill")
        else:
            environment.history.note("acknowledged", id, what="kill", last=True)


def _collect(
    environment: ChaosEnvironment,
    report: Report,
    rounds: list[tuple[Actor, str]],
    records: list[Record],
    watcher: Watcher,
) -> None:
    seen = dict[str, list[str]]()
    for id, what in watcher.violations:
        seen.setdefault(id, []).append(what)
    found = {record.execution: record for record in records}
    for actor, id in rounds:
        record = found.get(id)
        if record is None:
            report.violations.append(f"C6: execution {id} of {actor} was acknowledged and is not stored")
            continue
        wrong = [*seen.get(id, ()), *check(record)]
        if wrong:
            report.violations.append("\n".join([*wrong, str(record)]))
    report.violations += [f"a part is there and not listed: {part}" for part in unlisted(environment)]
    report.violations += environment.faults
    environment.faults.clear()


def _nothing_is_left(environment: ChaosEnvironment, report: Report, seconds: float) -> None:
    """What operations left running on purpose is ended here; anything else that lives should not."""
    for line in read_event_log(environment.event_log):
        if line["what"] == "left" and alive(line["pid"], line["birth"]):
            os.kill(line["pid"], signal.SIGKILL)
    until = time.monotonic() + seconds
    while True:
        left = [process for process in living(environment.folder) if process.child]
        # Those too that bear no sign of their operation, or that an installation started.
        lines = [
            line
            for line in read_event_log(environment.event_log)
            if line["what"] == "child" and alive(line["pid"], line["birth"])
        ]
        if not (left or lines) or time.monotonic() > until:
            break
        time.sleep(0.05)
    report.violations += [
        f"a process that an operation or an installation started was left behind: {line}" for line in lines
    ]
    report.violations += [f"a process was left behind: {process}" for process in left]
    for process in left:
        os.kill(process.pid, signal.SIGKILL)
