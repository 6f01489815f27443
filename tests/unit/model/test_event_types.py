"""The types of events that only the engine stores."""

from __future__ import annotations

import re
from pathlib import Path

from cloudwright.model.event import ENGINE_TYPES, reported_type

STORAGE = Path(__file__).parents[3] / "src" / "cloudwright"


def test_a_reported_event_never_has_a_type_of_the_engine() -> None:
    for event_type in ENGINE_TYPES:
        assert reported_type(event_type) == f"reported_{event_type}"
    for other in ("task_started", "workflow_stage", "anything", "", None):
        assert reported_type(other) == other


def test_every_event_of_an_execution_that_the_engine_stores_is_reserved() -> None:
    written: set[str] = set()
    for folder in ("storage/executions", "manager"):
        for file in (STORAGE / folder).glob("*.py"):
            written |= set(
                re.findall(r'event_type="((?:execution|workflow)_[a-z_]+)"', file.read_text("utf-8"))
            )
    assert written
    assert written <= ENGINE_TYPES
