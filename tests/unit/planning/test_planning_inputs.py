"""Inputs of deployments and parameters of workflows: what is missing, unknown or wrong is said so."""

from __future__ import annotations

from typing import Any

import plans
import pytest

from cloudwright.errors import BadInputs, BadParameters
from cloudwright.planning import MemoryScope, evaluate_outputs, shown_inputs, validate_parameters
from cloudwright.planning.inputs import resolve_inputs

DECLARED: dict[str, Any] = {
    "port": {"type": "integer", "default": 80},
    "name": {"type": "string", "description": "What it is called"},
    "size": {"type": "float", "required": False, "constraints": [{"in_range": [1, 5]}]},
}


def test_defaults_and_given_values() -> None:
    assert resolve_inputs(DECLARED, {}, {"name": "x", "size": 2.5}) == {"port": 80, "name": "x", "size": 2.5}
    assert resolve_inputs(DECLARED, {}, {"name": "x"})["size"] is None


def test_what_is_missing_is_named_with_its_description() -> None:
    with pytest.raises(BadInputs) as refusal:
        resolve_inputs({**DECLARED, "other": {}}, {}, {})
    assert refusal.value.code == "missing_required_deployment_input_error"
    assert "`name` (string): What it is called" in str(refusal.value)
    assert "`other`" in str(refusal.value)


def test_what_is_unknown_is_named_with_what_was_meant() -> None:
    with pytest.raises(BadInputs) as refusal:
        resolve_inputs(DECLARED, {}, {"name": "x", "prt": 1, "zzz": 2})
    assert refusal.value.code == "unknown_deployment_input_error"
    assert "`prt` (did you mean `port`?)" in str(refusal.value)
    assert "`zzz`" in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": "80"}, "`port`"),
        ({"size": 9}, "violates the constraint `in_range: [1, 5]`"),
        ({"size": "x"}, "`size`"),
        ({"size": {"get_secret": "s"}}, "cannot be a function"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputs, match="cannot be used") as refusal:
        resolve_inputs(DECLARED, {}, {"name": "x", **given})
    assert words in str(refusal.value)


def test_several_wrong_inputs_come_together() -> None:
    with pytest.raises(BadInputs) as refusal:
        resolve_inputs(DECLARED, {}, {"name": "x", "port": "a", "size": 7})
    assert str(refusal.value).count("\n- ") == 2


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "12", 12),
        ("float", "1.5", 1.5),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("string", "12", "12"),
    ],
)
def test_types_are_corrected_on_request(kind: str, text: str, value: Any) -> None:
    assert resolve_inputs({"a": {"type": kind}}, {}, {"a": text}, auto_correct_types=True) == {"a": value}


def test_data_types_complete_what_was_given() -> None:
    types = {
        "address": {"properties": {"street": {"type": "string"}, "number": {"type": "integer", "default": 1}}}
    }
    declared = {"home": {"type": "address"}}
    assert resolve_inputs(declared, types, {"home": {"street": "x"}}) == {
        "home": {"street": "x", "number": 1}
    }
    with pytest.raises(BadInputs, match="street"):
        resolve_inputs(declared, types, {"home": {}})


def test_identifiers_are_looked_up() -> None:
    asked = []

    def lookup(kind: str, value: Any, constraints: Any) -> bool:
        asked.append((kind, value, constraints))
        return bool(value == "known")

    declared = {"d": {"type": "deployment_id", "constraints": [{"labels": [{"a": "b"}]}]}}
    assert resolve_inputs(declared, {}, {"d": "known"}, lookup=lookup) == {"d": "known"}
    assert asked == [("deployment_id", "known", {"labels": [{"a": "b"}]})]
    with pytest.raises(BadInputs, match="there is no deployment_id 'other'"):
        resolve_inputs(declared, {}, {"d": "other"}, lookup=lookup)
    assert resolve_inputs(declared, {}, {"d": "other"}) == {"d": "other"}


def test_a_constraint_may_refer_to_another_input() -> None:
    declared: dict[str, Any] = {
        "most": {"default": 3},
        "n": {"constraints": [{"less_or_equal": {"get_input": "most"}}]},
    }
    assert resolve_inputs(declared, {}, {"n": 3})["n"] == 3
    with pytest.raises(BadInputs, match="less_or_equal: 3"):
        resolve_inputs(declared, {}, {"n": 4})


WORKFLOW = {
    "parameters": {
        "node": {"description": "Which node"},
        "count": {"type": "integer", "default": 1},
        "force": {"type": "boolean", "default": False},
        "note": {"required": False},
        "ids": {"type": "list", "item_type": "node_id", "default": []},
        "size": {"default": 1, "constraints": [{"valid_values": [1, 2]}]},
    }
}


def test_parameters_are_merged_over_defaults() -> None:
    assert validate_parameters(WORKFLOW, {"node": "a", "count": "5", "force": "true"}) == {
        "node": "a",
        "count": 5,
        "force": True,
        "ids": [],
        "size": 1,
    }
    assert validate_parameters({}, {}) == {}
    # As Cloudify has it: what the function stands for is the workflow's question.
    function = {"get_input": "x"}
    assert validate_parameters({"parameters": {"a": {"default": function}}}, {}) == {"a": function}
    assert validate_parameters(WORKFLOW, {"node": {"get_input": "x"}, "count": None})["count"] is None


def test_missing_parameters() -> None:
    with pytest.raises(BadParameters, match=r"`node` \(Which node\)") as refusal:
        validate_parameters(WORKFLOW, {})
    assert refusal.value.code == "missing_execution_parameters_error"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cuont": 1}, "did you mean `count`?"),
        ({"count": "many"}, "not of type `integer`"),
        ({"force": "perhaps"}, "not of type `boolean`"),
        ({"ids": "a"}, "not of type `list`"),
        ({"size": 3}, "valid_values"),
    ],
)
def test_wrong_parameters(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameters) as refusal:
        validate_parameters(WORKFLOW, {"node": "a", **given})
    assert words in str(refusal.value)
    assert refusal.value.code == "illegal_execution_parameters_error"


def test_custom_parameters() -> None:
    with pytest.raises(BadParameters, match="allowed explicitly"):
        validate_parameters(WORKFLOW, {"node": "a", "mine": 1})
    assert validate_parameters(WORKFLOW, {"node": "a", "mine": 1}, allow_custom=True)["mine"] == 1


def test_inputs_are_shown_with_what_they_take_from_each_other() -> None:
    inputs = {
        "port": 80,
        "also": {"get_input": "port"},
        "deep": {"url": {"concat": ["x:", {"get_input": "also"}]}, "secret": {"get_secret": "s"}},
        "own": {"get_input": "own"},
        "one": {"get_input": "two"},
        "two": [{"get_input": "one"}, {"get_input": "one"}],
        "wrong": {"get_input": ["port", "number"]},
        "last": [{"get_input": "also"}],
    }
    assert shown_inputs(inputs) == inputs | {
        "also": 80,
        "deep": {"url": "x:80", "secret": {"get_secret": "s"}},
        "last": [80],
    }


def test_an_input_that_is_its_own_default_stays_what_was_written() -> None:
    plan = plans.deployed(
        "inputs: {me: {default: {get_input: me}}}\n"
        "node_templates: {n: {type: t, properties: {x: {get_input: me}}}}\n"
        "outputs: {o: {value: {get_input: me}}}\n"
    )
    itself = {"get_input": "me"}
    assert plan.inputs == {"me": itself}
    assert plan.nodes[0]["properties"]["x"] == itself
    assert evaluate_outputs(plan.outputs, MemoryScope([], [], inputs=plan.inputs)) == {"o": itself}


@pytest.mark.parametrize(
    ("definition", "value", "said"),
    [
        ({"type": "node_id"}, "vm", ""),
        ({"type": "node_id"}, "vn", "`p` names 'vn', and there is no such node"),
        ({"type": "operation_name"}, "start", "no such operation"),
        ({"type": "list", "item_type": "node_instance"}, ["vm", "vn"], "names 'vn'"),
        ({"type": "list", "item_type": "node_instance"}, [], ""),
        ({"type": "node_id"}, None, ""),
        ({"type": "node_id"}, {"get_input": "x"}, ""),
        ({"type": "string"}, "start", ""),
        (
            {"type": "deployment_id", "constraints": [{"labels": [{"env": "test"}]}]},
            "shop",
            "no such deployment with labels [{'env': 'test'}]",
        ),
    ],
)
def test_what_parameters_name_is_looked_up(definition: dict[str, Any], value: Any, said: str) -> None:
    def lookup(type_name: str, name: str, constraints: Any) -> bool:
        return name == "vm"

    workflow = {"parameters": {"p": definition}}
    assert validate_parameters(workflow, {"p": value}) == {"p": value}
    if not said:
        assert validate_parameters(workflow, {"p": value}, lookup=lookup) == {"p": value}
        return
    with pytest.raises(BadParameters) as refused:
        validate_parameters(workflow, {"p": value}, lookup=lookup)
    assert said in str(refused.value)
