"""Deployments without a manager: what a local workflow reads and changes, in memory or in a folder."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cloudwright import dsl, planning
from cloudwright.compat.cloudify_rest_client.node_instances import NodeInstance as InstanceRecord
from cloudwright.compat.cloudify_rest_client.nodes import Node as NodeRecord
from cloudwright.errors import Conflict, NotFound
from cloudwright.model.topology import DELETED, NodeInstance

_TENANT = "default_tenant"
_FILE = "deployment.json"


class LocalDeployment:
    """The plan of a blueprint and its node instances. Any thread may use it."""

    def __init__(
        self, blueprint_path: str, inputs: dict[str, Any] | None, name: str, resolver: Any = None
    ) -> None:
        """Raises BlueprintError, BadInputs, EvaluationError."""
        self.name = name
        self.blueprint_path = os.path.abspath(blueprint_path)
        self.given_inputs = dict(inputs or {})
        path = Path(self.blueprint_path)
        plan = dsl.parse_blueprint(path, resolver=resolver)
        facts = planning.SystemFacts(name, _TENANT, path.stem, "", name)
        self.plan = planning.prepare_deployment(plan, self.given_inputs, sys=facts)
        self.nodes = {node["id"]: node for node in self.plan.nodes}
        numbers: dict[str, int] = {}
        made = planning.create_instances(
            self.plan.nodes,
            self.plan.scaling_groups,
            deployment_id=name,
            new_id=lambda node: f"{node}_{_next(numbers, node)}",
        )
        self.instances = {instance.id: instance for instance in made}
        self._facts = facts
        self._lock = threading.RLock()

    @property
    def head(self) -> dict[str, Any]:
        """What every ``begin`` frame says of it."""
        plan = self.plan
        return {
            "deployment": {
                "id": self.name,
                "display_name": self.name,
                "description": plan.description,
                "inputs": plan.inputs,
                "outputs": plan.outputs,
                "capabilities": plan.capabilities,
                "scaling_groups": plan.scaling_groups,
                "labels": [],
                "resource_tags": plan.resource_tags,
                "runtime_only_evaluation": False,
            },
            "blueprint": {"id": self._facts.blueprint_id, "path": os.path.dirname(self.blueprint_path)},
            "tenant": {"name": _TENANT},
        }

    def instance(self, id: str) -> NodeInstance:
        """Raises NotFound."""
        if id not in self.instances:
            raise NotFound(f"Deployment `{self.name}` has no node instance `{id}`.")
        return self.instances[id]

    def node(self, id: str) -> dict[str, Any]:
        """Raises NotFound."""
        if id not in self.nodes:
            raise NotFound(f"Deployment `{self.name}` has no node `{id}`.")
        return self.nodes[id]

    def scope(self, **subjects: str | None) -> planning.MemoryScope:
        """Return where functions find what they refer to; secrets and other deployments are on no manager."""
        return planning.MemoryScope(
            self.nodes.values(),
            self.instances.values(),
            inputs=self.plan.inputs,
            system=self._facts,
            **subjects,  # type: ignore[arg-type]
        )

    def change(
        self,
        id: str,
        version: int | None = None,
        runtime_properties: dict[str, Any] | None = None,
        state: str | None = None,
    ) -> NodeInstance:
        """Change a node instance. Raises NotFound, and Conflict if ``version`` is not the current one."""
        with self._lock:
            instance = self.instance(id)
            if version is not None and version != instance.version:
                raise Conflict(f"`{id}` has version {instance.version}, and not {version}.")
            if runtime_properties is not None:
                # As a manager would store it.
                instance.runtime_properties = json.loads(json.dumps(runtime_properties))
                instance.version += 1
            if state is not None:
                instance.state = state
                if state == DELETED:
                    instance.runtime_properties = {}
            return instance

    def put_system_properties(self, id: str, values: dict[str, Any]) -> None:
        """Put these keys into the system properties of an instance; None takes a key out."""
        with self._lock:
            instance = self.instance(id)
            merged = instance.system_properties | values
            instance.system_properties = {key: value for key, value in merged.items() if value is not None}


class InMemoryStorage:
    """The deployment of a local environment, as the tests of plugins look at it."""

    def __init__(self) -> None:
        self._deployment: LocalDeployment | None = None

    @property
    def deployment(self) -> LocalDeployment:
        """Raises RuntimeError before there is one."""
        if self._deployment is None:
            raise RuntimeError("The storage has no deployment yet: it is given to `init_env`.")
        return self._deployment

    @property
    def name(self) -> str:
        return self.deployment.name

    def init(self, deployment: LocalDeployment) -> None:
        """Store a new deployment."""
        self._deployment = deployment
        self.save()

    def save(self) -> None:
        """Keep what was changed: in memory it is kept as it is."""

    def get_blueprint_path(self) -> str:
        return self.deployment.blueprint_path

    def get_node(self, node_id: str) -> NodeRecord:
        """Raises NotFound."""
        return self._node(self.deployment.node(node_id))

    def get_nodes(self) -> list[NodeRecord]:
        return [self._node(node) for node in self.deployment.nodes.values()]

    def get_node_instance(self, node_instance_id: str, **_: Any) -> InstanceRecord:
        """Raises NotFound."""
        return InstanceRecord(asdict(self.deployment.instance(node_instance_id)))

    def get_node_instances(self, node_id: str | None = None, **_: Any) -> list[InstanceRecord]:
        rows = self.deployment.instances.values()
        return [InstanceRecord(asdict(one)) for one in rows if node_id in (None, one.node_id)]

    def update_node_instance(
        self,
        node_instance_id: str,
        version: int | None = None,
        runtime_properties: dict[str, Any] | None = None,
        state: str | None = None,
        **_: Any,
    ) -> InstanceRecord:
        """Raises NotFound, Conflict."""
        changed = self.deployment.change(node_instance_id, version, runtime_properties, state)
        self.save()
        return InstanceRecord(asdict(changed))

    def _node(self, node: dict[str, Any]) -> NodeRecord:
        count = sum(one.node_id == node["id"] for one in self.deployment.instances.values())
        return NodeRecord({**node, "number_of_instances": count})


class FileStorage(InMemoryStorage):
    """One that is there again in another process: a folder below ``storage_dir`` for each deployment."""

    def __init__(self, storage_dir: str | None = None) -> None:
        super().__init__()
        self._folder = Path(storage_dir or Path(tempfile.gettempdir(), "cloudify-workflows"))

    def save(self) -> None:
        """Write the deployment to its file."""
        deployment = self.deployment
        folder = self._folder / deployment.name
        folder.mkdir(parents=True, exist_ok=True)
        stored = {
            "blueprint_path": deployment.blueprint_path,
            "inputs": deployment.given_inputs,
            "instances": [asdict(one) for one in deployment.instances.values()],
        }
        partial = folder / f"{_FILE}.new"
        partial.write_text(json.dumps(stored), "utf-8")
        partial.rename(folder / _FILE)

    def load(self, name: str, resolver: Any = None) -> None:
        """Read a deployment that was stored. Raises NotFound."""
        file = self._folder / name / _FILE
        if not file.is_file():
            raise NotFound(f"There is no environment `{name}` in {self._folder}.")
        stored = json.loads(file.read_text("utf-8"))
        deployment = LocalDeployment(stored["blueprint_path"], stored["inputs"], name, resolver)
        deployment.instances = {one["id"]: NodeInstance(**one) for one in stored["instances"]}
        self._deployment = deployment


def _next(numbers: dict[str, int], node: str) -> str:
    numbers[node] = numbers.get(node, 0) + 1
    return f"{numbers[node]:06}"
