"""The ``begin`` frames of workflows, built from the deployment's plan and the state of the database.

An ``ExecutionSnapshot`` is read once per execution and kept while anything of it runs, so that an operation
does not read what does not change. Node instances do change: they are read when an operation is granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from cloudwright.errors import InvalidInput, NoSuchWorkflow
from cloudwright.manager.configuration import changed_settings
from cloudwright.manager.import_resolver import imported_folders, with_code
from cloudwright.manager.plugin_selection import PluginCode
from cloudwright.manager.redaction import Concealment
from cloudwright.model.node_packing import SHARED, Shared, Unpacking
from cloudwright.model.operation import OperationState
from cloudwright.model.topology import NodeInstance
from cloudwright.process.frames import MAX_FRAME
from cloudwright.settings import Settings
from cloudwright.storage import blueprints, deployments, instances, operations
from cloudwright.storage.records import Deployment, Execution, Operation
from cloudwright.storage.store import Connection

#: What an operation may read of a node; the rest of the dictionary is the engine's business.
NODE_KEYS = ("id", "name", "type", "type_hierarchy", "properties", "relationships", "host_id")

_INSTANCE_KEYS = tuple(field.name for field in fields(NodeInstance))

#: Lists that are longer than this (bytes of JSON) are sent in chunks of at most this size.
PART = 8 * 1024 * 1024
# What a frame takes beside one item of its contents.
_AROUND = 4096

#: A piece of one of the lists of a ``begin`` frame: ``{"path": keys and indexes that lead to it, "items"}``.
Chunk = dict[str, Any]


@dataclass(slots=True, repr=False)
class ExecutionSnapshot:
    """What does not change while an execution runs. ``nodes`` and ``plugins`` are by name; ``imported`` are
    the folders of imported blueprints by their namespaces. ``packed`` are the nodes as a frame has them, with
    what they share. ``codes`` is where the code of plugins is, once it was looked for. ``concealment`` has
    the secrets that anything of the execution has read. ``head`` is the part of every ``begin`` frame that
    says which execution this is (docs/concepts/frames.md). ``policy`` are the settings that were changed for
    the manager and for the deployment.
    """

    execution: Execution
    deployment: Deployment
    blueprint_path: Path
    nodes: dict[str, dict[str, Any]]
    plugins: dict[str, dict[str, Any]]
    imported: dict[str, Path]
    packed: tuple[list[dict[str, Any]], Shared | None]
    policy: dict[str, Any]
    codes: dict[str, PluginCode] = field(default_factory=dict)
    concealment: Concealment = field(default_factory=Concealment)
    head: dict[str, Any] = field(init=False)

    def __repr__(self) -> str:
        # It holds inputs and parameters, passwords among them, and a failed callback puts it into the log.
        return f"<ExecutionSnapshot {self.execution.id}>"

    def __post_init__(self) -> None:
        execution, deployment = self.execution, self.deployment
        self.head = {
            "execution": {
                "id": execution.id,
                "workflow_id": execution.workflow_id,
                "deployment_id": execution.deployment_id,
                "parameters": execution.parameters,
                "dry_run": execution.is_dry_run,
                "created_by": execution.created_by,
                "is_system_workflow": execution.is_system_workflow,
            },
            "deployment": {
                "id": deployment.id,
                "display_name": deployment.display_name,
                "description": deployment.description,
                "inputs": deployment.inputs,
                "outputs": deployment.outputs,
                "capabilities": deployment.capabilities,
                "scaling_groups": deployment.scaling_groups,
                "labels": deployment.labels,
                "resource_tags": deployment.resource_tags,
                "runtime_only_evaluation": deployment.runtime_only_evaluation,
            },
            "blueprint": {
                "id": deployment.blueprint_id,
                "path": str(self.blueprint_path),
                "imported": list(self.imported),
            },
            "tenant": {"name": execution.tenant},
        }

    def take(self, fresh: ExecutionSnapshot) -> None:
        """Become what ``fresh`` is: the deployment was updated by this execution."""
        for name in ("deployment", "blueprint_path", "nodes", "plugins", "imported", "packed"):
            setattr(self, name, getattr(fresh, name))
        self.codes = {}
        self.head = fresh.head

    def node(self, name: str) -> dict[str, Any]:
        """Return what an operation may read of a node."""
        node = self.nodes[name]
        return {key: node[key] for key in NODE_KEYS if key in node}


def read_snapshot(conn: Connection, execution: Execution, home: Path) -> ExecutionSnapshot:
    """Read what does not change while ``execution`` runs. Raises NotFound if its deployment is gone."""
    deployment = deployments.get(conn, execution.tenant, str(execution.deployment_id))
    blueprint = blueprints.get(conn, execution.tenant, deployment.blueprint_id, with_plan=True)
    packed, shared = deployments.packed_nodes(conn, execution.tenant, deployment.id)
    unpacking = Unpacking(shared)
    nodes = {node["id"]: unpacking.node(node) for node in packed}
    plan = blueprint.plan or {}
    plugins: dict[str, dict[str, Any]] = {}
    for key in (
        "workflow_plugins_to_install",
        "deployment_plugins_to_install",
        "host_agent_plugins_to_install",
    ):
        plugins.update((plugin["name"], plugin) for plugin in plan.get(key) or ())
    for node in nodes.values():
        plugins.update((plugin["name"], plugin) for plugin in node.get("plugins") or ())
    plugins = {name: with_code(conn, execution.tenant, home, plugin) for name, plugin in plugins.items()}
    imported = imported_folders(conn, execution.tenant, home, plan.get("namespaces_mapping") or {})
    folder = home / str(blueprint.path)
    policy = changed_settings(conn) | deployment.settings
    return ExecutionSnapshot(
        execution, deployment, folder, nodes, plugins, imported, (packed, shared), policy
    )


def read_progress(
    conn: Connection, execution: Execution
) -> tuple[list[NodeInstance], list[dict[str, Any]], list[Operation]]:
    """Return the deployment's node instances, the execution's stored graphs as frames have them, and its
    tasks.
    """
    rows = instances.node_instances(conn, execution.tenant, str(execution.deployment_id))
    graphs = []
    tasks: list[Operation] = []
    for graph, members in operations.graphs(conn, execution.id):
        tasks.extend(members)
        graphs.append({"id": graph.id, "name": graph.name, "tasks": [task_frame(task) for task in members]})
    return rows, graphs, tasks


def workflow_begin(
    snapshot: ExecutionSnapshot,
    settings: Settings,
    instances: list[NodeInstance],
    graphs: list[dict[str, Any]],
    *,
    resume: bool,
) -> dict[str, Any]:
    """Return the ``begin`` frame of a workflow's process, but for the request to cancel that it may find.

    Raises NoSuchWorkflow if the deployment has none of that name.
    """
    workflow = workflow_of(snapshot)
    policy = snapshot.policy
    nodes, shared = snapshot.packed
    return snapshot.head | {
        "mapping": workflow["operation"],
        "plugin": {"name": workflow["plugin"], "version": None},
        "nodes": nodes,
        SHARED: shared,
        "node_instances": [instance_frame(instance) for instance in instances],
        "workflows": snapshot.deployment.workflows,
        "policy": {
            "task_retries": policy.get("task_retries", settings.task_retries),
            "task_retry_interval": policy.get("task_retry_interval", settings.task_retry_interval),
            "task_retry_backoff": policy.get("task_retry_backoff", settings.task_retry_backoff),
            "subgraph_retries": policy.get("subgraph_retries", settings.subgraph_retries),
            "wait_after_fail": snapshot.execution.wait_after_fail,
        },
        "resume": resume,
        "resumed": snapshot.execution.resumed,
        "workflow_entered": snapshot.execution.workflow_entered,
        "graphs": graphs,
    }


def chunked(begin: dict[str, Any]) -> tuple[dict[str, Any], list[Chunk]]:
    """Return the ``begin`` frame as it is, if its lists are short enough; else without them, and they in
    parts.

    Raises InvalidInput if something of it alone is longer than a frame may be.
    """
    lists: list[tuple[list[Any], list[Any]]] = [
        (["nodes"], begin["nodes"]),
        (["node_instances"], begin["node_instances"]),
        *((["graphs", place, "tasks"], graph["tasks"]) for place, graph in enumerate(begin["graphs"])),
    ]
    pieces = [(path, items, size) for path, whole in lists for items, size in _pieces(whole)]
    if sum(size for *_, size in pieces) <= PART:
        return begin, []
    head = begin | {
        "nodes": [],
        "node_instances": [],
        "graphs": [graph | {"tasks": []} for graph in begin["graphs"]],
        "parts": len(pieces),
    }
    return head, [{"path": path, "items": items} for path, items, _ in pieces]


def _pieces(items: list[Any]) -> Iterator[tuple[list[Any], int]]:
    """Yield ``items`` in pieces that are no longer than a chunk, each with its length."""
    piece: list[Any] = []
    size = 0
    for item in items:
        length = len(orjson.dumps(item, option=orjson.OPT_NON_STR_KEYS))
        if length + _AROUND > MAX_FRAME:
            raise InvalidInput(
                f"`{item['id']}` is {length} bytes of JSON; the maximum frame is {MAX_FRAME}. "
                "Make its properties, runtime properties or inputs smaller: keep what is large in a "
                "file, and its path here."
            )
        if piece and size + length > PART:
            yield piece, size
            piece, size = [], 0
        piece.append(item)
        size += length
    if piece:
        yield piece, size


def workflow_of(snapshot: ExecutionSnapshot) -> dict[str, Any]:
    """Return the workflow that the execution runs, as in the plan."""
    name = snapshot.execution.workflow_id
    workflow: dict[str, Any] | None = snapshot.deployment.workflows.get(name)
    if workflow is None:
        raise NoSuchWorkflow(f"Deployment `{snapshot.deployment.id}` has no workflow `{name}`.")
    return workflow


def workflow_plugin(snapshot: ExecutionSnapshot) -> dict[str, Any] | None:
    """Return the plugin of the workflow that the execution runs, as in the plan; None if it is the manager's
    own.
    """
    return snapshot.plugins.get(workflow_of(snapshot)["plugin"])


def instance_frame(instance: NodeInstance) -> dict[str, Any]:
    return {key: getattr(instance, key) for key in _INSTANCE_KEYS}


def task_frame(task: Operation) -> dict[str, Any]:
    """Return a stored task as the ``begin`` frame of a resumed workflow has it."""
    return {
        "id": task.id,
        "name": task.name,
        "kind": task.kind,
        "depends_on": task.depends_on,
        "parameters": task.parameters,
        "state": str(task.state),
        "attempt": task.attempt,
        "result": task.result,
        "failure": task.failure,
        "running": task.kind == "operation" and task.state is OperationState.STARTED,
    }
