"""Operations of a plan that cannot run in this version, and what its author can do about them.

There are three kinds: those that are meant for the agent of a host that can have none; those that install or
remove such an agent; and those whose function does not exist here, such as the functions of types that are
not built yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from cloudwright.dsl.functions.syntax import holds_functions
from cloudwright.dsl.problems import listing
from cloudwright.model.executors import CENTRAL, resolve
from cloudwright.model.hosts import (
    AGENT_INTERFACE,
    COMPUTE,
    INIT_SCRIPT,
    PLUGIN,
    PROVIDED,
    REMOTE,
    install_method,
    installing_operations,
    removing_operations,
)

Node = Mapping[str, Any]
#: Whether a mapping leads to a function that does not exist.
IsMissing = Callable[[str], bool]

_AGENT, _HOST, _FUNCTION = "agent", "host", "function"
_LIFECYCLE = "cloudify.interfaces.lifecycle"
_RELATIONSHIP = "cloudify.interfaces.relationship_lifecycle"
_VALIDATION = "cloudify.interfaces.validation"
_MONITORING = "cloudify.interfaces.monitoring"
_MONITORING_AGENT = "cloudify.interfaces.monitoring_agent"


@dataclass(frozen=True, slots=True)
class Steps:
    """Operations that a workflow runs for one node instance, by their full names; None stands for all of
    them. ``agent`` says whether it also installs or removes the agent of a host.
    """

    operations: frozenset[str] | None = frozenset()
    relationship_operations: frozenset[str] | None = frozenset()
    installs_agent: bool = False
    removes_agent: bool = False


def _named(interface: str, *names: str) -> frozenset[str]:
    return frozenset(f"{interface}.{name}" for name in names)


INSTALL = Steps(
    _named(_VALIDATION, "create")
    | _named(_LIFECYCLE, "precreate", "create", "configure", "start", "poststart")
    | _named(_MONITORING, "start")
    | _named(_MONITORING_AGENT, "install", "start")
    | {"cloudify.interfaces.host.get_state"},
    _named(_RELATIONSHIP, "preconfigure", "postconfigure", "establish"),
    installs_agent=True,
)
DELETE = Steps(_named(_LIFECYCLE, "delete", "postdelete"), _named(_RELATIONSHIP, "unlink"))
UNINSTALL = Steps(
    _named(_VALIDATION, "delete")
    | _named(_LIFECYCLE, "prestop", "stop", "delete", "postdelete")
    | _named(_MONITORING, "stop")
    | _named(_MONITORING_AGENT, "stop", "uninstall"),
    DELETE.relationship_operations,
    removes_agent=True,
)
#: Whatever may be run of a node, except what removes an agent that could not be installed.
EVERYTHING = Steps(None, None, installs_agent=True)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """An operation of a node that cannot run. ``what`` is the function that is missing, or the host."""

    kind: str
    node: str
    type: str
    operation: str
    what: str


def obstacles(node: Node, nodes: Mapping[str, Node], steps: Steps, is_missing: IsMissing) -> list[Obstacle]:
    """Return which operations of ``steps`` cannot run for ``node``; ``nodes`` are all nodes by name."""
    table = node["operations"]
    found = _of_table(node, nodes, table, node.get("host_id"), steps.operations, is_missing)
    if (steps.installs_agent or steps.removes_agent) and COMPUTE in node["type_hierarchy"]:
        found += _of_agent(node, nodes, steps, is_missing)
    for relationship in node["relationships"]:
        target = nodes.get(relationship["target_id"], {})
        for side, host in (("source", node.get("host_id")), ("target", target.get("host_id"))):
            operations = relationship[f"{side}_operations"]
            found += _of_table(node, nodes, operations, host, steps.relationship_operations, is_missing)
    return found


@cache
def has_ssh() -> bool:
    """Return whether agents can be installed over SSH: the library for it is an optional extra."""
    return find_spec("asyncssh") is not None


def _can_come(method: str | None) -> bool:
    return method in (PROVIDED, INIT_SCRIPT, PLUGIN) or (method in (REMOTE, None) and has_ssh())


def _may_have_agent(host: Node | None) -> bool:
    if host is None:
        return False
    properties = host["properties"]
    return _can_come(install_method(properties)) or holds_functions(
        [properties.get("agent_config"), properties.get("install_agent")]
    )


def _of_table(
    node: Node,
    nodes: Mapping[str, Node],
    table: Mapping[str, Mapping[str, Any]],
    host: str | None,
    names: Collection[str] | None,
    is_missing: IsMissing,
) -> list[Obstacle]:
    """Return the obstacles in one table of operations, each operation by its full name."""
    if names is None:
        # Without the short names, under which the operations are there a second time.
        names = [name for name in table if "." in name and not name.startswith(f"{AGENT_INTERFACE}.")]
    found = []
    for name in names:
        operation = table.get(name)
        if operation is None or not operation["operation"]:
            continue
        if resolve(operation["executor"], host) != CENTRAL:
            if _may_have_agent(nodes.get(host or "")):
                continue
            found.append(Obstacle(_HOST, node["id"], node["type"], name, host or node["id"]))
        elif is_missing(operation["operation"]) and not _has_code(node, operation["plugin"]):
            found.append(Obstacle(_FUNCTION, node["id"], node["type"], name, operation["operation"]))
    return found


def _of_agent(node: Node, nodes: Mapping[str, Node], steps: Steps, is_missing: IsMissing) -> list[Obstacle]:
    table = node["operations"]
    properties = node["properties"]
    if holds_functions([properties.get("agent_config"), properties.get("install_agent")]):
        return []
    method = install_method(properties)

    def has(name: str) -> bool:
        return bool((table.get(name) or {}).get("operation"))

    names = installing_operations(method, has) if steps.installs_agent else []
    names += removing_operations(method, has) if steps.removes_agent else []
    if _can_come(method):
        return _of_table(node, nodes, table, node["id"], names, is_missing)
    own = [
        name for name in names if (table.get(name) or {}).get("operation", "").startswith("cloudify_agent.")
    ]
    return [Obstacle(_AGENT, node["id"], node["type"], name, method or "") for name in own]


def _has_code(node: Node, plugin: str) -> bool:
    """Return whether the plugin brings code of its own, which may hold any package."""
    entries = [entry for entry in node.get("plugins") or () if entry["name"] == plugin]
    return any(entry.get("source") or entry.get("package_name") for entry in entries)


def explain(found: Iterable[Obstacle]) -> list[tuple[str, str]]:
    """Return a sentence about each group of obstacles, and what its author can do."""
    groups: dict[tuple[str, str, str], dict[str, list[Obstacle]]] = {}
    for each in found:
        key = (each.kind, each.type, each.what if each.kind == _AGENT else "")
        groups.setdefault(key, {}).setdefault(each.node, []).append(each)
    return [_sentence(kind, type_name, what, nodes) for (kind, type_name, what), nodes in groups.items()]


def _sentence(
    kind: str, type_name: str, what: str, nodes: Mapping[str, Sequence[Obstacle]]
) -> tuple[str, str]:
    names = listing(nodes)
    operations = listing({each.operation for members in nodes.values() for each in members})
    if kind == _AGENT:
        method = what or REMOTE
        why = "this version cannot install agents in this way"
        if method == REMOTE:
            why = "the manager has no library for SSH, which `pip install 'cloudwright[ssh]'` brings"
        return (
            f"The agent of {names} cannot be installed (`install_method: {method}`): {why}.",
            "`agent_config: {install_method: provided}`, and an agent that is started there (`cfy agents "
            "enroll`); or `none`, if nothing has to run on the host",
        )
    if kind == _HOST:
        hosts = listing({each.what for members in nodes.values() for each in members})
        return (
            f"Operations of {names} (type `{type_name}`) are meant for the agent of the host {hosts}, which "
            f"cannot have one: {operations}.",
            f"`executor: {CENTRAL}` for operations that are meant for the manager, or a host with "
            "`agent_config: {install_method: remote}` or `provided`",
        )
    functions = listing({each.what for members in nodes.values() for each in members})
    return (
        f"{names} cannot run: the type `{type_name}` needs functions that this version does not have: "
        f"{functions}.",
        "a blueprint without nodes of this type; what they stand for can be deployed by itself",
    )
