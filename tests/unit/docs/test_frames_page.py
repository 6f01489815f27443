"""The page about frames shows the types that are checked, and the methods that are answered."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from frame_tables import pages, worker_pages

from cloudwright.manager.child_rpc import ChildRpc
from cloudwright.model.frames.methods import METHODS

PAGE = next((Path(__file__).parents[3] / "docs").rglob("frames.md"))


@pytest.mark.parametrize(("heading", "drawn"), pages().items())
def test_a_table_is_drawn_from_the_types(heading: str, drawn: str) -> None:
    _, found, below = PAGE.read_text("utf-8").partition(f"# {heading}\n")
    assert found, f"the page has no heading `{heading}`"
    assert drawn in below, f"below `{heading}` there must be:\n\n{drawn}"


@pytest.mark.parametrize(("heading", "drawn"), worker_pages().items())
def test_a_table_of_workers_is_drawn_from_the_types(heading: str, drawn: str) -> None:
    _, found, below = PAGE.with_name("workers.md").read_text("utf-8").partition(f"# {heading}\n")
    assert found, f"the page has no heading `{heading}`"
    assert drawn in below, f"below `{heading}` there must be:\n\n{drawn}"


def test_the_methods_of_the_page_are_those_that_are_answered() -> None:
    cases = ast.walk(ast.parse(inspect.getsource(inspect.getmodule(ChildRpc))))  # type: ignore[arg-type]
    answered = [case.value.value for case in cases if isinstance(case, ast.MatchValue)]  # type: ignore[attr-defined]
    assert sorted(answered) == sorted(METHODS)
