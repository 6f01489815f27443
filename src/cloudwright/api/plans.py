"""Plans as clients receive them: stored plans share parts between nodes, these repeat them in every node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import islice
from typing import Any

import orjson

from cloudwright.dsl import Plan

_NODES_AT_ONCE = 50


def expand_plan(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if stored is None else Plan.from_json(stored).to_json()


async def stream_with_plan(made: Mapping[str, Any], stored: Mapping[str, Any] | None) -> AsyncIterator[bytes]:
    """The JSON of ``made`` with its plan, piece by piece: others need not wait for a plan of many nodes."""
    head = orjson.dumps(made).removesuffix(b"}")
    yield head + (b"," if made else b"") + b'"plan":'
    plan = expand_plan(stored)
    if plan is None:
        yield b"null}"
        return
    nodes = iter(plan.pop("nodes"))
    yield orjson.dumps(plan).removesuffix(b"}") + (b"," if plan else b"") + b'"nodes":['
    separator = b""
    while batch := list(islice(nodes, _NODES_AT_ONCE)):
        yield separator + b",".join(map(orjson.dumps, batch))
        separator = b","
    yield b"]}}"
