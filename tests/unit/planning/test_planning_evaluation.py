"""Intrinsic functions: when a deployment is created, and at run time."""

from __future__ import annotations

import json
from typing import Any

import plans
import pytest

from cloudwright import planning
from cloudwright.errors import NotFound
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import EvaluationError, MemoryScope, SystemFacts

NODES: list[dict[str, Any]] = [
    {"id": "vm", "properties": {"ip": "10.0.0.1", "tags": ["a", "b"]}, "relationships": []},
    {
        "id": "web",
        "properties": {
            "port": 80,
            "url": {"concat": ["http://", {"get_attribute": ["vm", "ip"]}]},
            "me": {"get_property": ["SELF", "port"]},
        },
        "relationships": [
            {"target_id": "vm", "type": "in", "type_hierarchy": ["cloudify.relationships.contained_in"]}
        ],
    },
]


def instance(id: str, node: str, target: str | None = None, **more: Any) -> NodeInstance:
    relationships: Any = [{"target_id": target, "target_name": "vm", "type": "in"}] if target else []
    return NodeInstance(id, node, "dep", relationships=relationships, **more)


def scope(*instances: NodeInstance, **more: Any) -> MemoryScope:
    secrets = {"key": "s3cret", "doc": json.dumps({"a": [1, {"b": 2}]}), "bad": "{not json s3cret"}

    def secret(key: str) -> str:
        if key not in secrets:
            raise NotFound(f"There is no secret `{key}`.")
        return secrets[key]

    there = instances or (
        instance("vm_1", "vm", runtime_properties={"ip": "1.2.3.4", "deep": {"l": [5, 6]}}),
        instance("web_1", "web", "vm_1", index=1),
    )
    return MemoryScope(
        NODES,
        there,
        inputs={"x": 1, "d": {"k": ["v"]}, "f": {"get_secret": "key"}},
        secret=secret,
        capability=lambda deployment, name: {"of": deployment, "name": name, "list": [1, 2]},
        group_capability=lambda group, name: {"d1": f"{name}1", "d2": f"{name}2"},
        environment_capability=lambda name: {"env": name},
        labels={"env": ["prod", "eu"]},
        system=SystemFacts("dep", "tenant", "bp", "me"),
        consumers=lambda what: 3 if what == "count" else ["c"],
        **more,
    )


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (5, 5),
        ({"a": [1]}, {"a": [1]}),
        ({"get_input": "x"}, 1),
        ({"get_input": ["d", "k", 0]}, "v"),
        ({"get_input": "f"}, "s3cret"),
        ({"get_property": ["vm", "tags", 1]}, "b"),
        ({"get_property": ["web", "me"]}, 80),
        ({"get_property": ["web", "url"]}, "http://1.2.3.4"),
        ({"get_attribute": ["vm", "ip"]}, "1.2.3.4"),
        ({"get_attribute": ["vm", "deep", "l", 1]}, 6),
        ({"get_attribute": ["vm", "deep", "l", 9]}, None),
        ({"get_attribute": ["vm", "tags", 0]}, "a"),
        ({"get_attribute": ["vm", "nothing"]}, None),
        ({"get_attribute": ["vm", "node_instance_id"]}, "vm_1"),
        ({"get_attribute": ["web", "node_instance_index"]}, 1),
        ({"get_attributes_list": ["vm", "ip"]}, ["1.2.3.4"]),
        ({"get_attributes_dict": ["vm", "ip", ["deep", "l"]]}, {"vm_1": {"ip": "1.2.3.4", "deep.l": [5, 6]}}),
        ({"get_secret": "key"}, "s3cret"),
        ({"get_secret": ["doc", "a", 1, "b"]}, 2),
        ({"get_capability": ["other", "cap", "list", 1]}, 2),
        ({"get_capability": [{"get_label": ["env", 0]}, "cap", "of"]}, "prod"),
        ({"get_group_capability": ["g", "c"]}, {"d1": "c1", "d2": "c2"}),
        (
            {"get_group_capability": ["g", ["c", "e"]]},
            {"d1": {"c": "c1", "e": "e1"}, "d2": {"c": "c2", "e": "e2"}},
        ),
        ({"get_environment_capability": "cap"}, {"env": "cap"}),
        ({"get_environment_capability": ["cap", "env"]}, "cap"),
        ({"get_label": "env"}, ["prod", "eu"]),
        ({"get_label": ["env", "1"]}, "eu"),
        ({"get_sys": ["deployment", "id"]}, "dep"),
        ({"get_sys": ["deployment", "name"]}, "dep"),
        ({"get_sys": ["tenant", "name"]}, "tenant"),
        ({"get_sys": ["deployment", "blueprint"]}, "bp"),
        ({"get_consumers": "count"}, 3),
        ({"concat": ["a", 1, None, True, {"get_input": "x"}]}, "a1NoneTrue1"),
        ({"merge": [{"a": 1}, {"get_input": "d"}]}, {"a": 1, "k": ["v"]}),
        ({"string_find": ["abc", "c"]}, 2),
        ({"string_replace": ["aaa", "a", "b", 1]}, "baa"),
        ({"string_split": ["a-b", "-"]}, ["a", "b"]),
        ({"string_split": ["a-b", "-", 0]}, "a"),
        ({"string_lower": "AB"}, "ab"),
        ({"string_upper": {"concat": ["a", "b"]}}, "AB"),
        ({"get_input": "x", "type": "integer"}, 1),
        ([{"b": {"get_input": "x"}}], [{"b": 1}]),
    ],
)
def test_values(value: Any, result: Any) -> None:
    assert planning.evaluate(value, scope()) == result


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"get_input": "y"}, "there is no input `y`; the inputs are `x`"),
        ({"get_property": ["vm", "color"]}, "has no `color`"),
        ({"get_property": ["db", "x"]}, "no node `db`"),
        ({"get_property": ["SELF", "x"]}, "SELF means nothing here"),
        ({"get_attribute": ["db", "x"]}, "no node `db`"),
        ({"get_attribute": ["SELF", "x"]}, "SELF means nothing here"),
        ({"get_attribute": ["vm", "tags", "x"]}, "not an index"),
        ({"get_secret": "nope"}, "no secret `nope`"),
        ({"get_secret": ["doc", "zz"]}, "no `zz` inside"),
        ({"get_label": "nope"}, "no label `nope`"),
        ({"get_label": ["env", 7]}, "no item 7"),
        ({"get_sys": ["deployment", {"concat": ["co", "lor"]}]}, "should be"),
        ({"get_capability": ["o", "c", "list", 9]}, "no item 9"),
        ({"string_lower": {"get_input": "x"}}, "should be a string"),
        ({"string_split": ["a", ""]}, "separator is empty"),
        ({"get_input": "d", "type": "integer"}, "not of type `integer`"),
    ],
)
def test_errors_say_which_function_and_where(value: Any, words: str) -> None:
    with pytest.raises(EvaluationError) as refusal:
        planning.evaluate({"a": [value]}, scope(), path="outputs.o")
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"`{next(iter(value))}` at outputs.o.a[0]")


def test_a_secret_is_not_quoted_in_an_error() -> None:
    with pytest.raises(EvaluationError) as refusal:
        planning.evaluate({"get_secret": ["bad", "a"]}, scope())
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_nothing_is_changed_in_place() -> None:
    value = {"a": [{"get_input": "x"}, {"plain": [1]}]}
    before = json.dumps(value)
    result = planning.evaluate(value, scope())
    assert json.dumps(value) == before
    assert result["a"][1] is value["a"][1]
    plain = {"no": ["functions"]}
    assert planning.evaluate(plain, scope()) is plain


def test_a_circle_of_functions_ends() -> None:
    circle = MemoryScope([], [], inputs={"a": {"get_input": "b"}, "b": [{"get_input": "a"}]})
    with pytest.raises(EvaluationError, match="circle"):
        planning.evaluate({"get_input": "a"}, circle)


def test_functions_that_nest_each_other_deeply_end() -> None:
    inputs: dict[str, Any] = {"i0": 1}
    for k in range(40):
        nested: Any = {"get_input": f"i{k}"}
        for _ in range(80):
            nested = [nested]
        inputs[f"i{k + 1}"] = nested
    with pytest.raises(EvaluationError, match="nested deeper"):
        planning.evaluate({"get_input": "i40"}, MemoryScope([], [], inputs=inputs))


@pytest.mark.parametrize("name", ["concat", "list"])
def test_functions_that_double_each_other_end(name: str) -> None:
    """Twenty-four properties, each twice the one before, are sixteen million times the first."""
    twice = [{"get_property": ["n", "p{}"]}] * 2
    value = json.dumps(twice if name == "list" else {"concat": twice})
    properties = {"p0": "x" * 100} | {f"p{k + 1}": json.loads(value.replace("{}", str(k))) for k in range(24)}
    types = {name: {"default": None} for name in properties}
    node = {"type": "doubling", "properties": properties}
    node_types = json.dumps({"doubling": {"properties": types}})
    with pytest.raises(EvaluationError, match="limit of"):
        plans.deployed(f"node_types: {node_types}\nnode_templates: {json.dumps({'n': node})}\n")


def test_self_source_and_target() -> None:
    there = (
        instance("vm_1", "vm", runtime_properties={"ip": "1"}),
        instance("vm_2", "vm", runtime_properties={"ip": "2"}, index=2),
        instance("web_1", "web", "vm_1"),
        instance("web_2", "web", "vm_2", runtime_properties={"port": 81}, index=2),
    )
    own = scope(*there, self_id="web_2")
    assert planning.evaluate({"get_attribute": ["SELF", "port"]}, own) == 81
    assert planning.evaluate({"get_property": ["SELF", "port"]}, own) == 80
    # Of the two instances of `vm`, the one to which this instance is related is meant.
    assert planning.evaluate({"get_attribute": ["vm", "ip"]}, own) == "2"
    between = scope(*there, source_id="web_1", target_id="vm_2")
    assert planning.evaluate({"get_attribute": ["TARGET", "ip"]}, between) == "2"
    assert planning.evaluate({"get_attribute": ["SOURCE", "port"]}, between) == 80
    assert planning.evaluate({"get_property": ["TARGET", "tags", 0]}, between) == "a"
    with pytest.raises(EvaluationError, match="2 instances"):
        planning.evaluate({"get_attribute": ["vm", "ip"]}, scope(*there))


def test_an_instance_of_the_same_scaling_group_is_meant() -> None:
    there = [
        instance(
            f"{node}_{n}", node, scaling_groups=[{"name": "g", "id": f"g_{n}"}], runtime_properties={"n": n}
        )
        for node in ("vm", "web")
        for n in (1, 2)
    ]
    assert planning.evaluate({"get_attribute": ["vm", "n"]}, scope(*there, self_id="web_2")) == 2
    assert (
        planning.evaluate({"get_attribute": ["vm", "n"]}, scope(*there, source_id="web_1", target_id="web_2"))
        == 1
    )


def test_inputs_of_an_operation() -> None:
    assert planning.evaluate_inputs({"a": {"get_input": "x"}, "concat": "literal"}, scope()) == {
        "a": 1,
        "concat": "literal",
    }
    assert planning.evaluate_inputs({"merge": [{"a": 1}, {"get_input": "d"}]}, scope()) == {
        "a": 1,
        "k": ["v"],
    }


def test_outputs_show_what_can_be_shown() -> None:
    outputs: dict[str, Any] = {
        "good": {"value": {"get_input": "x"}},
        "bad": {"value": {"get_attribute": ["db", "x"]}},
        "hidden": {"value": {"get_secret": "nope"}},
        "secret": {"value": {"get_secret": "key"}},
    }
    values = planning.evaluate_outputs(outputs, scope())
    assert values["good"] == 1
    assert values["bad"].startswith("<ERROR: `get_attribute` at outputs.bad")
    assert values["secret"] == "s3cret"
    assert "There is no secret `nope`" in values["hidden"]
    assert values["hidden"].startswith("<ERROR: `get_secret` at outputs.hidden")
    capabilities = planning.evaluate_capabilities(outputs, scope())
    assert capabilities["good"] == 1
    assert capabilities["hidden"].startswith("<ERROR: `get_secret` at capabilities.hidden")


def test_what_has_no_value_yet_waits() -> None:
    plan = plans.deployed(
        "inputs: {i: {default: 5}}\n"
        "node_templates:\n  n:\n    type: t\n"
        "    properties:\n      x: {concat: [{get_input: i}, {get_attribute: [n, a]}]}\n"
        "      y: {get_secret: {concat: [k, {get_input: i}]}}\n"
        "    interfaces: {i: {o: {inputs: {v: {string_upper: {get_attribute: [SELF, a]}}, "
        "w: {get_input: i}}}}}\n"
    )
    (node,) = plan.nodes
    assert node["properties"] == {
        "x": {"concat": [5, {"get_attribute": ["n", "a"]}]},
        "y": {"get_secret": "k5"},
    }
    operation = node["operations"]["i.o"]
    assert operation["inputs"] == {"v": {"string_upper": {"get_attribute": ["SELF", "a"]}}, "w": 5}
    assert operation["has_intrinsic_functions"] is True
    assert node["operations"]["o"] == operation


def test_everything_waits_on_request() -> None:
    text = (
        "inputs: {i: {default: 5}, n: {default: 2}}\n"
        "labels: {l: {values: [{concat: [a, {get_sys: [deployment, id]}]}]}}\n"
        "node_templates: {n: {type: t, properties: {x: {get_input: i}}, capabilities: "
        "{scalable: {properties: "
        "{default_instances: {get_input: n}}}}}}\n"
    )
    plan = plans.deployed(text, runtime_only_evaluation=True)
    assert plan.nodes[0]["properties"]["x"] == {"get_input": "i"}
    # These are needed at once.
    assert plan.nodes[0]["capabilities"]["scalable"]["properties"]["current_instances"] == 2
    assert plan.labels == {"l": ["adep"]}
    assert plans.deployed(text).nodes[0]["properties"]["x"] == 5


@pytest.mark.parametrize("value", ["x", -1, 2.5, True, 10**9])
def test_a_number_of_instances_that_is_none(value: Any) -> None:
    text = (
        "inputs: {n: {}}\nnode_templates: {n: {type: t, capabilities: {scalable: {properties: "
        "{default_instances: {get_input: n}}}}}}\n"
    )
    with pytest.raises(EvaluationError, match="number of instances"):
        plans.deployed(text, {"n": value})


def test_facts_of_the_deployment() -> None:
    plan = plans.deployed(
        "description: hello\nresource_tags: {by: {get_sys: [deployment, id]}}\n"
        "deployment_settings: {display_name: {concat: [x, {get_sys: [tenant, name]}]}}\n"
        "node_templates: {n: {type: t, properties: {x: {get_sys: [deployment, id]}}}}\n"
    )
    assert plan.description == "hello"
    assert plan.resource_tags == {"by": "dep"}
    assert plan.settings == {"display_name": "xdefault_tenant"}
    assert plan.nodes[0]["properties"]["x"] == {"get_sys": ["deployment", "id"]}
