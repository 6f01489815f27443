"""Node instances of new deployments, and how scaling and updates change them."""

from __future__ import annotations

from typing import Any

import plans
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudwright import planning
from cloudwright.errors import InvalidInput
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import Scaling, compare, reshape, scale

IN_HOST = "{type: cloudify.relationships.contained_in, target: host}"
HOSTS = f"""\
node_templates:
  host: {{type: cloudify.nodes.Compute, instances: {{deploy: 2}}}}
  app: {{type: t, instances: {{deploy: 2}}, relationships: [{IN_HOST}]}}
  db: {{type: t}}
  web: {{type: t, relationships: [{{type: cloudify.relationships.connected_to, target: db}}, {IN_HOST}]}}
"""
GROUP = """\
node_templates:
  a: {type: t}
  b: {type: t, relationships: [{type: cloudify.relationships.connected_to, target: a}]}
  c: {type: t, relationships: [{type: cloudify.relationships.connected_to, target: b}]}
groups: {g: {members: [a, b]}}
policies: {p: {type: cloudify.policies.scaling, targets: [g], properties: {default_instances: 2}}}
"""


def by_node(instances: list[NodeInstance]) -> dict[str, list[NodeInstance]]:
    result: dict[str, list[NodeInstance]] = {}
    for instance in instances:
        result.setdefault(instance.node_id, []).append(instance)
    return result


def targets(instance: NodeInstance) -> list[str]:
    return [entry["target_id"] for entry in instance.relationships]


def test_instances_are_made_along_containment() -> None:
    made = plans.instances_of(plans.deployed(HOSTS))
    nodes = by_node(made)
    assert {name: len(found) for name, found in nodes.items()} == {"host": 2, "app": 4, "db": 1, "web": 2}
    hosts = [host.id for host in nodes["host"]]
    assert [targets(app) for app in nodes["app"]] == [[hosts[0]], [hosts[0]], [hosts[1]], [hosts[1]]]
    assert [app.host_id for app in nodes["app"]] == [hosts[0], hosts[0], hosts[1], hosts[1]]
    assert [app.index for app in nodes["app"]] == [1, 2, 3, 4]
    assert [host.host_id for host in nodes["host"]] == hosts
    assert targets(nodes["web"][1]) == [nodes["db"][0].id, hosts[1]]
    assert nodes["db"][0].host_id is None
    assert made.index(nodes["host"][0]) < made.index(nodes["app"][0])


def test_identifiers_are_unique() -> None:
    plan = plans.deployed("node_templates: {n: {type: t, instances: {deploy: 3}}}\n")
    answers = iter(["n_a", "n_a", "n_taken", "n_b", "n_b", "n_c"])
    made = planning.create_instances(
        plan.nodes, {}, deployment_id="d", new_id=lambda name: next(answers), existing=["n_taken"]
    )
    assert [instance.id for instance in made] == ["n_a", "n_b", "n_c"]
    with pytest.raises(InvalidInput, match="No identifier is free"):
        planning.create_instances(plan.nodes, {}, deployment_id="d", new_id=lambda name: "n_x")


def test_the_first_target_of_all_to_one_is_the_same_for_all() -> None:
    plan = plans.deployed(
        "node_templates:\n  m: {type: t, instances: {deploy: 3}}\n"
        "  n: {type: t, instances: {deploy: 2}, relationships: [{type: cloudify.relationships.connected_to, "
        "target: m, properties: {connection_type: all_to_one}}]}\n"
    )
    nodes = by_node(plans.instances_of(plan))
    assert [targets(n) for n in nodes["n"]] == [[nodes["m"][0].id]] * 2


def test_every_relationship_to_one_target_is_kept_in_order() -> None:
    plan = plans.deployed(
        "node_templates:\n  m: {type: cloudify.nodes.Compute}\n  n: {type: t, relationships: "
        "[{type: cloudify.relationships.contained_in, target: m}, "
        "{type: cloudify.relationships.connected_to, target: m}]}\n"
    )
    (n,) = by_node(plans.instances_of(plan))["n"]
    assert [entry["type"].rpartition(".")[2] for entry in n.relationships] == ["contained_in", "connected_to"]
    assert n.host_id == targets(n)[0]


def test_a_scaling_group_connects_within_its_instances() -> None:
    nodes = by_node(plans.instances_of(plans.deployed(GROUP)))
    assert [len(nodes[name]) for name in "abc"] == [2, 2, 1]
    for a, b in zip(nodes["a"], nodes["b"], strict=True):
        assert targets(b) == [a.id]
        assert a.scaling_groups == b.scaling_groups
        assert a.scaling_groups[0]["name"] == "g"
    assert targets(nodes["c"][0]) == [b.id for b in nodes["b"]]


def test_too_many_instances_are_refused_before_they_are_made() -> None:
    chain = "node_templates:\n  n0: {type: t, instances: {deploy: 1000}}\n" + "".join(
        f"  n{k}: {{type: t, instances: {{deploy: 1000}}, relationships: "
        f"[{{type: cloudify.relationships.contained_in, target: n{k - 1}}}]}}\n"
        for k in range(1, 5)
    )
    # Making them all would take longer than a test may.
    with pytest.raises(InvalidInput, match="more than 1000000 node instances"):
        plans.instances_of(plans.deployed(chain))


def apply(instances: list[NodeInstance], change: planning.Modification) -> list[NodeInstance]:
    gone = {instance.id for instance in change.removed}
    kept = [instance for instance in instances if instance.id not in gone]
    for instance in kept:
        instance.relationships = change.relationships.get(instance.id, instance.relationships)
    return [*kept, *change.added]


def scaled(text: str, changes: dict[str, Scaling]) -> tuple[list[NodeInstance], planning.Modification]:
    plan = plans.deployed(text)
    before = plans.instances_of(plan)
    return before, scale(
        plan.nodes, plan.scaling_groups, before, changes, deployment_id="dep", new_id=plans.numbered()
    )


def test_scaling_out_adds_what_is_contained() -> None:
    before, change = scaled(HOSTS, {"host": Scaling(3)})
    assert {name: len(found) for name, found in by_node(change.added).items()} == {
        "host": 1,
        "app": 2,
        "web": 1,
    }
    host = by_node(change.added)["host"][0]
    assert host.index == 3
    assert {app.host_id for app in by_node(change.added)["app"]} == {host.id}
    assert not change.removed
    assert not change.extended
    assert len({instance.id for instance in [*before, *change.added]}) == len(before) + 4
    assert change.counts == {"host": 3}


def test_scaling_a_target_extends_its_sources() -> None:
    before, change = scaled(HOSTS, {"db": Scaling(2)})
    (db,) = change.added
    webs = by_node(before)["web"]
    assert change.extended == {
        web.id: [{"target_id": db.id, "target_name": "db", "type": "cloudify.relationships.connected_to"}]
        for web in webs
    }
    assert all(len(change.relationships[web.id]) == 3 for web in webs)


def test_scaling_in_removes_the_youngest_with_what_they_hold() -> None:
    before, change = scaled(HOSTS, {"host": Scaling(1)})
    nodes = by_node(before)
    assert {instance.id for instance in change.removed} == {
        nodes["host"][1].id, nodes["app"][2].id, nodes["app"][3].id, nodes["web"][1].id,
    }  # fmt: skip
    assert not change.added
    assert not change.reduced


def test_scaling_in_per_container() -> None:
    before, change = scaled(HOSTS, {"app": Scaling(1)})
    apps = by_node(before)["app"]
    assert {instance.id for instance in change.removed} == {apps[1].id, apps[3].id}


def test_scaling_in_reduces_sources() -> None:
    before, change = scaled(HOSTS, {"db": Scaling(0)})
    assert set(change.reduced) == {web.id for web in by_node(before)["web"]}


def test_what_to_remove_and_what_to_keep() -> None:
    text = "node_templates: {n: {type: t, instances: {deploy: 4}}}\n"
    before, change = scaled(
        text, {"n": Scaling(2, remove_first=frozenset({"n_000000"}), keep=frozenset({"n_000003"}))}
    )
    assert [instance.id for instance in change.removed] == ["n_000000", "n_000002"]
    _, change = scaled(text, {"n": Scaling(0, keep=frozenset(instance.id for instance in before))})
    assert len(change.removed) == 4


def test_why_just_these() -> None:
    before, change = scaled(HOSTS, {"host": Scaling(3)})
    host = by_node(change.added)["host"][0]
    assert {change.reasons[one.id] for one in by_node(change.added)["app"]} == {f"contained in {host.id}"}
    assert change.reasons[host.id] == "one more"
    first, second = by_node(before)["host"]
    for asked, gone, why in (
        (Scaling(1), second, "the newest"),
        (Scaling(1, doubtful={first.id: "its check failed"}), first, "its check failed"),
        (Scaling(1, remove_first=frozenset({first.id})), first, "asked for"),
        (
            Scaling(1, keep=frozenset({first.id, second.id})),
            second,
            "excluded, but no other is left",
        ),
    ):
        _, change = scaled(HOSTS, {"host": asked})
        assert change.reasons[gone.id] == why
        assert set(change.reasons) == {one.id for one in change.removed}
    before, change = scaled(GROUP, {"g": Scaling(1)})
    assert {change.reasons[one.id] for one in change.removed} == {"the newest"}


def test_scaling_a_group() -> None:
    before, change = scaled(GROUP, {"g": Scaling(3)})
    added = by_node(change.added)
    assert {name: len(found) for name, found in added.items()} == {"a": 1, "b": 1}
    assert targets(added["b"][0]) == [added["a"][0].id]
    assert added["a"][0].scaling_groups == added["b"][0].scaling_groups
    assert set(change.extended) == {by_node(before)["c"][0].id}


def test_scaling_a_group_in_by_a_member() -> None:
    plan = plans.deployed(GROUP)
    before = plans.instances_of(plan)
    first = by_node(before)["b"][0]
    change = scale(
        plan.nodes,
        plan.scaling_groups,
        before,
        {"g": Scaling(1, remove_first=frozenset({first.id}))},
        deployment_id="dep",
        new_id=plans.numbered(),
    )
    assert {instance.id for instance in change.removed} == {by_node(before)["a"][0].id, first.id}


@pytest.mark.parametrize(("name", "count"), [("nope", 1), ("db", -1)])
def test_scaling_that_cannot_be(name: str, count: int) -> None:
    with pytest.raises(InvalidInput, match=name):
        scaled(HOSTS, {name: Scaling(count)})


@given(st.lists(st.tuples(st.sampled_from(["host", "app", "db", "web"]), st.integers(0, 3)), max_size=5))
@settings(max_examples=60, deadline=None)
def test_scaled_step_by_step_is_like_made_at_once(steps: list[tuple[str, int]]) -> None:
    """Whatever the way, the numbers and the connections are those that a new deployment would have."""
    plan = plans.deployed(HOSTS)
    instances = plans.instances_of(plan)
    new_id = plans.numbered()
    nodes: list[dict[str, Any]] = plan.nodes
    for name, count in steps:
        change = scale(
            nodes,
            {},
            instances,
            {name: Scaling(count)},
            deployment_id="dep",
            new_id=lambda n: "s" + new_id(n),
        )
        instances = apply(instances, change)
        nodes = [_with_count(node, count) if node["id"] == name else node for node in nodes]
    fresh = planning.create_instances(nodes, {}, deployment_id="dep", new_id=plans.numbered())
    assert shape(instances) == shape(fresh)


def _with_count(node: dict[str, Any], count: int) -> dict[str, Any]:
    properties = {**node["capabilities"]["scalable"]["properties"], "current_instances": count}
    return {**node, "capabilities": {"scalable": {"properties": properties}}}


def shape(instances: list[NodeInstance]) -> list[tuple[str, int, int]]:
    held: dict[str, int] = {}
    for instance in instances:
        for target in targets(instance):
            held[target] = held.get(target, 0) + 1
    return sorted((i.node_id, len(i.relationships), held.get(i.id, 0)) for i in instances)


def test_an_update_keeps_what_stays() -> None:
    old = plans.deployed(HOSTS)
    before = plans.instances_of(old)
    new = plans.deployed(
        HOSTS.replace(
            "  db: {type: t}\n", "  db: {type: t, properties: {x: 2}}\n  cache: {type: t}\n"
        ).replace("  app: {type: t, instances: {deploy: 2}", "  app: {type: t, instances: {deploy: 1}")
        + "outputs: {o: {value: 1}}\n"
    )
    changes = {(change.action, change.entity) for change in compare(old, new)}
    assert changes == {
        ("add", "nodes:cache"),
        ("modify", "nodes:db:properties:x"),
        ("modify", "nodes:app:capabilities"),
        ("add", "outputs:o"),
    }
    modification = reshape(
        new.nodes, new.scaling_groups, before, before=old.nodes, deployment_id="dep", new_id=plans.numbered()
    )
    assert [instance.node_id for instance in modification.added] == ["cache"]
    assert [instance.node_id for instance in modification.removed] == ["app", "app"]
    assert not compare(old, old)


def test_an_update_that_moves_a_node_makes_it_anew() -> None:
    old = plans.deployed(HOSTS)
    before = plans.instances_of(old)
    new = plans.deployed(
        HOSTS.replace("{type: cloudify.relationships.contained_in, target: host}]}\n  db", "]}\n  db")
    )
    actions = {(change.action, change.kind) for change in compare(old, new)}
    assert ("remove", "relationship") in actions
    modification = reshape(
        new.nodes, new.scaling_groups, before, before=old.nodes, deployment_id="dep", new_id=plans.numbered()
    )
    assert [instance.node_id for instance in modification.removed] == ["app"] * 4
    assert [instance.node_id for instance in modification.added] == ["app"] * 2


def test_compare_sees_relationships_operations_and_order() -> None:
    text = (
        "node_templates:\n  m: {{type: t}}\n  k: {{type: t}}\n  n:\n    type: t\n"
        "    interfaces: {{i: {{o: {{inputs: {{v: {value}}}}}}}}}\n    relationships: [{order}]\n"
    )
    m, k = (f"{{type: cloudify.relationships.connected_to, target: {name}}}" for name in "mk")
    old = plans.deployed(text.format(value=1, order=f"{m}, {k}"))
    assert {c.entity for c in compare(old, plans.deployed(text.format(value=2, order=f"{m}, {k}")))} == {
        "nodes:n:operations:o",
        "nodes:n:operations:i.o",
    }
    assert [
        (c.action, c.entity) for c in compare(old, plans.deployed(text.format(value=1, order=f"{k}, {m}")))
    ] == [("modify", "nodes:n:relationships")]
    assert [(c.action, c.entity) for c in compare(old, plans.deployed(text.format(value=1, order=k)))] == [
        ("remove", "nodes:n:relationships:[0]")
    ]


def test_ten_thousand_instances_of_one_node() -> None:
    plan = plans.deployed("node_templates: {n: {type: t, instances: {deploy: 10000}}}\n")
    assert len(plans.instances_of(plan)) == 10_000
