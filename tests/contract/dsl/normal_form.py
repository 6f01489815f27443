"""Plans and instances in a form in which two parsers' can be compared: without order, names and defaults of
nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_OPERATION = (
    "plugin",
    "operation",
    "executor",
    "inputs",
    "max_retries",
    "retry_interval",
    "timeout",
    "timeout_recoverable",
)
_SECTIONS = (
    "inputs",
    "outputs",
    "capabilities",
    "workflows",
    "groups",
    "policies",
    "policy_types",
    "policy_triggers",
    "scaling_groups",
    "labels",
    "blueprint_labels",
    "resource_tags",
    "description",
    "metadata",
    "imported_blueprints",
    "namespaces_mapping",
)
#: ``initial_default`` is left over from parsing; ``error_message`` is dropped when defaults are checked.
_IGNORED = frozenset({"initial_default", "error_message"})
_PLUGIN_LISTS = (
    "deployment_plugins_to_install",
    "workflow_plugins_to_install",
    "host_agent_plugins_to_install",
)


def normal_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    result = {name: _bare(plan.get(name)) or None for name in _SECTIONS}
    for workflow in (result["workflows"] or {}).values():
        for parameter in workflow["parameters"].values():
            parameter.pop("description", None)
    for group in (result["groups"] or {}).values():
        group["members"] = sorted(group["members"])
    for group in (result["scaling_groups"] or {}).values():
        group["members"] = sorted(group["members"])
    result["version"] = plan["version"]["raw"]
    result["nodes"] = normal_nodes(plan["nodes"])
    result["data_types"] = {
        name: {prop: _bare(definition) for prop, definition in entry["properties"].items()}
        for name, entry in plan["data_types"].items()
    }
    result["relationship types"] = {
        name: (entry["type_hierarchy"], _bare(entry["properties"]))
        for name, entry in plan["relationships"].items()
    }
    for name in _PLUGIN_LISTS:
        result[name] = _plugins(plan[name], with_executor=False)
    return result


def normal_nodes(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {node["id"]: _node(node) for node in nodes}


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": node["type"],
        "type_hierarchy": node["type_hierarchy"],
        "host_id": node.get("host_id"),
        "properties": _bare(node["properties"]),
        "capabilities": node["capabilities"],
        "operations": _operations(node["operations"]),
        "plugins": _plugins(node["plugins"], with_executor=True),
        "plugins_to_install": _plugins(node.get("plugins_to_install") or [], with_executor=False),
        "deployment_plugins_to_install": _plugins(node["deployment_plugins_to_install"], with_executor=False),
        "relationships": [
            {
                "type": relationship["type"],
                "target_id": relationship["target_id"],
                "type_hierarchy": relationship["type_hierarchy"],
                "properties": _bare(relationship["properties"]),
                "source_operations": _operations(relationship["source_operations"]),
                "target_operations": _operations(relationship["target_operations"]),
            }
            for relationship in node["relationships"]
        ],
    }


def _operations(operations: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: _typeless(operation[key]) for key in _OPERATION} for name, operation in operations.items()
    }


def _typeless(value: Any) -> Any:
    """The reference adds the declared ``type`` to every input that is a mapping, whether it is a function or
    not.
    """
    if isinstance(value, dict):
        return {key: _typeless(item) for key, item in value.items() if key != "type"}
    if isinstance(value, list):
        return [_typeless(item) for item in value]
    return value


def _bare(value: Any) -> Any:
    """Without entries that are null, and without what the reference adds or loses."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if item is not None and key not in _IGNORED}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value


def _plugins(plugins: Iterable[Mapping[str, Any]], *, with_executor: bool) -> list[str]:
    found = []
    for plugin in plugins:
        entries = {key: item for key, item in plugin.items() if item not in (None, {})}
        if not with_executor:
            entries.pop("executor", None)
        found.append(json.dumps(entries, sort_keys=True))
    return sorted(set(found))


def normal_instances(instances: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many instances there are of each shape: what node, on what host, in which groups, connected to
    what.
    """
    listed = list(instances)
    nodes = {instance["id"]: instance["node_id"] for instance in listed}
    shapes: Counter[str] = Counter()
    for instance in listed:
        connected = Counter(
            (relationship["type"], nodes[relationship["target_id"]])
            for relationship in instance["relationships"]
        )
        shape = {
            "node": instance["node_id"],
            "host": nodes.get(instance.get("host_id") or ""),
            "groups": [group["name"] for group in instance.get("scaling_groups") or ()],
            "connected": sorted((*key, count) for key, count in connected.items()),
        }
        shapes[json.dumps(shape, sort_keys=True)] += 1
    return dict(shapes)
