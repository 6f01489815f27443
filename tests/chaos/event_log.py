"""The event log of an environment: what its workflows and operations wrote themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: ``time`` (seconds since the epoch), ``what``, ``execution``, ``name`` (the step's), ``operation`` (its id),
#: ``pid``, ``birth``.
Line = dict[str, Any]


def read_event_log(event_log: Path, execution: str | None = None) -> list[Line]:
    lines: list[Line] = []
    with event_log.open() as stream:
        for text in stream:
            if text.endswith("\n") and (execution is None or execution in text):
                lines.append(json.loads(text))
    return lines
