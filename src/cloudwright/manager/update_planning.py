"""What an update of a deployment changes: the plan that it gets, the steps there, and the instances."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

import orjson

from cloudwright.dsl import Plan
from cloudwright.errors import IllegalAction
from cloudwright.manager.blueprints import UPLOADED
from cloudwright.manager.default_schedules import default_schedules
from cloudwright.manager.identifiers import instance_suffix
from cloudwright.manager.instance_changes import instance_changes
from cloudwright.manager.labels import make_labels
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import (
    DeploymentPlan,
    Modification,
    SystemFacts,
    compare,
    prepare_deployment,
    reshape,
)
from cloudwright.planning.inputs import Lookup
from cloudwright.storage.records import Blueprint, Deployment

# Parts of a change that say what of a node does.
_OF_NODES = frozenset({"node", "property", "operation", "relationship"})
_COUNTS = ("current_instances", "planned_instances")


@dataclass(frozen=True, slots=True)
class Situation:
    """What an update begins with: the deployment, its nodes and instances, and both blueprints. ``old`` is
    None if its plan is not known any more. ``code`` names the files of the new one and of its plugins.
    """

    deployment: Deployment
    nodes: list[dict[str, Any]]
    instances: list[NodeInstance]
    old: Blueprint | None
    new: Blueprint
    last_update: str | None = None
    code: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """``changed`` says for each node that stays and changes what of it does."""

    target: dict[str, Any]
    before: dict[str, Any]
    steps: list[dict[str, Any]]
    changed: dict[str, list[str]]
    topology: dict[str, Any]
    inputs: dict[str, Any]
    digest: str


def plan_update(
    situation: Situation,
    inputs: Mapping[str, Any],
    *,
    by: str | None,
    now: datetime,
    runtime_only: bool,
    auto_correct: bool,
    lookup: Lookup | None,
    options: Mapping[str, Any],
) -> UpdatePlan:
    """Return what an update would do now. What it adds gets the same ids each time, until something changes.

    Raises IllegalAction, BadInputs, EvaluationError, InvalidInput."""
    deployment, new = situation.deployment, situation.new
    if new.state != UPLOADED or new.plan is None:
        raise IllegalAction(f"Blueprint `{new.id}` is `{new.state}`; update to one that is `{UPLOADED}`.")
    wanted = Plan.from_json(new.plan)
    declared = wanted.to_json().get("inputs") or {}
    given = {name: value for name, value in deployment.inputs.items() if name in declared} | dict(inputs)
    system = SystemFacts(
        deployment.id, deployment.tenant, new.id, deployment.created_by or "", deployment.display_name
    )
    plan = prepare_deployment(
        wanted,
        given,
        sys=system,
        runtime_only_evaluation=runtime_only,
        auto_correct_types=auto_correct,
        lookup=lookup,
    )
    plan = _with_counts(plan, situation)
    before = replace(_stored(situation), settings=_old_settings(situation))
    labels = _labels(situation, plan, by, now)
    columns = _columns(plan, new.id, labels, runtime_only)
    schedules = _schedules(situation, before, plan, now)
    digest = _digest(situation, columns, plan.nodes, options, schedules)
    numbers = count(1)
    change = reshape(
        plan.nodes,
        plan.scaling_groups,
        situation.instances,
        before=situation.nodes,
        deployment_id=deployment.id,
        new_id=lambda name: f"{name}_{instance_suffix(f'{digest}-{next(numbers)}')}",
    )
    steps = [asdict(step) for step in compare(before, replace(plan, labels={}))]
    kept = {node["id"] for node in situation.nodes} & {node["id"] for node in plan.nodes}
    changed: dict[str, list[str]] = {}
    for step in steps:
        parts = step["entity"].split(":")
        if step["kind"] in _OF_NODES and parts[0] == "nodes" and parts[1] in kept and len(parts) > 2:
            changed.setdefault(parts[1], []).append(":".join(parts[2:]))
    topology = _topology(change)
    topology["changes"] = [
        asdict(one)
        for one in instance_changes(
            situation.nodes, plan.nodes, situation.instances, change, changed, options
        )
    ]
    return UpdatePlan(
        target={"nodes": plan.nodes, "columns": columns, "schedules": schedules},
        before={"nodes": situation.nodes, "columns": _columns_of(deployment)},
        steps=steps,
        changed=changed,
        topology=topology,
        inputs=plan.inputs,
        digest=digest,
    )


def _stored(situation: Situation) -> DeploymentPlan:
    """Return what the deployment is, as a plan."""
    deployment = situation.deployment
    return DeploymentPlan(
        nodes=situation.nodes,
        inputs=deployment.inputs,
        outputs=deployment.outputs,
        capabilities=deployment.capabilities,
        workflows=deployment.workflows,
        groups=deployment.groups,
        policies=deployment.policies,
        policy_types={},
        policy_triggers={},
        scaling_groups=deployment.scaling_groups,
        labels={},
        resource_tags=deployment.resource_tags,
        description=deployment.description,
        settings={},
    )


def _old_settings(situation: Situation) -> dict[str, Any]:
    """Return the section ``deployment_settings`` of the blueprint that the deployment has."""
    old, deployment = situation.old, situation.deployment
    if old is None or not ((old.plan or {}).get("deployment_settings") or {}).get("default_schedules"):
        return {}
    system = SystemFacts(
        deployment.id, deployment.tenant, old.id, deployment.created_by or "", deployment.display_name
    )
    return prepare_deployment(Plan.from_json(old.plan or {}), deployment.inputs, sys=system).settings


def _schedules(
    situation: Situation, before: DeploymentPlan, plan: DeploymentPlan, now: datetime
) -> dict[str, Any]:
    """Return which schedules the deployment gets and loses: a blueprint's that differ are replaced.

    Raises InvalidInput if one cannot be.
    """
    old, new = (one.settings.get("default_schedules") or {} for one in (before, plan))
    create = {name: entry for name, entry in new.items() if old.get(name) != entry}
    default_schedules(
        {"default_schedules": create}, replace(situation.deployment, workflows=plan.workflows), now
    )
    return {"create": create, "delete": sorted(name for name, entry in old.items() if new.get(name) != entry)}


def _with_counts(plan: DeploymentPlan, situation: Situation) -> DeploymentPlan:
    """Keep the numbers of what was scaled, unless the blueprint begins with another number now."""
    there = {node["id"]: node["capabilities"]["scalable"]["properties"] for node in situation.nodes}
    nodes = []
    for node in plan.nodes:
        properties = node["capabilities"]["scalable"]["properties"]
        kept = _kept(there.get(node["id"]), properties)
        if kept != properties:
            scalable = {**node["capabilities"]["scalable"], "properties": kept}
            node = {**node, "capabilities": {**node["capabilities"], "scalable": scalable}}
        nodes.append(node)
    groups = {
        name: {
            **group,
            "properties": _kept(
                (situation.deployment.scaling_groups.get(name) or {}).get("properties"), group["properties"]
            ),
        }
        for name, group in plan.scaling_groups.items()
    }
    return replace(plan, nodes=nodes, scaling_groups=groups)


def _kept(there: Mapping[str, Any] | None, properties: dict[str, Any]) -> dict[str, Any]:
    if there is None or there.get("default_instances") != properties.get("default_instances"):
        return properties
    return {**properties, **{name: there[name] for name in _COUNTS if name in there}}


def _labels(
    situation: Situation, plan: DeploymentPlan, by: str | None, now: datetime
) -> list[dict[str, Any]]:
    """Replace the labels that the old blueprint gave by those that the new one gives."""
    old: dict[str, Any] = {}
    if situation.old is not None and situation.old.plan is not None:
        old = Plan.from_json(situation.old.plan).to_json().get("labels") or {}
    given = {(key, str(value)) for key, label in old.items() for value in label["values"]}
    wanted = [(key, str(value)) for key, values in plan.labels.items() for value in values]
    kept = [
        label
        for label in situation.deployment.labels
        if (label["key"], label["value"]) not in given - set(wanted)
    ]
    known = {(label["key"], label["value"]) for label in kept}
    return [*kept, *make_labels([pair for pair in wanted if pair not in known], by=by, now=now)]


def _columns(
    plan: DeploymentPlan, blueprint_id: str, labels: list[dict[str, Any]], runtime_only: bool
) -> dict[str, Any]:
    return {
        "blueprint_id": blueprint_id,
        "inputs": plan.inputs,
        "outputs": plan.outputs,
        "capabilities": plan.capabilities,
        "workflows": plan.workflows,
        "groups": plan.groups,
        "policies": plan.policies,
        "scaling_groups": plan.scaling_groups,
        "labels": labels,
        "resource_tags": plan.resource_tags,
        "description": plan.description,
        "runtime_only_evaluation": runtime_only,
    }


def _columns_of(deployment: Deployment) -> dict[str, Any]:
    names = (
        "blueprint_id inputs outputs capabilities workflows groups policies scaling_groups labels "
        "resource_tags description runtime_only_evaluation"
    )
    return {name: getattr(deployment, name) for name in names.split()}


def _topology(change: Modification) -> dict[str, Any]:
    return {
        "added": [asdict(one) for one in change.added],
        "removed": [one.id for one in change.removed],
        "relationships": dict(change.relationships),
        "extended": {id: [entry["target_id"] for entry in found] for id, found in change.extended.items()},
        "reduced": {id: [entry["target_id"] for entry in found] for id, found in change.reduced.items()},
    }


def _digest(
    situation: Situation,
    columns: Mapping[str, Any],
    nodes: list[dict[str, Any]],
    options: Mapping[str, Any],
    schedules: Mapping[str, Any],
) -> str:
    """Return a text that is another one if anything that the plan was made from is, and after each update."""
    deployment = situation.deployment
    wanted = {name: value for name, value in columns.items() if name != "labels"}
    states = sorted((one.id, one.state, one.relationships) for one in situation.instances)
    which = [deployment.tenant, deployment.id, deployment.created_at, situation.last_update, situation.new.id]
    made_from = [which, wanted, nodes, situation.nodes, states, options, list(situation.code), schedules]
    text = orjson.dumps(made_from, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()
