"""Says what of a blueprint or a deployment cannot run in this version, before anything of it is started."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudwright.dsl import Problem
from cloudwright.errors import IllegalAction
from cloudwright.manager.runtime_functions import is_missing
from cloudwright.model.node_packing import Unpacking
from cloudwright.model.topology import NodeInstance
from cloudwright.planning.unsupported import (
    DELETE,
    EVERYTHING,
    INSTALL,
    UNINSTALL,
    Obstacle,
    Steps,
    explain,
    obstacles,
)
from cloudwright.storage import deployments
from cloudwright.storage.instances import node_instances
from cloudwright.storage.records import Deployment
from cloudwright.storage.store import Connection

_WORKFLOWS = "cloudify.plugins.workflows."
_LIFECYCLE = "cloudify.interfaces.lifecycle."
# States in which an instance does not run, and those in which nothing is left of it.
_STOPPED = ("stopped", "deleting", "configured")
_GONE = ("uninitialized", "deleted")
#: How many deployments without an obstacle are remembered.
_MOST_KNOWN = 10_000

Parameters = Mapping[str, Any]


class CannotRun(IllegalAction):
    """A workflow needs operations that this version cannot run."""

    code = "unsupported_operation_error"


def plan_warnings(nodes: Iterable[Mapping[str, Any]], file: str | None = None) -> list[Problem]:
    """Return a warning for each kind of thing in ``nodes`` (of a plan) that cannot run in this version."""
    by_name = {node["id"]: node for node in nodes}
    found = [each for node in by_name.values() for each in obstacles(node, by_name, EVERYTHING, is_missing)]
    return [Problem(sentence, file=file, expected=remedy) for sentence, remedy in explain(found)]


def deployment_warnings(conn: Connection, tenant: str, id: str) -> list[Problem]:
    """As ``plan_warnings``, for a deployment."""
    return plan_warnings(_nodes(conn, tenant, id).values())


class Preflight:
    """Refuses the start of a workflow that would need what cannot run."""

    def __init__(self) -> None:
        #: Deployments of which everything can run; their nodes change only with their time of change.
        self._clear: dict[tuple[str, str, Any], None] = {}

    def is_needed(self, deployment: Deployment, workflow: Mapping[str, Any]) -> bool:
        """Return whether ``check`` would have to look at the deployment's nodes."""
        return workflow["operation"] in _CHECKED and _key(deployment) not in self._clear

    def check(
        self, conn: Connection, deployment: Deployment, name: str, parameters: Mapping[str, Any]
    ) -> None:
        """Raise CannotRun if the workflow ``name`` would run operations that cannot run.

        Which operations a workflow runs is known of those that the types bring; the operations of others are
        refused one by one when they are to run.
        """
        nodes = _nodes(conn, deployment.tenant, deployment.id)
        if not any(obstacles(node, nodes, _ANYTHING, is_missing) for node in nodes.values()):
            if len(self._clear) >= _MOST_KNOWN:
                self._clear.clear()
            self._clear[_key(deployment)] = None
            return
        operation = str(deployment.workflows[name]["operation"])
        steps_of = _CHECKED[operation]
        instances = node_instances(conn, deployment.tenant, deployment.id)
        found: dict[Obstacle, None] = {}
        for instance in instances:
            node = nodes[instance.node_id]
            if _is_chosen(instance, node, parameters):
                for steps in steps_of(instance.state, parameters):
                    found |= dict.fromkeys(obstacles(node, nodes, steps, is_missing))
        if found:
            said = " ".join(f"{sentence} Expected: {remedy}." for sentence, remedy in explain(found))
            more = ""
            if operation == f"{_WORKFLOWS}uninstall":
                more = " With the parameter `ignore_failure: true` it passes over what cannot run."
            raise CannotRun(
                f"The workflow `{name}` of deployment `{deployment.id}` cannot be started, because it needs "
                f"what cannot run. {said}{more}"
            )


_ANYTHING = Steps(None, None, installs_agent=True, removes_agent=True)


def _installed(state: str, _: Parameters) -> list[Steps]:
    return [] if state == "started" else [INSTALL]


def _uninstalled(state: str, parameters: Parameters) -> list[Steps]:
    if state in _GONE or parameters.get("ignore_failure"):
        return []
    return [DELETE if state in _STOPPED else UNINSTALL]


def _reinstalled(state: str, parameters: Parameters) -> list[Steps]:
    return [*_uninstalled(state, parameters), INSTALL]


def _operations(*names: str) -> Callable[[str, Parameters], list[Steps]]:
    steps = [Steps(frozenset(_LIFECYCLE + name for name in names))]
    return lambda _state, _parameters: steps


def _one_operation(_: str, parameters: Parameters) -> list[Steps]:
    return [Steps(frozenset({str(parameters.get("operation"))}))]


#: By the function of a workflow: what it runs of an instance that is in a state.
_CHECKED: Mapping[str, Callable[[str, Parameters], list[Steps]]] = {
    _WORKFLOWS + name: steps
    for name, steps in {
        "install": _installed,
        "uninstall": _uninstalled,
        "reinstall": _reinstalled,
        "start": _operations("start"),
        "stop": _operations("stop"),
        "restart": _operations("stop", "start"),
        "pull": _operations("pull"),
        "execute_operation": _one_operation,
    }.items()
}


def _is_chosen(instance: NodeInstance, node: Mapping[str, Any], parameters: Parameters) -> bool:
    """Return whether a workflow with these parameters is about the instance."""
    node_ids, ids, types = (parameters.get(name) for name in ("node_ids", "node_instance_ids", "type_names"))
    return (
        (not node_ids or instance.node_id in node_ids)
        and (not ids or instance.id in ids)
        and (not types or any(name in node["type_hierarchy"] for name in types))
    )


def _key(deployment: Deployment) -> tuple[str, str, Any]:
    return deployment.tenant, deployment.id, deployment.updated_at


def _nodes(conn: Connection, tenant: str, id: str) -> dict[str, dict[str, Any]]:
    packed, shared = deployments.packed_nodes(conn, tenant, id)
    unpacking = Unpacking(shared)
    return {node["id"]: unpacking.node(node) for node in packed}
