"""The ``begin`` frame of a workflow's process, of any size."""

from __future__ import annotations

import copy
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.errors import InvalidInput
from cloudwright.manager import execution_context
from cloudwright.model.node_packing import pack
from cloudwright.workflow.child import briefed


class Asked:
    """The connection of a workflow's process to a host that has these parts."""

    def __init__(self, parts: list[execution_context.Chunk]) -> None:
        self.parts = parts
        self.asked: list[int] = []

    def call(self, method: str, /, part: int) -> Any:
        assert method == "context_chunk"
        self.asked.append(part)
        return json.loads(orjson.dumps(self.parts[part]))


items = st.lists(st.integers(0, 400), max_size=12).map(
    lambda sizes: [{"id": f"i{place}", "text": "x" * size} for place, size in enumerate(sizes)]
)


@given(items, items, st.lists(items, max_size=3))
def test_the_process_puts_chunks_together(
    nodes: list[Any], instances: list[Any], tasks: list[list[Any]]
) -> None:
    graphs = [{"id": f"g{place}", "tasks": some} for place, some in enumerate(tasks)]
    packed, shared = pack(nodes)
    begin = {"nodes": packed, "shared": shared, "node_instances": instances, "graphs": graphs, "tenant": "t"}
    before = copy.deepcopy(begin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution_context, "PART", 500)
        head, parts = execution_context.chunked(begin)
    assert begin == before
    assert all(len(part["items"]) == 1 or len(orjson.dumps(part["items"])) < 600 for part in parts)
    connection = Asked(parts)
    whole = briefed(json.loads(orjson.dumps(head)), connection)  # type: ignore[arg-type]
    assert connection.asked == list(range(len(parts)))
    whole.pop("parts", None)
    assert whole == {
        "nodes": nodes,
        "node_instances": instances,
        "graphs": graphs,
        "tenant": "t",
    }


def test_a_short_begin_frame_is_sent_whole() -> None:
    begin = {"nodes": [{"id": "a"}], "node_instances": [{"id": "a_1"}], "graphs": []}
    assert execution_context.chunked(begin) == (begin, [])


def test_what_no_frame_holds_is_named_with_the_limit_and_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_context, "MAX_FRAME", 10_000)
    large = {"id": "db_x1", "runtime_properties": {"dump": "x" * 10_000}}
    begin = {"nodes": [], "node_instances": [{"id": "a"}, large], "graphs": []}
    with pytest.raises(
        InvalidInput, match=r"`db_x1` is 100\d\d bytes of JSON; the maximum frame is 10000\. Make its"
    ):
        execution_context.chunked(begin)
