"""What nodes are to each other: circles of relationships, hosts, and the plugins that each has to have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudwright.dsl.hierarchy import ordered
from cloudwright.dsl.node_templates import SECTION, NodeTables
from cloudwright.dsl.node_types import CONTAINED_IN
from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.model.executors import CENTRAL, HOST_AGENT

Nodes = dict[str, dict[str, Any]]


def container_of(node: Mapping[str, Any]) -> str | None:
    """Return the node in which this one is contained."""
    for relationship in node["relationships"]:
        if CONTAINED_IN in relationship["type_hierarchy"]:
            return str(relationship["target_id"])
    return None


def check_circles(problems: ProblemCollector, nodes: Nodes) -> None:
    """Relationships that lead back to where they began can never be established."""

    def targets(name: str) -> Iterable[str]:
        node = nodes.get(name)
        return () if node is None else [relationship["target_id"] for relationship in node["relationships"]]

    _, cycles = ordered(nodes, targets)
    for cycle in cycles[:10]:
        chain = " -> ".join(f"`{name}`" for name in (*cycle[:20], cycle[0]))
        problems.add((SECTION, cycle[0]), f"Relationships lead in a circle: {chain}.", key=True)


def set_hosts(nodes: Nodes, hosts: set[str]) -> None:
    """Gives each node that is a host, or is contained in one at any depth, its ``host_id``."""
    known: dict[str, str | None] = {}
    for name in nodes:
        trail = []
        current: str | None = name
        while current is not None and current not in known and current in nodes and current not in hosts:
            trail.append(current)
            known[current] = None
            current = container_of(nodes[current])
        host = current if current in hosts else known.get(current) if current is not None else None
        for passed in trail:
            known[passed] = host
        if name in hosts:
            known[name] = name
        found = known.get(name)
        if found is not None:
            nodes[name]["host_id"] = found


class PluginSets:
    """Lists of plugins for nodes; nodes that need the same plugins share one list."""

    def __init__(self, problems: ProblemCollector, plugins: Mapping[str, dict[str, Any] | None]) -> None:
        self._problems = problems
        self._plugins = plugins
        self._lists: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = {}
        self._central: dict[int, list[dict[str, Any]]] = {}

    def assign(self, nodes: Nodes, tables: Mapping[str, NodeTables], hosts: set[str]) -> dict[str, Any]:
        """Set what each node needs, and return what the deployment and its hosts need altogether."""
        on_host: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in nodes if name in hosts}
        central: dict[str, dict[str, Any]] = {}
        for name, node in nodes.items():
            plugins = node["plugins"] = self._of(tables[name].plugins())
            host = node.get("host_id")
            for plugin in plugins:
                if plugin["executor"] == CENTRAL:
                    central[plugin["name"]] = plugin
                elif plugin["executor"] == HOST_AGENT and host is None:
                    self._problems.add(
                        (SECTION, name),
                        f"The plugin `{plugin['name']}` runs on a host (`{HOST_AGENT}`), and `{name}` is on"
                        " none.",
                        key=True,
                        expected=f"a relationship that contains it in a host, or the executor `{CENTRAL}`",
                    )
                elif plugin["executor"] == HOST_AGENT and host in on_host:
                    on_host[host][plugin["name"]] = plugin
            node["deployment_plugins_to_install"] = self._central_of(plugins)
        hosted: dict[str, dict[str, Any]] = {}
        for name, needed in on_host.items():
            nodes[name]["plugins_to_install"] = list(needed.values())
            hosted.update(needed)
        return {
            "deployment_plugins_to_install": list(central.values()),
            "host_agent_plugins_to_install": list(hosted.values()),
        }

    def _of(self, keys: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
        found = self._lists.get(keys)
        if found is None:
            found = self._lists[keys] = [
                {**plugin, "executor": executor}
                for name, executor in keys
                if (plugin := self._plugins.get(name)) is not None
            ]
        return found

    def _central_of(self, plugins: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = self._central.get(id(plugins))
        if found is None:
            found = self._central[id(plugins)] = [
                plugin for plugin in plugins if plugin["executor"] == CENTRAL
            ]
        return found
