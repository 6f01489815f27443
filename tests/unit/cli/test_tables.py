"""Tables, whatever the width of the tables."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cloudwright.cli import tables
from cloudwright.cli.executions import LIST_COLUMNS
from cloudwright.cli.formatting import Column, columns

ID = "f5db8278-3a5d-4aaf-baa0-708c0c3249a7"
MOMENT = "2026-01-02T12:00:00.000Z"
EXECUTION = {
    "id": ID,
    "workflow_id": "install",
    "status": "terminated",
    "deployment_id": "shop",
    "created_at": MOMENT,
    "started_at": MOMENT,
    "ended_at": None,
    "created_by": "admin",
}


def names(kept: list[Column]) -> list[str]:
    return [column.name for column in kept]


def test_everything_is_shown_where_there_is_room() -> None:
    assert tables.fitting([EXECUTION], LIST_COLUMNS, 200) == LIST_COLUMNS


def test_spare_columns_are_left_out_empty_ones_first() -> None:
    at_55 = names(tables.fitting([EXECUTION], LIST_COLUMNS, 52))
    assert at_55 == ["id", "workflow_id", "status", "deployment_id", "created_at"]
    at_76 = names(tables.fitting([EXECUTION], LIST_COLUMNS, 76))
    assert "created_by" in at_76
    assert "ended_at" not in at_76


def test_what_does_not_fit_at_all_is_a_line_per_field() -> None:
    assert tables.fitting([EXECUTION], LIST_COLUMNS, 25) == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.text("ab-", min_size=1, max_size=40), "x": st.text("cd ", max_size=60)}
        )
    ),
    st.integers(20, 200),
)
def test_the_first_column_is_always_whole_and_the_table_fits(items: list[dict[str, Any]], width: int) -> None:
    shown = columns("id", "x", "y?")
    kept = tables.fitting(items, shown, width)
    if not kept:
        return
    text = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "Console", lambda **_: Console(file=text, width=width, highlight=False))
        tables.print_table(items, kept)
    lines = text.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    for item in items:
        assert any(line.startswith(item["id"]) for line in lines)
