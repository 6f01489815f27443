"""Blueprints of the corpus, each with something in it broken at random: refused with reasons, or taken.

Whatever is wrong, no other error than ours may come out, for the parser reads what strangers wrote.
"""

from __future__ import annotations

import copy
import itertools
import json
import random
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import corpus
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudwright import dsl, planning
from cloudwright.errors import CloudwrightError

CASES = [case for case in corpus.cases() if not case.imports]
#: What may stand anywhere and belongs nowhere.
JUNK: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**9,
        "",
        "x",
        "a.b",
        "--",
        "ns--x",
        "{ get_input: i }",
        "cloudify.nodes.Root",
    ),
    *([], {}, [[]], [None], {"": None}, {1: 2}, {"x": {}}, {"type": "t"}, {"default": {"get_input": "i"}}),
    *({"get_input": []}, {"get_input": {}}, {"get_property": ["SELF"]}, {"concat": None}, {"merge": [1]}),
    *({"get_secret": []}, {"string_split": ["a"]}, {"get_property": [{"get_property": ["n", "x"]}, "x"]}),
    {"get_attribute": ["SELF", {"get_input": "i"}]},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, item in items:
        found += places(item, (*path, key))
    return found


def broken(data: Any, chance: random.Random) -> Any:
    """``data`` with one thing in it replaced, removed, renamed, or put elsewhere."""
    data = copy.deepcopy(data)
    paths = places(data)
    if not paths:
        return chance.choice(JUNK)
    path = chance.choice(paths)
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    how = chance.randrange(4)
    if how == 0:
        holder[path[-1]] = copy.deepcopy(chance.choice(JUNK))
    elif how == 1:
        del holder[path[-1]]
    elif how == 2 and isinstance(holder, dict):
        holder[chance.choice(["x", "type", "inputs", "members", "n", 5, "get_input"])] = holder.pop(path[-1])
    else:
        other = data
        for key in chance.choice(paths):
            if not isinstance(other, dict | list):
                break
            try:
                other = other[key]
            except (KeyError, IndexError):
                break
        holder[path[-1]] = copy.deepcopy(other)
    return data


def take(case: corpus.Case, text: str, folder: Path) -> None:
    path = case.write(folder)
    path.write_text(text)
    plan = dsl.parse_blueprint(path)
    assert dsl.Plan.from_json(json.loads(json.dumps(plan.pack()))) == dsl.Plan.from_json(
        json.loads(json.dumps(plan.to_json()))
    )
    numbers = itertools.count()
    deployment = planning.prepare_deployment(plan, case.inputs, runtime_only_evaluation=case.runtime_only)
    planning.create_instances(
        deployment.nodes,
        deployment.scaling_groups,
        deployment_id="d",
        new_id=lambda name: f"{name}_{next(numbers)}",
    )


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(CASES), st.integers(0, 2**32), st.integers(1, 3), st.booleans())
def test_no_error_but_ours(case: corpus.Case, seed: int, times: int, in_text: bool) -> None:
    chance = random.Random(seed)
    text = case.text
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        in_text = True
    for _ in range(times):
        if in_text:
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice("{}[]:,-'\"&*!|>#%@ \n\tx1") + text[at + chance.randrange(3) :]
        else:
            data = broken(data, chance)
            text = yaml.safe_dump(data)
    with tempfile.TemporaryDirectory() as folder, suppress(CloudwrightError):
        take(case, text, Path(folder))
