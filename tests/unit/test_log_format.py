"""The log as text and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging, sys
from cloudwright.log_format import configure_logging
configure_logging(sys.argv[1])
log = logging.getLogger("some.where")
log.info("two\\nlines and a %s", "snowman \\u2603")
log.debug("not this")
try:
    raise ValueError("broken")
except ValueError:
    log.exception("it failed")
"""


def logged(log_format: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, log_format]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert ran.stdout == ""
    return ran.stderr.splitlines()


def test_each_line_of_json_is_one_record() -> None:
    first, second = (json.loads(line) for line in logged("json"))
    assert (first["level"], first["logger"], first["message"]) == (
        "info",
        "some.where",
        "two\nlines and a snowman ☃",
    )
    assert first["time"].endswith("+00:00")
    assert "exception" not in first
    assert (second["level"], second["message"]) == ("error", "it failed")
    assert second["exception"].endswith("ValueError: broken")


def test_text_is_what_people_read() -> None:
    lines = logged("text")
    assert lines[0].endswith("INFO some.where: two")
    assert lines[-1] == "ValueError: broken"
