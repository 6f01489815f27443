"""The state diagram in the documentation is the table that the engine uses, drawn."""

from __future__ import annotations

from pathlib import Path

from cloudwright.model.execution import END_STATUSES, TRANSITIONS, ExecutionStatus

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "statuses.md"


def diagram() -> str:
    lines = [
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> pending",
        "    [*] --> queued",
        "    [*] --> scheduled",
    ]
    for source in ExecutionStatus:
        lines += [f"    {source} --> {target}" for target in ExecutionStatus if target in TRANSITIONS[source]]
    lines += [f"    {status} --> [*]" for status in ExecutionStatus if status in END_STATUSES]
    return "\n".join([*lines, "```"])


def test_the_diagram_is_drawn_from_the_table() -> None:
    page = PAGE.read_text("utf-8")
    assert diagram() in page, f"docs/concepts/statuses.md must hold exactly this:\n\n{diagram()}"


def test_every_status_is_explained() -> None:
    page = PAGE.read_text("utf-8")
    for status in ExecutionStatus:
        assert f"| `{status}` |" in page
