"""Updates of deployments: planned, shown, and started as executions of the workflow ``update``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cloudwright.dsl import Plan
from cloudwright.errors import Conflict, IllegalAction, NotFound
from cloudwright.manager.dependencies import check_capabilities_kept, updated_dependencies
from cloudwright.manager.executions import Executions, StartExecution
from cloudwright.manager.import_resolver import plugin_code
from cloudwright.manager.input_references import InputReferences
from cloudwright.manager.secrets import SecretReader, Secrets, Viewer
from cloudwright.manager.update_planning import Situation, UpdatePlan, plan_update
from cloudwright.model.deployment_update import DeploymentUpdate, UpdateState
from cloudwright.model.execution import Caller
from cloudwright.storage import blueprints, dependencies, deployment_updates, deployments, instances
from cloudwright.storage.records import Blueprint, Execution
from cloudwright.storage.store import Connection, Store

#: What an update may be told, with what holds if it is not.
OPTIONS: Mapping[str, Any] = {
    "skip_install": False,
    "skip_uninstall": False,
    "skip_reinstall": False,
    "skip_drift_check": False,
    "skip_heal": False,
    "force_reinstall": False,
    "ignore_failure": False,
    "install_first": False,
    "reinstall_list": (),
    "skip": (),
}


@dataclass(frozen=True, slots=True)
class StartUpdate:
    """A request to update a deployment. ``workflow_id`` runs that workflow instead of ``update``.

    ``digest`` is that of a plan which was shown: if it would be another one now, the request is refused.
    """

    tenant: str
    deployment_id: str
    viewer: Viewer
    blueprint_id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    force: bool = False
    runtime_only_evaluation: bool | None = None
    auto_correct_types: bool = False
    digest: str | None = None
    caller: Caller | None = None
    as_child: bool = False
    is_rollback: bool = False


class DeploymentUpdates:
    def __init__(
        self,
        store: Store,
        executions: Executions,
        secrets: Secrets,
        home: Path,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._home = home
        self._executions = executions
        self._secrets = secrets
        self._clock = clock
        self._new_id = new_id

    async def preview(self, request: StartUpdate) -> DeploymentUpdate:
        """Return what would be done; nothing is stored. Raises as ``start``."""
        planned, _ = await self._planned(request)
        if not (request.force or request.is_rollback):
            await self._store.read(check_capabilities_kept, planned)
        return planned

    async def start(self, request: StartUpdate) -> DeploymentUpdate:
        """Store an update and its execution.

        Raises NotFound, IllegalAction, BadInputs, EvaluationError, ExecutionRunning, DependentExists if it
        removes capabilities that others read, and Conflict if the plan is not the one of the digest.
        """
        planned, plan = await self._planned(request)
        if request.digest is not None and request.digest != plan.digest:
            raise Conflict(
                f"The plan of the update of `{request.deployment_id}` is not the one that was shown: the "
                "deployment, its instances, the blueprint or the inputs have changed since. Look at it again."
            )
        uses = await asyncio.to_thread(updated_dependencies, planned, self._clock())
        stored: list[DeploymentUpdate] = []

        def store(conn: Connection, execution: Execution) -> None:
            new = replace(planned, state=UpdateState.UPDATING, execution_id=execution.id)
            stored.append(deployment_updates.add(conn, new, self._clock()))
            if not (request.force or request.is_rollback):
                check_capabilities_kept(conn, new)
            for dependency in uses:
                dependencies.check_circle(conn, dependency)

        await self._executions.start(
            StartExecution(
                tenant=request.tenant,
                deployment_id=request.deployment_id,
                workflow_id="update",
                by=request.viewer.username or "",
                parameters={"update_id": planned.id},
                allow_custom_parameters=True,
                force=request.force,
                caller=request.caller,
                as_child=request.as_child,
            ),
            store,
        )
        return stored[-1]

    async def rollback_request(
        self, viewer: Viewer, tenant: str, deployment_id: str, skip: Sequence[str] = ()
    ) -> StartUpdate:
        """Return the update to what a deployment was before its last update; to what that one was to lead
        to, if it is a rollback that did not end well. Raises NotFound, and IllegalAction if it has none.

        Instances in ``skip`` are left as they are.
        """
        last = await self._store.read(_last, tenant, deployment_id)
        if last.is_rollback and last.state is not UpdateState.SUCCESSFUL:
            blueprint_id, inputs, columns = last.new_blueprint_id, last.new_inputs, last.target["columns"]
        else:
            blueprint_id, inputs, columns = last.old_blueprint_id, last.old_inputs, last.before["columns"]
        return StartUpdate(
            tenant,
            deployment_id,
            viewer,
            blueprint_id=blueprint_id,
            inputs=inputs,
            options={"skip": list(skip)},
            runtime_only_evaluation=bool(columns["runtime_only_evaluation"]),
            is_rollback=True,
        )

    def _lookup(self, request: StartUpdate, plan: Plan) -> InputReferences:
        def reader(conn: Connection) -> SecretReader:
            return self._secrets.reader(conn, lambda: request.viewer, request.tenant)

        return InputReferences(self._store, request.tenant, plan, reader)

    async def _planned(self, request: StartUpdate) -> tuple[DeploymentUpdate, UpdatePlan]:
        situation = await self._store.read(
            _situation, request.tenant, request.deployment_id, request.blueprint_id, self._home
        )
        options = dict(OPTIONS) | dict(request.options)
        for name in ("reinstall_list", "skip"):
            options[name] = list(options[name] or ())
            _check_known(situation, name, options[name])
        deployment = situation.deployment
        runtime_only = request.runtime_only_evaluation
        whole = Plan.from_json(situation.new.plan) if situation.new.plan is not None else None
        plan = await asyncio.to_thread(
            plan_update,
            situation,
            request.inputs,
            by=request.viewer.username,
            now=self._clock(),
            runtime_only=deployment.runtime_only_evaluation if runtime_only is None else runtime_only,
            auto_correct=request.auto_correct_types,
            lookup=None if whole is None else self._lookup(request, whole),
            options=options,
        )
        update = DeploymentUpdate(
            id=f"{deployment.id}-{self._new_id()}",
            tenant=request.tenant,
            deployment_id=deployment.id,
            state=UpdateState.PREVIEW,
            execution_id=None,
            old_blueprint_id=deployment.blueprint_id,
            new_blueprint_id=situation.new.id,
            old_inputs=deployment.inputs,
            new_inputs=plan.inputs,
            steps=plan.steps,
            changed=plan.changed,
            options=options,
            target=plan.target,
            before=plan.before,
            topology=plan.topology,
            digest=plan.digest,
            is_rollback=request.is_rollback,
            created_by=request.viewer.username,
        )
        return update, plan


def _situation(
    conn: Connection, tenant: str, deployment_id: str, blueprint_id: str | None, home: Path
) -> Situation:
    deployment = deployments.get(conn, tenant, deployment_id)
    new = blueprints.get(conn, tenant, blueprint_id or deployment.blueprint_id, with_plan=True)
    old: Blueprint | None = None
    try:
        old = blueprints.get(conn, tenant, deployment.blueprint_id, with_plan=True)
    except NotFound:
        old = None
    nodes = [row.node for row in deployments.nodes(conn, tenant, deployment_id)]
    last = deployment_updates.last(conn, tenant, deployment_id)
    there = instances.node_instances(conn, tenant, deployment_id)
    code = [new.artifact, *plugin_code(conn, tenant, home, new.plan or {})]
    return Situation(deployment, nodes, there, old, new, None if last is None else last.id, code)


def _check_known(situation: Situation, option: str, wanted: list[str]) -> None:
    known = {one.id for one in situation.instances}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise IllegalAction(
            f"`{option}` names what deployment `{situation.deployment.id}` does not have: "
            f"{', '.join(unknown)}. It has: {', '.join(sorted(known))}."
        )


def _last(conn: Connection, tenant: str, deployment_id: str) -> DeploymentUpdate:
    deployments.get(conn, tenant, deployment_id)
    last = deployment_updates.last(conn, tenant, deployment_id)
    if last is None:
        raise IllegalAction(f"Deployment `{deployment_id}` has no update to go back from.")
    return last
