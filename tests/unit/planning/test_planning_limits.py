"""Functions compute how large a result is before they make it, and a refusal says what was too large."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from cloudwright import planning
from cloudwright.errors import BadInputs, BadParameters
from cloudwright.model.json_values import MAX_NESTING
from cloudwright.planning import EvaluationError, MemoryScope

LONG = "a" * 100_000
LIMIT = "characters of text"


def scope(**inputs: Any) -> MemoryScope:
    return MemoryScope([], [], inputs={"long": LONG, **inputs})


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"string_replace": [LONG, "a", LONG]},
        {"string_replace": [LONG, "", LONG]},
        {"string_replace": [{"get_input": "long"}, "a", {"get_input": "long"}]},
        {"string_replace": [{"string_replace": [LONG[:500], "a", LONG[:500]]}, "a", LONG]},
        {"concat": [LONG] * 1000},
        {"concat": [{"concat": [{"get_input": "long"}] * 100}] * 100},
        # Each makes text of the same list, which is small.
        {"concat": [[[LONG] * 10] * 10] * 10},
        # Of this letter upper case makes three.
        {"string_upper": {"concat": ["\u0390" * 1000] * 30_000}},
        [{"get_input": "long"}] * 1000,
        {"a": {"get_input": "list"}, "b": {"get_input": "list"}},
    ],
)
def test_text_that_would_be_too_large_is_never_made(value: Any) -> None:
    tracemalloc.start()
    with pytest.raises(EvaluationError, match=LIMIT) as refused:
        planning.evaluate(value, scope(list=[LONG] * 400))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000_000
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("size", [5 << 20, 16 << 20])
def test_a_large_text_is_passed_on(size: int) -> None:
    found = planning.evaluate({"get_input": "x"}, scope(x="x" * size))
    assert len(found) == size


def test_a_large_text_may_be_changed() -> None:
    text = "x," * (2 << 20)
    value = {
        "replaced": {"string_replace": [text, ",", ";"]},
        "split": {"string_split": [text[:200_000], ","]},
        "upper": {"string_upper": text},
    }
    found = planning.evaluate(value, scope())
    assert found["replaced"] == "x;" * (2 << 20)
    assert found["upper"] == "X," * (2 << 20)
    assert len(found["split"]) == 100_001


def test_a_text_is_split_into_so_many_parts_only() -> None:
    with pytest.raises(EvaluationError, match="values"):
        planning.evaluate({"string_split": ["," * 20_000_000, ","]}, scope())


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["aXbXc", "X", "--"], "a--b--c"),
        (["aXbXc", "X", "--", 1], "a--bXc"),
        (["aXbXc", "X", "--", -1], "a--b--c"),
        (["aXbXc", "X", "--", None], "a--b--c"),
        (["ab", "", "-"], "-a-b-"),
        (["ab", "", "-", 2], "-a-b"),
    ],
)
def test_what_is_replaced_stays_the_same(args: list[Any], expected: str) -> None:
    assert planning.evaluate({"string_replace": args}, scope()) == expected


def test_wrong_arguments_are_shown_shortened() -> None:
    with pytest.raises(EvaluationError, match="its arguments are") as refused:
        planning.evaluate({"string_upper": [LONG] * 100}, scope())
    assert len(str(refused.value)) < 1000


def test_values_are_nested_as_deep_as_everywhere() -> None:
    assert planning.evaluate({"get_input": "deep"}, scope(deep=nested(MAX_NESTING))) == nested(MAX_NESTING)
    with pytest.raises(EvaluationError, match=f"{MAX_NESTING} levels"):
        planning.evaluate([{"get_input": "deep"}], scope(deep=nested(MAX_NESTING)))


def test_inputs_and_parameters_are_bounded_in_their_nesting() -> None:
    plan = {"inputs": {"x": {}}, "nodes": []}
    deep = {"x": nested(MAX_NESTING)}
    assert planning.prepare_deployment(plan, deep).inputs == deep
    with pytest.raises(BadInputs, match=f"`x` is nested deeper than the {MAX_NESTING} levels"):
        planning.prepare_deployment(plan, {"x": nested(MAX_NESTING + 1)})
    workflow: dict[str, Any] = {"parameters": {"x": {}}}
    assert planning.validate_parameters(workflow, deep) == deep
    with pytest.raises(BadParameters, match=f"`x` is nested deeper than the {MAX_NESTING} levels"):
        planning.validate_parameters(workflow, {"x": nested(MAX_NESTING + 1)})
