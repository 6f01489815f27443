"""Attributes of node instances, and which instance of a node is meant if there are several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cloudwright.dsl.functions.syntax import is_function
from cloudwright.dsl.node_types import CONTAINED_IN
from cloudwright.model.topology import NodeInstance
from cloudwright.planning.evaluation import Evaluator, Here, Later, error
from cloudwright.planning.scope import Scope


def attribute(
    instance: NodeInstance, steps: list[Any], function: str, here: Here, evaluator: Evaluator
) -> Any:
    """Return a runtime property of the instance, or else a property of its node, or else None."""
    value = _lookup(instance.runtime_properties, steps, function, here, evaluator)
    if value is not None:
        return value
    if steps == ["node_instance_id"]:
        return instance.id
    if steps == ["node_instance_index"]:
        return instance.index
    properties = evaluator.sources.node(instance.node_id)["properties"]
    return _lookup(properties, steps, function, here, evaluator)


def _lookup(value: Any, steps: list[Any], function: str, here: Here, evaluator: Evaluator) -> Any:
    for step in steps:
        if is_function(value):
            value = evaluator.value(value, here)
            if is_function(value):
                raise Later
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list):
            if not isinstance(step, int) or isinstance(step, bool):
                raise error(function, here, f"`{step}` is not an index, but the value is a list")
            value = value[step] if -len(value) <= step < len(value) else None
        else:
            return None
        if value is None:
            return None
    return value


def instance_for(node: str, function: str, here: Here, scope: Scope) -> NodeInstance:
    """Return the one instance of ``node`` that is meant where the function stands. Raises EvaluationError if
    that is not clear: several exist, none is the only one that this instance has a relationship to, and none
    is the only one that shares a scaling group with it.
    """
    instances = scope.instances_of(node)
    if not instances:
        raise error(function, here, f"the node `{node}` has no instances")
    if len(instances) == 1:
        return instances[0]
    own = [
        scope.instance(own_id)
        for own_id in (here.self_id, here.source_id, here.target_id)
        if own_id is not None
    ]
    found = _by_relationship(node, own, here, scope) or _by_group(list(instances), own, scope)
    if found is None:
        raise error(
            function,
            here,
            f"the node `{node}` has {len(instances)} instances, so it is not clear which one is meant",
        )
    return found


def _by_relationship(node: str, own: list[NodeInstance], here: Here, scope: Scope) -> NodeInstance | None:
    if here.self_id is None:
        return None
    targets = {entry["target_id"] for entry in own[0].relationships if entry["target_name"] == node}
    return scope.instance(targets.pop()) if len(targets) == 1 else None


def _by_group(instances: list[NodeInstance], own: list[NodeInstance], scope: Scope) -> NodeInstance | None:
    groups_of = {instance.id: dict(_groups(instance, scope)) for instance in instances}
    shared_by_first = groups_of[instances[0].id]
    for me in own:
        mine = list(_groups(me, scope))
        shared = next(((name, group) for name, group in mine if name in shared_by_first), None)
        if shared is None:
            continue
        name, group = shared
        together = [instance for instance in instances if groups_of[instance.id].get(name) == group]
        if len(together) == 1:
            return together[0]
    return None


def _groups(instance: NodeInstance, scope: Scope) -> Iterator[tuple[str, str]]:
    """Name and identifier of the scaling group instances that hold the instance, the innermost first."""
    current: NodeInstance | None = instance
    while current is not None:
        for group in current.scaling_groups:
            yield group["name"], group["id"]
        current = _container(current, scope)


def _container(instance: NodeInstance, scope: Scope) -> NodeInstance | None:
    for relationship in scope.node(instance.node_id).get("relationships") or ():
        if CONTAINED_IN in relationship["type_hierarchy"]:
            for entry in instance.relationships:
                if (
                    entry["target_name"] == relationship["target_id"]
                    and entry["type"] == relationship["type"]
                ):
                    found: NodeInstance = scope.instance(entry["target_id"])
                    return found
    return None
