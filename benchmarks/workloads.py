"""What is measured, by which program, and what is aimed at. All goals are for a machine of two cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Goal:
    """``figure`` is at most ``most``, or at least ``least``: with ``of``, so much of what that workload had
    in the same run.
    """

    figure: str
    most: float | None = None
    least: float | None = None
    of: str = ""

    def in_run(self, medians: Mapping[str, Mapping[str, float]]) -> Goal:
        """What it comes to; as it is where the other workload has no figure."""
        if not self.of or self.least is None or self.of not in medians:
            return self
        return replace(self, least=self.least * medians[self.of][self.figure], of="")

    def met(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        text = f"<= {self.most:g}" if self.most is not None else f">= {self.least:.4g}"
        return f"{text} of {self.of}" if self.of else text


@dataclass(frozen=True, slots=True)
class Workload:
    """``times``: so many runs, of which the median counts. ``quick``: the options of a quick run; None is not
    a part of it.
    """

    name: str
    title: str
    program: str
    options: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    goals: tuple[Goal, ...] = ()
    times: int = 1


def _cancels(prefix: str, latest: float | None) -> tuple[Goal, ...]:
    goals = [Goal(f"{prefix}untrue", most=0)]
    for kind, middle, late in (("standard", 10, 50), ("force", 10, 50), ("kill", 30, 100)):
        if latest is None:
            goals.append(Goal(f"{kind} seen 50 %", most=middle))
        goals.append(Goal(f"{prefix}{kind} seen 99 %", most=latest or late))
    return tuple(goals)


def _reads(prefix: str) -> tuple[Goal, ...]:
    lists = ("executions", "events", "events of a deployment", "instances")
    return (
        Goal(f"{prefix}execution 50 %", most=2),
        *(Goal(f"{prefix}{name} 50 %", most=50) for name in lists),
    )


WORKLOADS = (
    Workload("limits", "What the machine can do", "limits.py", quick=("--milliseconds", "300")),
    Workload(
        "T1",
        "1,000 operations in one execution",
        "operations.py",
        quick=("--nodes", "100"),
        goals=(Goal("operations/s", least=500),),
        times=3,
    ),
    Workload(
        "T1b",
        "Ten executions of 100 operations at once",
        "operations.py",
        ("--nodes", "50", "--executions", "10"),
        goals=(Goal("operations/s", least=1, of="T1"),),
        times=3,
    ),
    Workload(
        "T1c",
        "10,000 operations in one execution",
        "operations.py",
        ("--nodes", "5000"),
        goals=(Goal("operations/s", least=0.9, of="T1"),),
    ),
    Workload(
        "T1d",
        "A hundred executions of 100 operations at once",
        "operations.py",
        ("--nodes", "50", "--executions", "100"),
        goals=(Goal("operations/s", least=0.9, of="T1"),),
    ),
    Workload(
        "T1e",
        "T1 with 100,000 executions and 1,000,000 events stored",
        "operations.py",
        ("--history", "100000"),
        goals=(Goal("operations/s", least=0.9, of="T1"),),
        times=2,
    ),
    Workload(
        "T2",
        "From the request to the first operation's first line",
        "starting.py",
        quick=("--times", "50"),
        goals=(Goal("ms median", most=30), Goal("ms 99 %", most=60)),
    ),
    Workload(
        "T6",
        "An execution beside two operations that log, and 66 clients that ask, as fast as they can",
        "neighbours.py",
        quick=("--lines", "20000", "--history", "2000"),
        goals=(
            Goal("ms to the first operation, median", most=200),
            Goal("ms to the first operation, 99 %", most=500),
            Goal("ms to a forced end, median", most=100),
            Goal("ms to a forced end, 99 %", most=500),
            Goal("MiB above idle", most=150),
        ),
    ),
    Workload(
        "T3",
        "Cancelling, from the request to the end status (ms)",
        "cancelling.py",
        quick=("--times", "20", "--busy", "0"),
        goals=(*_cancels("", None), *_cancels("busy ", 250)),
    ),
    Workload(
        "T4",
        "kill -9 of the manager in the middle of T1",
        "crashing.py",
        goals=(Goal("s", most=1), Goal("twice though stored", most=0), Goal("lost", most=0)),
        times=3,
    ),
    Workload(
        "T5",
        "Operations of a plugin on a large library",
        "plugin_calls.py",
        goals=(Goal("ms CPU overhead", most=30), Goal("cold: s", most=2)),
    ),
    Workload(
        "P1",
        "Blueprints: read and planned",
        "blueprints.py",
        goals=(
            Goal("100 nodes: s", most=0.02),
            Goal("1000 nodes: s", most=0.15),
            Goal("10000 nodes: s", most=1.5),
            Goal("100000 nodes: s", most=20),
            Goal("100000 nodes: MiB", most=2048),
        ),
    ),
    Workload(
        "P2",
        "Changes: planned",
        "changes.py",
        quick=("--runs", "1"),
        goals=(Goal("1 to 1000: s", most=0.3), Goal("difference of 10000 nodes: s", most=1)),
    ),
    Workload(
        "R1",
        "Reading: 100,000 executions, 1,000,000 events and 10,000 node instances stored (ms)",
        "reading.py",
        goals=(*_reads(""), *_reads("busy ")),
    ),
    Workload(
        "U1",
        "The console in Chromium, with 100,000 executions stored (ms)",
        "console_pages.py",
        goals=(
            Goal("list painted", most=500),
            Goal("execution painted", most=500),
            Goal("filter clicked", most=300),
            Goal("older clicked", most=300),
            Goal("menu clicked", most=300),
            Goal("change seen", most=300),
        ),
    ),
    Workload(
        "R2",
        "500 clients follow executions",
        "following.py",
        goals=(Goal("ms longest", most=250), Goal("cores", most=1), Goal("MiB peak", most=500)),
    ),
    Workload(
        "M1",
        "Memory and start-up",
        "memory.py",
        quick=("--executions", "3", "--times", "5"),
        goals=(
            Goal("MiB idle", most=120),
            Goal("MiB a workflow", most=15),
            Goal("MiB an operation", most=10),
            Goal("s cfy --help", most=0.2),
            Goal("s start", most=1),
        ),
    ),
    Workload(
        "O1",
        "T1 with metrics that are read each second, and with none",
        "metrics_cost.py",
        goals=(Goal("% lost", most=3), Goal("% more CPU", most=3)),
    ),
    Workload("M2", "Memory after many executions", "growth.py", quick=("--executions", "50")),
)
