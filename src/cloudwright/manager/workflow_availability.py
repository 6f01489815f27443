"""Which workflows of a deployment can be started: those that exist, and whose rules allow it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cloudwright.errors import IllegalAction, NoSuchWorkflow
from cloudwright.manager.runtime_functions import is_missing
from cloudwright.model.node_packing import Unpacking
from cloudwright.planning.availability import needs_types, refusal_of_rules
from cloudwright.storage import deployments
from cloudwright.storage.instances import count_by_state
from cloudwright.storage.records import Deployment
from cloudwright.storage.store import Connection


class WorkflowUnavailable(IllegalAction):
    """The deployment has the workflow, and it cannot be started now."""

    code = "unavailable_workflow_error"


def node_types(conn: Connection, deployment: Deployment) -> frozenset[str]:
    """Return the types of the deployment's nodes, with those that they derive from.

    Nodes are read only if a workflow's rules ask for types; the result is empty otherwise.
    """
    if not needs_types(deployment.workflows):
        return frozenset()
    packed, shared = deployments.packed_nodes(conn, deployment.tenant, deployment.id)
    unpacking = Unpacking(shared)
    return frozenset(
        name for node in packed for name in unpacking.node(node).get("type_hierarchy") or (node["type"],)
    )


def find_workflow(deployment: Deployment, workflow_id: str) -> dict[str, Any]:
    """Return the entry of a workflow in the deployment's plan. Raises NoSuchWorkflow."""
    workflow: dict[str, Any] | None = deployment.workflows.get(workflow_id)
    if workflow is None:
        raise NoSuchWorkflow(
            f"Deployment `{deployment.id}` has no workflow `{workflow_id}`. "
            f"It has: {', '.join(sorted(deployment.workflows)) or 'none'}."
        )
    return workflow


def is_available(workflow: Mapping[str, Any], states: Collection[str], types: Collection[str]) -> bool:
    """Return whether ``workflow`` (an entry of a plan) exists and its rules allow it.

    ``states`` and ``types`` are those of the deployment's instances and nodes.
    """
    return not is_missing(str(workflow["operation"])) and refusal_of_rules(workflow, states, types) is None


def check_exists(deployment: Deployment, name: str) -> None:
    """Raise WorkflowUnavailable if the deployment's workflow ``name`` is not built yet."""
    operation = str(deployment.workflows[name]["operation"])
    if is_missing(operation):
        raise WorkflowUnavailable(
            f"The workflow `{name}` cannot be started: it is not built yet, and this version has no "
            f"function `{operation}`."
        )


def check_rules(conn: Connection, deployment: Deployment, name: str) -> None:
    """Raise WorkflowUnavailable if the rules of the deployment's workflow ``name`` exclude it now."""
    workflow = deployment.workflows[name]
    if not workflow.get("availability_rules"):
        return
    states = count_by_state(conn, deployment.tenant, deployment.id)
    reason = refusal_of_rules(workflow, states, node_types(conn, deployment))
    if reason is not None:
        raise WorkflowUnavailable(
            f"The workflow `{name}` of deployment `{deployment.id}` is not available: {reason}. "
            "Use `force` to start it nevertheless."
        )
