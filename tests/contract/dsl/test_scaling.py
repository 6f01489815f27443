"""Scaling beside Cloudify's: the same instances are added and removed, up to their names."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from reference import Reference

from cloudwright import dsl, planning
from cloudwright.model.topology import NodeInstance

HEAD = """\
tosca_definitions_version: cloudify_dsl_1_3
node_types: {t: {}, cloudify.nodes.Compute: {}}
relationships:
  cloudify.relationships.depends_on: {properties: {connection_type: {default: all_to_all}}}
  cloudify.relationships.connected_to: {derived_from: cloudify.relationships.depends_on}
  cloudify.relationships.contained_in: {derived_from: cloudify.relationships.depends_on}
"""
IN, TO = (f"{{type: cloudify.relationships.{kind}, target: %s}}" for kind in ("contained_in", "connected_to"))
HOSTS = f"""{HEAD}node_templates:
  host: {{type: cloudify.nodes.Compute, instances: {{deploy: 2}}}}
  app: {{type: t, instances: {{deploy: 2}}, relationships: [{IN % "host"}, {TO % "db"}]}}
  db: {{type: t}}
  web: {{type: t, relationships: [{TO % "db"}, {TO % "app"}]}}
"""
GROUPS = f"""{HEAD}node_templates:
  host: {{type: cloudify.nodes.Compute}}
  app: {{type: t, relationships: [{IN % "host"}]}}
  a: {{type: t}}
  b: {{type: t, relationships: [{TO % "a"}]}}
  c: {{type: t, relationships: [{TO % "b"}]}}
groups: {{inner: {{members: [a, b]}}, outer: {{members: [inner, host]}}}}
policies:
  p: {{type: cloudify.policies.scaling, targets: [inner], properties: {{default_instances: 2}}}}
  q: {{type: cloudify.policies.scaling, targets: [outer], properties: {{default_instances: 2}}}}
"""
THREE = f"""{HEAD}node_templates:
  host: {{type: cloudify.nodes.Compute}}
  app: {{type: t, relationships: [{IN % "host"}]}}
  a: {{type: t}}
  b: {{type: t, relationships: [{TO % "a"}]}}
groups: {{inner: {{members: [a]}}, middle: {{members: [inner, b]}}, outer: {{members: [middle, host]}}}}
policies:
  p: {{type: cloudify.policies.scaling, targets: [inner, outer], properties: {{default_instances: 2}}}}
  q: {{type: cloudify.policies.scaling, targets: [middle], properties: {{default_instances: 1}}}}
"""
CASES = [
    *((HOSTS, name, count) for name in ("host", "app", "db", "web") for count in (0, 1, 2, 3, 5)),
    *((GROUPS, name, count) for name in ("inner", "outer", "host", "app", "c") for count in (0, 1, 3)),
    *((THREE, name, count) for name in ("inner", "middle", "outer", "host") for count in (0, 1, 3)),
]


def counted(instances: list[dict[str, Any]]) -> list[str]:
    """How many instances of each node, with how many relationships to each, in which groups."""
    shapes = []
    for instance in instances:
        targets = sorted(entry["target_name"] for entry in instance["relationships"])
        groups = [group["name"] for group in instance.get("scaling_groups") or ()]
        shapes.append(json.dumps([instance["node_id"], targets, groups]))
    return sorted(shapes)


def as_dict(instance: NodeInstance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "name": instance.node_id,
        "node_id": instance.node_id,
        "host_id": instance.host_id,
        "relationships": [dict(entry) for entry in instance.relationships],
        "scaling_groups": instance.scaling_groups,
    }


@pytest.mark.parametrize(("text", "name", "count"), CASES)
def test_what_is_added_and_removed(
    text: str, name: str, count: int, reference: Reference, tmp_path: Path
) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(text)
    numbers = itertools.count()
    plan = planning.prepare_deployment(dsl.parse_blueprint(path), {})
    before = planning.create_instances(
        plan.nodes, plan.scaling_groups, deployment_id="d", new_id=lambda node: f"{node}_{next(numbers):06}"
    )
    change = planning.scale(
        plan.nodes,
        plan.scaling_groups,
        before,
        {name: planning.Scaling(count)},
        deployment_id="d",
        new_id=lambda node: f"{node}_x{next(numbers):05}",
    )
    theirs = reference.ask(
        path,
        scale={"name": name, "instances": count},
        instances=[as_dict(instance) for instance in before],
    )
    assert "refused" not in theirs, theirs
    added = [instance for instance in theirs["added"] if instance.get("modification") == "added"]
    removed = [instance for instance in theirs["removed"] if instance.get("modification") == "removed"]
    assert counted([as_dict(instance) for instance in change.added]) == counted(added)
    assert counted([as_dict(instance) for instance in change.removed]) == counted(removed)
