"""Plans for the tests of planning, from short blueprints."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudwright import dsl, planning
from cloudwright.model.topology import NodeInstance

BASE = """\
tosca_definitions_version: cloudify_dsl_1_4
plugins: {p: {executor: central_deployment_agent, install: false}}
node_types:
  t:
    properties: {x: {default: 1}, y: {default: {a: [b, c]}}}
    interfaces: {i: {o: {implementation: p.x, inputs: {v: {default: null}}}}}
  cloudify.nodes.Compute: {properties: {ip: {default: ''}}}
relationships:
  cloudify.relationships.depends_on:
    properties: {connection_type: {default: all_to_all}}
    source_interfaces: {r: {e: {implementation: p.x, inputs: {v: {default: null}}}}}
  cloudify.relationships.connected_to: {derived_from: cloudify.relationships.depends_on}
  cloudify.relationships.contained_in: {derived_from: cloudify.relationships.depends_on}
"""


def plan_of(text: str) -> dsl.Plan:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blueprint.yaml"
        path.write_text(BASE + text)
        return dsl.parse_blueprint(path)


def deployed(text: str, inputs: dict[str, Any] | None = None, **options: Any) -> planning.DeploymentPlan:
    return planning.prepare_deployment(
        plan_of(text), inputs or {}, sys=planning.SystemFacts("dep"), **options
    )


def numbered() -> Callable[[str], str]:
    numbers = itertools.count()
    return lambda name: f"{name}_{next(numbers):06}"


def instances_of(plan: planning.DeploymentPlan) -> list[NodeInstance]:
    return planning.create_instances(plan.nodes, plan.scaling_groups, deployment_id="dep", new_id=numbered())
