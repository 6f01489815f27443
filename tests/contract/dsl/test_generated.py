"""Random blueprints, mostly good ones, through our parser and through Cloudify's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from corpus import Case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import Reference
from test_corpus import comparable, ours

from cloudwright.errors import CloudwrightError

NAMES = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 2, "x", "y", "", 1.5])
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
FUNCTIONS = st.one_of(
    NAMES.map(lambda name: {"get_input": name}),
    st.tuples(NAMES, NAMES).map(lambda names: {"get_property": list(names)}),
    NAMES.map(lambda name: {"get_property": ["SELF", name]}),
    st.tuples(NAMES, NAMES).map(lambda names: {"get_attribute": list(names)}),
    st.lists(st.sampled_from(["x", 1, {"get_input": "a"}, {"get_secret": "s"}]), max_size=3).map(
        lambda items: {"concat": items}
    ),
    st.just({"get_secret": "k"}),
)
VALUES = st.one_of(PLAIN, PLAIN, FUNCTIONS)
TYPES = st.sampled_from([None, None, "string", "integer", "boolean", "list", "dict", "float", "d1", "d2"])


def optional(**entries: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=entries)


def without_none(entries: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key != "type" or value is not None}


PROPERTY = optional(default=VALUES, type=TYPES, required=st.booleans()).map(without_none)
PROPERTIES = st.dictionaries(NAMES, PROPERTY, max_size=3)
INPUTS = st.dictionaries(
    NAMES,
    optional(default=PLAIN, type=st.sampled_from([None, "string", "integer"])).map(without_none),
    max_size=2,
)
DECLARED = st.one_of(
    st.sampled_from(["p.x", "q.y", ""]),
    st.just({}),
    optional(
        implementation=st.sampled_from(["p.x", "q.y", ""]),
        inputs=INPUTS,
        max_retries=st.integers(-1, 2),
        executor=st.sampled_from(["central_deployment_agent", "host_agent"]),
    ),
)
OPERATION = st.one_of(
    st.sampled_from(["p.x", "q.y"]),
    st.just({}),
    optional(
        implementation=st.sampled_from(["p.x", "q.y"]),
        inputs=st.dictionaries(NAMES, VALUES, max_size=2),
        max_retries=st.integers(-1, 2),
    ),
)


def interfaces(operation: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(
        st.sampled_from(["i", "j"]), st.dictionaries(NAMES, operation, max_size=2), max_size=2
    )


NODE_TYPE = optional(
    derived_from=st.sampled_from(["t1", "t2", "cloudify.nodes.Compute"]),
    properties=PROPERTIES,
    interfaces=interfaces(DECLARED),
)
RELATIONSHIP = st.fixed_dictionaries(
    {"type": st.sampled_from(["dep", "con", "in", "own"]), "target": NAMES},
    optional={
        "properties": st.dictionaries(
            st.sampled_from(["a", "connection_type"]), st.just("all_to_all"), max_size=1
        ),
        "source_interfaces": interfaces(OPERATION),
    },
)
NODE = st.fixed_dictionaries(
    {"type": st.sampled_from(["t1", "t2", "t3", "cloudify.nodes.Compute"])},
    optional={
        "properties": st.dictionaries(NAMES, VALUES, max_size=2),
        "interfaces": interfaces(OPERATION),
        "relationships": st.lists(RELATIONSHIP, max_size=2, unique_by=lambda entry: entry["target"]),
        "capabilities": st.sampled_from([{}, {"scalable": {"properties": {"default_instances": 2}}}]),
    },
)
DEPENDS, CONTAINED = "cloudify.relationships.depends_on", "cloudify.relationships.contained_in"
BLUEPRINT = st.fixed_dictionaries(
    {
        "node_types": st.fixed_dictionaries({"t1": NODE_TYPE, "t2": NODE_TYPE, "t3": NODE_TYPE}),
        "node_templates": st.dictionaries(NAMES, NODE, max_size=4),
        "data_types": st.fixed_dictionaries(
            {
                "d1": optional(properties=PROPERTIES),
                "d2": optional(properties=PROPERTIES, derived_from=st.just("d1")),
            }
        ),
    },
    optional={
        "inputs": st.dictionaries(NAMES, optional(default=PLAIN, type=TYPES).map(without_none), max_size=2),
        "outputs": st.dictionaries(NAMES, st.fixed_dictionaries({"value": VALUES}), max_size=2),
        "groups": st.dictionaries(
            st.sampled_from(["g", "h"]),
            st.fixed_dictionaries({"members": st.lists(st.sampled_from("abcdg"), min_size=1, max_size=3)}),
            max_size=2,
        ),
        "policies": st.just(
            {
                "s": {
                    "type": "cloudify.policies.scaling",
                    "targets": ["g"],
                    "properties": {"default_instances": 2},
                }
            }
        ),
    },
)
FIXED: dict[str, Any] = {
    "tosca_definitions_version": "cloudify_dsl_1_3",
    "plugins": {
        "p": {"executor": "central_deployment_agent", "install": False},
        "q": {"executor": "host_agent", "source": "here"},
    },
    "relationships": {
        "dep": {"derived_from": DEPENDS},
        "con": {"derived_from": "cloudify.relationships.connected_to", "properties": {"a": {"default": 1}}},
        "in": {"derived_from": CONTAINED},
        "own": {"derived_from": "in", "source_interfaces": {"i": {"a": "p.x"}}},
        DEPENDS: {"properties": {"connection_type": {"default": "all_to_all"}}},
        "cloudify.relationships.connected_to": {"derived_from": DEPENDS},
        CONTAINED: {"derived_from": DEPENDS},
    },
}


#: What either parser says about the differences that ``docs/reference/dsl-differences.md`` lists.
MEANT_DIFFERENTLY = ("unresolved argument", "should not be a function", "is it a circle?")


@given(blueprint=BLUEPRINT)
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
    ],
)
def test_generated_blueprints(blueprint: dict[str, Any], reference: Reference, tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    node_types = {**blueprint["node_types"], "cloudify.nodes.Compute": {}}
    text = json.dumps({**FIXED, **blueprint, "node_types": node_types})
    path.write_text(text)
    theirs = reference.ask(path)
    refusal = ""
    try:
        mine = ours(Case(path.name, path.read_text(), "good"), path)
    except CloudwrightError as error:
        refusal = str(error)
    if refusal:
        said = f"{refusal} {theirs.get('refused', '')}"
        assert "refused" in theirs or any(words in said for words in MEANT_DIFFERENTLY), f"{text}\n{refusal}"
        return
    if any(words in theirs.get("refused", "") for words in MEANT_DIFFERENTLY):
        return
    assert "refused" not in theirs, f"{text}\n{theirs}"
    if comparable(mine) != comparable(theirs):
        pytest.fail(text)
