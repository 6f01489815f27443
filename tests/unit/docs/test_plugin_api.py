"""What the page about plugins promises is what a plugin finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloudwright.manager.executors import NoAgent, check_executor
from cloudwright.model.executors import CENTRAL, EXECUTORS
from cloudwright.model.topology import NodeInstance
from cloudwright.operation.context import Context, NodeContext, NodeInstanceContext, OperationContext

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "plugin-api.md").read_text("utf-8")
TABLE = PAGE.partition("\n## `ctx`\n")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| (`ctx\.[^|]*) \| (.*) \|$", TABLE, re.MULTILINE))
DIFFERENCES = (DOCS / "reference" / "dsl-differences.md").read_text("utf-8")


def _names(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)(?:\([^`]*\))?`", text))


def test_the_context_has_what_the_table_names() -> None:
    names = set(re.findall(r"`ctx\.(\w+)", " ".join(ROWS)))
    assert len(names) > 15
    assert {name for name in names if not hasattr(Context, name)} == set()


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("`ctx.node`", NodeContext),
        ("`ctx.instance`", NodeInstanceContext),
        ("`ctx.operation`", OperationContext),
    ],
)
def test_its_parts_have_what_their_rows_name(row: str, kind: type) -> None:
    names = _names(ROWS[row])
    assert names
    assert {name for name in names if not hasattr(kind, name)} == set()


def test_the_page_names_the_executors_and_says_which_one_runs() -> None:
    section = PAGE.partition("\n## Where operations run\n")[2].partition("\n## ")[0]
    assert {name for name in EXECUTORS if name not in section} == set()
    instances = {"a_1": NodeInstance("a_1", "a", "d", host_id="vm_1")}
    runs = set()
    for name in EXECUTORS:
        try:
            check_executor({"name": "act", "executor": name, "instance": "a_1"}, instances)
        except NoAgent:
            continue
        runs.add(name)
    assert runs == {CENTRAL}
    assert "so an operation of `host_agent` fails for good" in section
