"""The table that people read: each goal with what was measured, and T1 beside the limit and the peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from peers import PEERS
from workloads import Workload

#: What nothing on this machine can exceed, by the manager's database.
LIMIT = {"SQLite": "operations/s", "PostgreSQL": "operations/s, PostgreSQL"}


def of(
    about: Mapping[str, Any],
    wanted: Sequence[Workload],
    medians: Mapping[str, Mapping[str, float]],
    runs: Mapping[str, Sequence[Mapping[str, float]]],
    failures: Mapping[str, str],
) -> str:
    """Markdown. ``medians`` are those of the ``runs``."""
    lines = [
        f"{about['date']}, Python {about['python']}, {about['processors']} processors, {about['database']}; "
        f"load {about['load'][0]:.1f} at the start, {about['load at the end'][0]:.1f} at the end; "
        f"{about['seconds']} s in all.",
    ]
    for workload in wanted:
        lines += ["", f"## {workload.name}: {workload.title}", ""]
        if workload.name in failures:
            lines.append(f"Failed: {failures[workload.name]}")
        if workload.name in medians:
            lines += figures(workload, medians, runs[workload.name])
        if workload.name == "T1":
            lines += ["", *compared(medians, failures, LIMIT[about["database"]])]
    if "T1" not in [workload.name for workload in wanted] and any(peer.title in medians for peer in PEERS):
        lines += ["", *compared(medians, failures, LIMIT[about["database"]])]
    return "\n".join(lines) + "\n"


def figures(
    workload: Workload, medians: Mapping[str, Mapping[str, float]], runs: Sequence[Mapping[str, float]]
) -> Iterator[str]:
    goals = {goal.figure: goal.in_run(medians) for goal in workload.goals}
    yield "| | measured | goal | | each run |"
    yield "|---|---|---|---|---|"
    for name, value in medians[workload.name].items():
        goal = goals.get(name)
        verdict = "" if goal is None or goal.of else "met" if goal.met(value) else "**missed**"
        each = ", ".join(number(run[name]) for run in runs) if len(runs) > 1 else ""
        yield f"| {name} | {number(value)} | {goal or ''} | {verdict} | {each} |"


def compared(
    medians: Mapping[str, Mapping[str, float]], failures: Mapping[str, str], limit: str
) -> Iterator[str]:
    """T1 of ours and of each peer: its ratio to the machine's limit, and to the best peer."""
    rates = {peer.title: medians[peer.title]["tasks/s"] for peer in PEERS if peer.title in medians}
    # The best of those that lose nothing; the others are there to see what durability costs.
    durable = {peer.title for peer in PEERS if peer.durable == "yes"} & rates.keys()
    best = max((rates[title] for title in durable), default=None)
    most = medians.get("limits", {}).get(limit)
    ours = medians.get("T1", {}).get("operations/s")
    yield "| | operations/s | isolated | durable | of the limit | to the best durable peer |"
    yield "|---|---|---|---|---|---|"
    if ours is not None:
        yield f"| **Cloudwright** | {number(ours)} | yes | yes | {ratio(ours, most)} | {ratio(ours, best)} |"
    for peer in PEERS:
        if peer.title in rates:
            rate = rates[peer.title]
            kind = f"{peer.isolated} | {peer.durable}"
            yield f"| {peer.title} | {number(rate)} | {kind} | {ratio(rate, most)} | {ratio(rate, best)} |"
        elif peer.title in failures:
            yield f"| {peer.title} | {failures[peer.title]} | {peer.isolated} | {peer.durable} | | |"


def ratio(value: float, other: float | None) -> str:
    return f"{value / other:.2f}" if other else ""


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
