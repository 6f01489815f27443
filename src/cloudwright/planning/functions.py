"""What each intrinsic function does.

``AT_PLAN_TIME`` has those that can be evaluated when a deployment is created; ``sources`` of the evaluator is
then a ``PlanSources``. ``AT_RUN_TIME`` has all of them, and ``sources`` is a ``Scope``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.dsl.functions.syntax import (
    FUNCTIONS,
    INSTANCE_KEYWORDS,
    SELF,
    SOURCE,
    attribute_paths,
    holds_functions,
    is_function,
)
from cloudwright.errors import NotFound
from cloudwright.model.topology import NodeInstance
from cloudwright.planning.attributes import attribute, instance_for
from cloudwright.planning.evaluation import Evaluator, Here, Implementation, Later, error, steps_into
from cloudwright.planning.facts import SystemFacts


@dataclass(frozen=True, slots=True)
class PlanSources:
    """What there is when a deployment is created. Without ``system`` nothing is said about it yet."""

    inputs: Mapping[str, Any]
    nodes: Mapping[str, Mapping[str, Any]]
    system: SystemFacts | None = None

    def node(self, name: str) -> Mapping[str, Any]:
        try:
            return self.nodes[name]
        except KeyError:
            raise NotFound(f"There is no node `{name}`.") from None


def _get_input(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    name, *steps = args if isinstance(args, list) else [args]
    inputs = evaluator.sources.inputs
    if name not in inputs:
        known = ", ".join(f"`{item}`" for item in inputs) or "none"
        raise error("get_input", here, f"there is no input `{name}`; the inputs are {known}")
    if not steps and inputs[name] in ({"get_input": name}, {"get_input": [name]}):
        # An input that is its own default stays the text that was written.
        raise Later
    return _follow(inputs[name], steps, "get_input", here, here, evaluator, f"the input `{name}`"), here


def _get_property(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    name, *steps = args
    node, instance = _node_of(name, "get_property", here)
    place = here.of_node(node, instance)
    properties = evaluator.sources.node(node)["properties"]
    return _follow(properties, steps, "get_property", here, place, evaluator, f"the node `{node}`"), place


def _node_of(name: str, function: str, here: Here) -> tuple[str, str | None]:
    """Return the node that a name or one of the keywords stands for, and its instance if that is known."""
    if name not in INSTANCE_KEYWORDS:
        return name, None
    node, instance = {SELF: (here.self_node, here.self_id), SOURCE: (here.source_node, here.source_id)}.get(
        name, (here.target_node, here.target_id)
    )
    if node is None:
        raise error(function, here, f"{name} means nothing here")
    return node, instance


def _follow(
    value: Any, steps: list[Any], function: str, here: Here, place: Here, evaluator: Evaluator, what: str
) -> Any:
    """As ``steps_into``, through functions that stand in the way."""
    for index, step in enumerate(steps):
        if is_function(value):
            value = evaluator.value(value, place)
            if is_function(value):
                raise Later
        trail = "".join(f".{done}" for done in steps[:index])
        value = steps_into(value, [step], function, here, what + trail)
    return value


# Functions that make something larger than their arguments compute its size first: to make it and look then
# would take the memory and the time that the limits are there to keep.


def _concat(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    size = 0
    for item in args:
        size += _text_size(item)
        evaluator.check_text(size, here)
    return "".join(str(item) for item in args), here


def _text_size(value: Any) -> int:
    """Return how long ``str(value)`` is at most."""
    if isinstance(value, str):
        return len(value)
    size = 0
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            # In a list or mapping a character may be written as ``\\U0001f600``.
            plain = item.isprintable() and "\\" not in item and "'" not in item
            size += 2 + len(item) * (1 if plain else 10)
        elif isinstance(item, dict):
            size += 2 + 4 * len(item)
            pending += [*item, *item.values()]
        elif isinstance(item, list):
            size += 2 + 2 * len(item)
            pending += item
        else:
            size += len(str(item))
    return size


def _merge(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    evaluator.check_items(sum(map(len, args)), here)
    merged: dict[Any, Any] = {}
    for item in args:
        merged.update(item)
    return merged, here


def _string_find(args: Any, here: Here, _: Evaluator) -> tuple[Any, Here]:
    return args[0].find(args[1]), here


def _string_replace(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    text, old, new, *count = args
    most = next((item for item in count if item is not None), -1)
    times = text.count(old)
    if most >= 0:
        times = min(times, most)
    evaluator.check_text(len(text) + times * (len(new) - len(old)), here)
    return text.replace(old, new, most), here


def _string_split(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    text, separator, *index = args
    if not separator:
        raise error("string_split", here, "the separator is empty")
    evaluator.check_items(text.count(separator) + 1, here)
    parts = text.split(separator)
    if not index or index[0] is None:
        return parts, here
    return steps_into(parts, index, "string_split", here, "what was split"), here


def _string_lower(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    _check_case(args, here, evaluator)
    return args.lower(), here


def _string_upper(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    _check_case(args, here, evaluator)
    return args.upper(), here


def _check_case(text: str, here: Here, evaluator: Evaluator) -> None:
    # Beyond ASCII one letter may become three.
    evaluator.check_text(len(text) * (1 if text.isascii() else 3), here)


def _get_attribute(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    name, *steps = args
    instance = _instance_of(name, "get_attribute", here, evaluator)
    place = here.of_node(instance.node_id, instance.id)
    return attribute(instance, steps, "get_attribute", place, evaluator), place


def _instance_of(name: str, function: str, here: Here, evaluator: Evaluator) -> NodeInstance:
    if name in INSTANCE_KEYWORDS:
        node, instance_id = _node_of(name, function, here)
        if instance_id is not None:
            found: NodeInstance = evaluator.sources.instance(instance_id)
            return found
        name = node
    return instance_for(name, function, here, evaluator.sources)


def _instances_of(name: str, function: str, here: Here, evaluator: Evaluator) -> list[NodeInstance]:
    node, _ = _node_of(name, function, here)
    return list(evaluator.sources.instances_of(node))


def _get_attributes_list(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    name, *steps = args
    values = []
    for instance in _instances_of(name, "get_attributes_list", here, evaluator):
        place = here.of_node(instance.node_id, instance.id)
        found = attribute(instance, steps, "get_attributes_list", place, evaluator)
        values.append(evaluator.value(found, place))
    return values, here


def _get_attributes_dict(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    result = {}
    for instance in _instances_of(args[0], "get_attributes_dict", here, evaluator):
        place = here.of_node(instance.node_id, instance.id)
        result[instance.id] = {
            ".".join(str(step) for step in steps): evaluator.value(
                attribute(instance, steps, "get_attributes_dict", place, evaluator), place
            )
            for steps in attribute_paths(args)
        }
    return result, here


def _get_secret(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    if not isinstance(args, list):
        return evaluator.sources.secret(args), here
    key, *steps = args
    secret = evaluator.sources.secret(key)
    try:
        value = json.loads(secret)
    except ValueError:
        # Not `from`: the message of the parser quotes the secret.
        raise error(
            "get_secret", here, f"the secret `{key}` is not JSON, so it has no keys to read"
        ) from None
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise error("get_secret", here, f"the secret `{key}` has no `{step}` inside") from None
    return value, here


def _get_capability(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    deployment, name, *steps = args
    value = evaluator.sources.capability(deployment, name)
    return steps_into(
        value, steps, "get_capability", here, f"the capability `{name}` of `{deployment}`"
    ), here


def _get_group_capability(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    group, names, *steps = args
    function = "get_group_capability"

    def of(name: str) -> dict[str, Any]:
        return {
            deployment: steps_into(value, steps, function, here, f"the capability `{name}` of `{deployment}`")
            for deployment, value in evaluator.sources.group_capability(group, name).items()
        }

    if not isinstance(names, list):
        return of(names), here
    by_deployment: dict[str, dict[str, Any]] = {}
    for name in names:
        for deployment, value in of(name).items():
            by_deployment.setdefault(deployment, {})[name] = value
    return by_deployment, here


def _get_environment_capability(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    name, *steps = args if isinstance(args, list) else [args]
    value = evaluator.sources.environment_capability(name)
    what = f"the capability `{name}` of the environment"
    return steps_into(value, steps, "get_environment_capability", here, what), here


def _get_label(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    if not isinstance(args, list):
        return list(evaluator.sources.labels(args)), here
    key, index = args
    values = list(evaluator.sources.labels(key))
    return steps_into(values, [int(index)], "get_label", here, f"the label `{key}`"), here


def _get_sys(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    return evaluator.sources.sys(args[0], args[1]), here


def _get_consumers(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    return evaluator.sources.consumers(args), here


def _known_sys(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
    system = evaluator.sources.system
    fact = system.get(args[0], args[1]) if system is not None else None
    if fact is None:
        raise Later
    return fact, here


AT_RUN_TIME: Mapping[str, Implementation] = {
    "get_input": _get_input,
    "get_property": _get_property,
    "get_attribute": _get_attribute,
    "get_attributes_list": _get_attributes_list,
    "get_attributes_dict": _get_attributes_dict,
    "get_secret": _get_secret,
    "get_capability": _get_capability,
    "get_group_capability": _get_group_capability,
    "get_environment_capability": _get_environment_capability,
    "get_label": _get_label,
    "get_sys": _get_sys,
    "get_consumers": _get_consumers,
    "concat": _concat,
    "merge": _merge,
    "string_find": _string_find,
    "string_replace": _string_replace,
    "string_split": _string_split,
    "string_lower": _string_lower,
    "string_upper": _string_upper,
}


def _once_known(implementation: Implementation) -> Implementation:
    """Waits for run time if an argument does."""

    def run(args: Any, here: Here, evaluator: Evaluator) -> tuple[Any, Here]:
        if holds_functions(args):
            raise Later
        return implementation(args, here, evaluator)

    return run


AT_PLAN_TIME: Mapping[str, Implementation] = {
    name: _once_known(implementation)
    for name, implementation in AT_RUN_TIME.items()
    if FUNCTIONS[name].at_plan_time
}

#: For what is needed as soon as the deployment is created, such as its labels.
AT_CREATION: Mapping[str, Implementation] = {**AT_PLAN_TIME, "get_sys": _once_known(_known_sys)}
