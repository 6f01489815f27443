"""``cloudify.workflows.local``: workflows of a blueprint without a manager, in the process that asks.

It is for the tests of plugins: operations run in threads of the test's own process, so that what the test
replaces is replaced for them, too. Nothing of it can be stopped from outside, nor resumed.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from cloudwright.compat.local_host import LocalHost
from cloudwright.compat.local_storage import FileStorage, InMemoryStorage, LocalDeployment
from cloudwright.planning import evaluate, evaluate_outputs, validate_parameters
from cloudwright.workflow.child import perform
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.host_connection import HostConnection

__all__ = ["FileStorage", "InMemoryStorage", "init_env", "load_env"]

_LIFETIME_RETRIES = -1
_RETRY_INTERVAL = 30


def init_env(
    blueprint_path: str,
    inputs: Mapping[str, Any] | None = None,
    name: str = "local",
    storage: InMemoryStorage | None = None,
    ignored_modules: Collection[str] | None = None,
    provider_context: Mapping[str, Any] | None = None,
    resolver: Any = None,
    validate_version: bool = True,
) -> _Environment:
    """Return the environment of a new deployment of a blueprint.

    Operations of ``ignored_modules`` do nothing. ``resolver`` is asked for what the blueprint imports beside
    files (``cloudwright.dsl``). ``provider_context`` and ``validate_version`` are accepted and change
    nothing. Raises BlueprintError, BadInputs, EvaluationError.
    """
    storage = InMemoryStorage() if storage is None else storage
    storage.init(LocalDeployment(blueprint_path, dict(inputs or {}), name, resolver))
    return _Environment(storage, ignored_modules or ())


def load_env(
    name: str, storage: FileStorage, ignored_modules: Collection[str] | None = None, resolver: Any = None
) -> _Environment:
    """Return the environment that ``storage`` has kept under a name. Raises NotFound."""
    storage.load(name, resolver)
    return _Environment(storage, ignored_modules or ())


class _Environment:
    """A deployment, and the workflows that can be run on it."""

    def __init__(self, storage: InMemoryStorage, ignored_modules: Collection[str]) -> None:
        self.storage = storage
        self._ignored = ignored_modules

    @property
    def name(self) -> str:
        return self.storage.name

    @property
    def plan(self) -> dict[str, Any]:
        """The plan, by the names of its parts."""
        plan = self.storage.deployment.plan
        return {
            "nodes": plan.nodes,
            "node_instances": self.storage.get_node_instances(),
            "inputs": plan.inputs,
            "outputs": plan.outputs,
            "capabilities": plan.capabilities,
            "workflows": plan.workflows,
            "scaling_groups": plan.scaling_groups,
            "groups": plan.groups,
            "policies": plan.policies,
        }

    def outputs(self) -> dict[str, Any]:
        """Return the values of the outputs."""
        deployment = self.storage.deployment
        return evaluate_outputs(deployment.plan.outputs, deployment.scope())

    def evaluate_functions(self, payload: Any, context: Mapping[str, Any] | None = None) -> Any:
        """Return ``payload`` with its functions evaluated; ``context`` says what ``self``, ``source`` and
        ``target`` are. Raises EvaluationError.
        """
        ids = {f"{key}_id": (context or {}).get(key) for key in ("self", "source", "target")}
        return evaluate(payload, self.storage.deployment.scope(**ids))

    def execute(
        self,
        workflow: str,
        parameters: Mapping[str, Any] | None = None,
        allow_custom_parameters: bool = False,
        task_retries: int = _LIFETIME_RETRIES,
        task_retry_interval: float = _RETRY_INTERVAL,
        subgraph_retries: int = 0,
        task_thread_pool_size: int = 1,
    ) -> Any:
        """Run a workflow to its end, and return its result.

        Raises what its function raises, ValueError for a workflow that there is not, and BadParameters.
        """
        deployment = self.storage.deployment
        definition = deployment.plan.workflows.get(workflow)
        if definition is None:
            there = ", ".join(sorted(deployment.plan.workflows))
            raise ValueError(f"The blueprint has no workflow `{workflow}`; it has: {there}.")
        execution = {
            "id": str(uuid.uuid4()),
            "workflow_id": workflow,
            "deployment_id": deployment.name,
            "parameters": validate_parameters(
                {**definition, "name": workflow}, dict(parameters or {}), allow_custom=allow_custom_parameters
            ),
            "dry_run": False,
            "created_by": None,
            "is_system_workflow": False,
        }
        host = LocalHost(
            self.storage, execution, threads=task_thread_pool_size, ignored_modules=self._ignored
        )
        begin = host.head | {
            "mapping": definition["operation"],
            "plugin": {"name": definition["plugin"], "version": None, "path": []},
            "nodes": deployment.plan.nodes,
            "node_instances": host.answer("node_instances", {}),
            "workflows": deployment.plan.workflows,
            "policy": {
                "task_retries": task_retries,
                "task_retry_interval": task_retry_interval,
                "subgraph_retries": subgraph_retries,
                "wait_after_fail": 0,
            },
            "resume": False,
            "resumed": 0,
            "local": True,
            "graphs": [],
        }
        connection = HostConnection(host.workflow)
        host.start()
        try:
            result = perform(begin, connection, share=False)
            connection.flush()
        except ExecutionCancelled as error:
            raise RuntimeError(f"Workflow `{workflow}` was cancelled.") from error
        finally:
            host.close()
            connection.close()
        return result
