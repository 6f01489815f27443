"""A deployment under another blueprint, beside Cloudify's: the same instances come and go, but for names."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from reference import Reference
from test_scaling import GROUPS, HOSTS, IN, TO, as_dict, counted

from cloudwright import dsl, planning

CASES = {
    "nothing": (HOSTS, HOSTS),
    "a property": (HOSTS, HOSTS.replace("t: {}", "t: {properties: {x: {default: 1}}}")),
    "a new node": (HOSTS, f"{HOSTS}  cache: {{type: t, instances: {{deploy: 3}}}}\n"),
    "a new node that is connected": (
        HOSTS,
        f"{HOSTS}  cache: {{type: t, relationships: [{TO % 'app'}]}}\n",
    ),
    "a new node in a host": (
        HOSTS,
        f"{HOSTS}  cache: {{type: t, relationships: [{IN % 'host'}]}}\n",
    ),
    "no more of a node": (HOSTS, "\n".join(line for line in HOSTS.split("\n") if "web:" not in line)),
    "another node in its place": (HOSTS, HOSTS.replace("  web:", "  net:")),
    "a group less": (GROUPS, GROUPS.replace("  c: {type: t, ", "  d: {type: t, ")),
    "a new node in a group": (
        GROUPS,
        GROUPS.replace("  c: {", "  e: {type: t}\n  c: {").replace("members: [a, b]", "members: [a, b, e]"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_comes_and_what_goes(name: str, reference: Reference, tmp_path: Path) -> None:
    plans, files = [], []
    for number, text in enumerate(CASES[name]):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        files.append(path)
        plans.append(planning.prepare_deployment(dsl.parse_blueprint(path), {}))
    old, new = plans
    numbers = itertools.count()
    before = planning.create_instances(
        old.nodes, old.scaling_groups, deployment_id="d", new_id=lambda node: f"{node}_{next(numbers):06}"
    )
    change = planning.reshape(
        new.nodes,
        new.scaling_groups,
        before,
        before=old.nodes,
        deployment_id="d",
        new_id=lambda node: f"{node}_x{next(numbers):05}",
    )
    theirs = reference.ask(
        files[0], update=str(files[1]), instances=[as_dict(instance) for instance in before]
    )
    assert "refused" not in theirs, theirs
    added = [instance for instance in theirs["added"] if instance.get("modification") == "added"]
    removed = [instance for instance in theirs["removed"] if instance.get("modification") == "removed"]
    assert counted([as_dict(instance) for instance in change.added]) == counted(added)
    assert counted([as_dict(instance) for instance in change.removed]) == counted(removed)
    steps = planning.compare(old, new)
    assert bool(steps) == (name != "nothing")
    assert {step.entity for step in steps if step.kind == "node" and step.action == "add"} == {
        f"nodes:{instance.node_id}" for instance in change.added
    }
