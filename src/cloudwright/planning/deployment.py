"""Prepares a new deployment: its inputs, and its nodes and everything else with what is known evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.dsl.functions.syntax import holds_functions
from cloudwright.dsl.gc_pause import gc_paused
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.plan import Plan
from cloudwright.planning.evaluation import EvaluationError, Evaluator, Here
from cloudwright.planning.facts import SystemFacts
from cloudwright.planning.functions import AT_CREATION, AT_PLAN_TIME, PlanSources
from cloudwright.planning.inputs import Lookup, resolve_inputs

#: How much may be evaluated for a deployment (see ``evaluation.MOST_WORK``): so much at least, and so much
#: per node.
_LEAST_WORK = 200_000
_WORK_OF_A_NODE = 200
_COUNTS = ("current_instances", "default_instances", "planned_instances", "min_instances", "max_instances")


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What a deployment is made of. Parts are shared with the plan and must not be changed in place.

    ``labels`` are lists of values by key; ``settings`` is the section ``deployment_settings``.
    """

    nodes: list[dict[str, Any]]
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    capabilities: dict[str, Any]
    workflows: dict[str, Any]
    groups: dict[str, Any]
    policies: dict[str, Any]
    policy_types: dict[str, Any]
    policy_triggers: dict[str, Any]
    scaling_groups: dict[str, Any]
    labels: dict[str, list[Any]]
    resource_tags: dict[str, Any]
    description: str | None
    settings: dict[str, Any]


def prepare_deployment(
    plan: Plan | Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    sys: SystemFacts | None = None,
    runtime_only_evaluation: bool = False,
    auto_correct_types: bool = False,
    lookup: Lookup | None = None,
    limits: Limits | None = None,
) -> DeploymentPlan:
    """A deployment of ``plan`` with these inputs. Raises BadInputs and EvaluationError.

    With ``runtime_only_evaluation`` every function waits for run time, so that a change of an input takes
    effect. ``lookup`` checks identifiers that inputs name (``planning.inputs``).
    """
    data = plan.to_json() if isinstance(plan, Plan) else plan
    values = resolve_inputs(
        data.get("inputs") or {},
        data.get("data_types") or {},
        inputs or {},
        auto_correct_types=auto_correct_types,
        lookup=lookup,
    )
    sources = PlanSources(values, {node["id"]: node for node in data["nodes"]}, sys)
    with gc_paused():
        preparation = _Preparation(sources, runtime_only_evaluation, limits or Limits())
        return DeploymentPlan(
            nodes=[preparation.node(node) for node in data["nodes"]],
            inputs=values,
            outputs=preparation.entries("outputs", data.get("outputs")),
            capabilities=preparation.entries("capabilities", data.get("capabilities")),
            workflows=data.get("workflows") or {},
            groups=data.get("groups") or {},
            policies=preparation.scaled("policies", data.get("policies")),
            policy_types=data.get("policy_types") or {},
            policy_triggers=data.get("policy_triggers") or {},
            scaling_groups=preparation.scaled("scaling_groups", data.get("scaling_groups")),
            labels={
                key: preparation.now(label["values"], "labels", key)
                for key, label in (data.get("labels") or {}).items()
            },
            resource_tags=preparation.now(data.get("resource_tags") or {}, "resource_tags"),
            description=data.get("description"),
            settings=preparation.now(data.get("deployment_settings") or {}, "deployment_settings"),
        )


class _Preparation:
    def __init__(self, sources: PlanSources, runtime_only: bool, limits: Limits) -> None:
        most_work = _LEAST_WORK + _WORK_OF_A_NODE * len(sources.nodes)
        self._evaluator = Evaluator({} if runtime_only else AT_PLAN_TIME, sources, most_work)
        self._now = Evaluator(AT_CREATION, sources, most_work)
        self._runtime_only = runtime_only
        self._limits = limits
        #: Operations of a plan are shared by nodes; those without functions are found once.
        self._plain: set[int] = set()

    def now(self, value: Any, *path: str) -> Any:
        """What is needed at creation, and so is evaluated even if everything else waits for run time."""
        return self._now.value(value, Here(path=".".join(path)))

    def entries(self, section: str, entries: Mapping[str, Any] | None) -> dict[str, Any]:
        result = {}
        for name, entry in (entries or {}).items():
            value = self._evaluator.value(entry["value"], Here(path=f"{section}.{name}"))
            result[name] = entry if value is entry["value"] else {**entry, "value": value}
        return result

    def scaled(self, section: str, entries: Mapping[str, Any] | None) -> dict[str, Any]:
        result = {}
        for name, entry in (entries or {}).items():
            here = Here(path=f"{section}.{name}.properties")
            result[name] = {**entry, "properties": self._counts(entry["properties"], here)}
        return result

    def node(self, node: dict[str, Any]) -> dict[str, Any]:
        name = node["id"]
        here = Here(self_node=name, path=f"nodes.{name}")
        changed: dict[str, Any] = {}
        properties = self._evaluator.entries(node["properties"], here.at("properties"))
        if properties is not node["properties"]:
            changed["properties"] = properties
        scalable = node["capabilities"]["scalable"]["properties"]
        counts = self._counts(scalable, here.at("capabilities"))
        if counts is not scalable:
            changed["capabilities"] = {**node["capabilities"], "scalable": {"properties": counts}}
        operations = self._operations(node["operations"], here.at("operations"))
        if operations is not node["operations"]:
            changed["operations"] = operations
        relationships = self._relationships(node)
        if relationships is not None:
            changed["relationships"] = relationships
        return {**node, **changed} if changed else node

    def _relationships(self, node: dict[str, Any]) -> list[dict[str, Any]] | None:
        result = None
        for index, relationship in enumerate(node["relationships"]):
            here = Here(
                source_node=node["id"],
                target_node=relationship["target_id"],
                path=f"nodes.{node['id']}.relationships[{index}]",
            )
            changed = {}
            for side in ("source_operations", "target_operations"):
                operations = self._operations(relationship[side], here.at(side))
                if operations is not relationship[side]:
                    changed[side] = operations
            if changed:
                if result is None:
                    result = list(node["relationships"])
                result[index] = {**relationship, **changed}
        return result

    def _operations(self, operations: dict[str, Any], here: Here) -> dict[str, Any]:
        if id(operations) in self._plain:
            return operations
        done: dict[int, dict[str, Any]] = {}
        found = False
        for name, operation in operations.items():
            if not operation["inputs"] or id(operation) in self._plain:
                continue
            if not holds_functions(operation["inputs"]):
                self._plain.add(id(operation))
                continue
            found = True
            if id(operation) not in done:
                done[id(operation)] = self._operation(operation, here.at(name))
        if not found:
            self._plain.add(id(operations))
            return operations
        return {name: done.get(id(operation), operation) for name, operation in operations.items()}

    def _operation(self, operation: dict[str, Any], here: Here) -> dict[str, Any]:
        inputs = self._evaluator.inputs(operation["inputs"], here.at("inputs"))
        return {**operation, "inputs": inputs, "has_intrinsic_functions": holds_functions(inputs)}

    def _counts(self, properties: dict[str, Any], here: Here) -> dict[str, Any]:
        """Numbers of instances have to be known now, whatever else may wait."""
        if all(isinstance(value, int) for value in properties.values()):
            return properties
        evaluated = self._now.entries(properties, here)
        return {name: self._count(name, value, here) for name, value in evaluated.items()}

    def _count(self, name: str, value: Any, here: Here) -> Any:
        if name not in _COUNTS:
            return value
        if isinstance(value, str) and value.strip().lstrip("-").isdigit():
            value = int(value)
        least = -1 if name == "max_instances" else 0
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or not least <= value <= self._limits.instances
        ):
            raise EvaluationError(
                f"`{name}` at {here.path} is {value!r}, and has to be a number of instances: "
                f"{least} to {self._limits.instances}."
            )
        return value
