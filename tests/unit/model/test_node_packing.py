"""Packed nodes: whole again whatever they hold, and nothing written twice."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudwright.model.node_packing import Unpacking, pack, pack_plan, unpack_plan

# Few different ones, so that nodes have much in common.
texts = st.sampled_from(["", "a", "b"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
operations = st.fixed_dictionaries(
    {"operation": texts, "inputs": st.dictionaries(texts, values, max_size=2)}, optional={"timeout": values}
)
tables = st.dictionaries(texts, operations, max_size=3)
relationships = st.fixed_dictionaries(
    {"target_id": texts},
    optional={
        "type_hierarchy": st.lists(texts, max_size=2),
        "properties": st.dictionaries(texts, values, max_size=2),
        "source_operations": tables,
        "target_operations": tables,
    },
)
nodes = st.fixed_dictionaries(
    {"id": texts},
    optional={
        "type_hierarchy": st.lists(texts, max_size=2),
        "properties": st.dictionaries(texts, values, max_size=2),
        "capabilities": st.dictionaries(texts, values, max_size=2),
        "plugins": st.lists(values, max_size=2),
        "plugins_to_install": st.none() | st.lists(values, max_size=2),
        "deployment_plugins_to_install": st.lists(values, max_size=2),
        "operations": tables,
        "relationships": st.lists(relationships, max_size=2),
        "host_id": st.none() | texts,
    },
)


@given(st.lists(nodes, max_size=6))
def test_packed_nodes_are_whole_again(some: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(some)
    packed, shared = json.loads(json.dumps(pack(some)))
    unpacking = Unpacking(shared)
    # As text, so that True and 1, and the order of keys, count.
    assert json.dumps([unpacking.node(node) for node in packed]) == json.dumps(before)
    assert json.dumps(some) == json.dumps(before), "packing changed what it was given"


@given(st.lists(nodes, max_size=4))
def test_nodes_read_one_by_one_share_as_those_made_together(some: list[dict[str, Any]]) -> None:
    apart = [json.loads(json.dumps(node)) for node in some * 2]
    assert json.dumps(pack(apart)) == json.dumps(pack(some * 2))


@given(st.lists(nodes, max_size=6))
def test_nothing_is_shared_twice_or_without_need(some: list[dict[str, Any]]) -> None:
    doubled, shared = pack(some * 2)
    for pool in shared.values():
        assert len({json.dumps(item) for item in pool}) == len(pool)
    assert doubled[: len(some)] == doubled[len(some) :]


def test_what_one_node_alone_has_stays_with_it() -> None:
    same = {"operation": "p.create", "inputs": {}}
    own = {"operation": "p.start", "inputs": {"of": "b"}}
    packed, shared = pack(
        [
            {"id": "a", "properties": {"x": 1}, "operations": {"create": same}},
            {"id": "b", "properties": {"x": 2}, "operations": {"create": dict(same), "start": own}},
            {"id": "c", "properties": {"x": 2}, "operations": {"create": same}},
        ]
    )
    assert packed == [
        {"id": "a", "properties": {"x": 1}, "operations": 0},
        {"id": "b", "properties": 0, "operations": {"create": 0, "start": own}},
        {"id": "c", "properties": 0, "operations": 0},
    ]
    assert shared == {"values": [{"x": 2}], "operations": [same], "tables": [{"create": 0}]}


def test_what_is_shared_is_one_object_in_all_nodes() -> None:
    some = [{"id": str(index), "operations": {"create": {"inputs": {}}}} for index in range(3)]
    packed, shared = pack(some)
    unpacking = Unpacking(shared)
    first, second, third = (unpacking.node(node)["operations"] for node in packed)
    assert first is second is third


def test_a_node_that_was_never_packed_stays_as_it_is() -> None:
    node = {"id": "a", "operations": {"create": {"inputs": {}}}}
    assert Unpacking(None).node(node) is node


def test_a_plan_keeps_what_is_not_a_node() -> None:
    plan = {"version": 1, "nodes": [{"id": "a", "properties": {}}, {"id": "b", "properties": {}}]}
    assert pack_plan(plan) == {
        "version": 1,
        "nodes": [{"id": "a", "properties": 0}, {"id": "b", "properties": 0}],
        "shared": {"values": [{}], "operations": [], "tables": []},
    }
    assert unpack_plan(pack_plan(plan)) == plan
    assert unpack_plan(plan) == plan
