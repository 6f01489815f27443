"""Deployments: made of a blueprint's plan and inputs, asked for what they put out, changed and deleted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.dsl import Plan, Problem
from cloudwright.errors import Conflict, IllegalAction, InvalidInput, NotFound
from cloudwright.manager.blueprints import UPLOADED
from cloudwright.manager.default_schedules import add_defaults, default_schedules
from cloudwright.manager.dependencies import check_unused, dependency_of
from cloudwright.manager.evaluation_scope import StoredScope, instance_named, stored_scope
from cloudwright.manager.identifiers import check_id, check_visibility, instance_suffix
from cloudwright.manager.input_references import InputReferences
from cloudwright.manager.labels import make_labels
from cloudwright.manager.preflight import deployment_warnings
from cloudwright.manager.secrets import SecretReader, Secrets, Viewer, missing
from cloudwright.manager.workdirs import zip_folder
from cloudwright.model.execution import Caller
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import (
    DeploymentPlan,
    Scope,
    SystemFacts,
    create_instances,
    evaluate,
    evaluate_capabilities,
    evaluate_outputs,
    prepare_deployment,
    required_secrets,
)
from cloudwright.planning.dependencies import CapabilityUse, capability_uses
from cloudwright.storage import (
    blueprints,
    dependencies,
    deployment_groups,
    deployments,
    instances,
    sites,
    workers,
)
from cloudwright.storage.executions import recorded
from cloudwright.storage.records import Blueprint, Deployment, JsonObject
from cloudwright.storage.store import Connection, Store

#: What a deployment's settings may hold, each a number and none below the one given here.
SETTINGS: Mapping[str, float] = {
    "cancel_grace_seconds": 0,
    "task_retries": -1,
    "task_retry_interval": 0,
    "task_retry_backoff": 1,
    "subgraph_retries": -1,
}


class UnknownSecrets(InvalidInput):
    """The blueprint's functions ask for secrets that the user does not have."""

    code = "unknown_deployment_secret_error"


class Deployments:
    """``new_id`` makes the suffixes of node instances' IDs; ``workdirs`` is where plugins keep things."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        workdirs: Path,
        secrets: Secrets,
        *,
        forget_agents: Callable[[str, str], None] = lambda tenant, id: None,
    ) -> None:
        """``forget_agents`` is called with a deployment whose agents were deleted with it."""
        self._forget_agents = forget_agents
        self._store = store
        self._secrets = secrets
        self._bus = bus
        self._clock = clock
        self._new_id = new_id
        self._workdirs = workdirs

    async def create(
        self,
        tenant: str,
        id: str,
        blueprint_id: str,
        inputs: Mapping[str, Any],
        *,
        viewer: Viewer,
        display_name: str | None = None,
        labels: Iterable[tuple[str, str]] = (),
        visibility: str = "tenant",
        site_name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        runtime_only_evaluation: bool = False,
        auto_correct_types: bool = False,
        group_id: str | None = None,
    ) -> Deployment:
        """Make a deployment with its nodes and node instances, in a group if one is given; nothing is
        installed yet.

        ``auto_correct_types`` takes text in ``inputs`` for the number or boolean that it looks like, where
        one is declared. Raises InvalidInput, NotFound (blueprint, site), IllegalAction (the blueprint is not
        uploaded), Conflict, BadInputs, EvaluationError and UnknownSecrets.
        """
        by = viewer.username
        check_id("deployment", id)
        check_visibility(visibility)
        _check_settings(settings or {})
        now = self._clock()
        given = [(label["key"], label["value"]) for label in make_labels(labels, by=by, now=now)]
        blueprint = await self._store.read(_deployable_blueprint, tenant, id, blueprint_id)
        system = SystemFacts(id, tenant, blueprint_id, by or "", display_name or id)
        # In a thread: large plans take a while, and other requests should not wait for them.
        plan, instances = await asyncio.to_thread(
            self._prepare, blueprint, inputs, system, viewer, runtime_only_evaluation, auto_correct_types
        )
        from_plan = [(key, str(value)) for key, values in plan.labels.items() for value in values]
        new = Deployment(
            id=id,
            blueprint_id=blueprint_id,
            tenant=tenant,
            display_name=display_name or str(plan.settings.get("display_name") or id),
            description=plan.description,
            inputs=plan.inputs,
            outputs=plan.outputs,
            capabilities=plan.capabilities,
            workflows=plan.workflows,
            groups=plan.groups,
            policies=plan.policies,
            scaling_groups=plan.scaling_groups,
            labels=make_labels([*given, *from_plan], by=by, now=now),
            resource_tags=plan.resource_tags,
            runtime_only_evaluation=runtime_only_evaluation,
            visibility=visibility,
            site_name=site_name,
            created_by=by,
            settings=dict(settings or {}),
            create_execution=self._new_id(),
        )
        uses = await asyncio.to_thread(capability_uses, plan.nodes, plan.outputs, plan.capabilities)
        # Its own capabilities are no dependency.
        made = [(self._new_id(), use) for use in uses if use.target != id]
        schedules = await asyncio.to_thread(default_schedules, plan.settings, new, now)

        def beside(conn: Connection) -> None:
            if group_id is not None:
                deployment_groups.add_members(conn, tenant, group_id, [id], now)
            add_defaults(conn, plan.settings, new, schedules, now)

        stored = await self._store.write(
            _create, new, plan.nodes, instances, inputs, beside, made, now, self._clock()
        )
        if schedules:
            self._bus.publish(topics.SCHEDULES, {})
        self._publish(tenant, id, "created")
        return stored

    async def warnings(self, tenant: str, id: str) -> list[Problem]:
        """Return a warning for each kind of thing in the deployment that cannot run in this version."""
        return await self._store.read(deployment_warnings, tenant, id)

    async def delete(
        self,
        tenant: str,
        id: str,
        *,
        force: bool = False,
        recursive: bool = False,
        by: str | None = None,
        caller: Caller | None = None,
    ) -> Deployment:
        """Delete a deployment with its nodes, its node instances and what plugins kept; its executions stay.

        ``recursive`` deletes the deployments before that are a part of it by their label. Raises NotFound,
        and without ``force`` DependentExists if an execution is not over, something is still installed, or
        another deployment than that of ``caller`` uses it.
        """
        for part in await self._store.read(dependencies.parts, tenant, id) if recursive else ():
            if part != id:
                await self.delete(tenant, part, force=force, recursive=True, by=by)
        deployment = await self._store.write(
            _delete, tenant, id, force, self._new_id(), by, caller, self._clock()
        )
        self._forget_agents(tenant, id)
        await asyncio.to_thread(shutil.rmtree, self._workdirs / tenant / id, ignore_errors=True)
        self._publish(tenant, id, "deleted")
        return deployment

    async def delete_many(
        self,
        tenant: str,
        ids: Sequence[str],
        *,
        force: bool = False,
        by: str | None = None,
        beside: Callable[[Connection], object] | None = None,
    ) -> None:
        """Delete deployments, all or none of them; ``beside`` is done in the same transaction.

        Raises as ``delete``.
        """
        executions = [self._new_id() for _ in ids]
        await self._store.write(_delete_many, tenant, ids, force, executions, by, self._clock(), beside)
        for id in ids:
            self._forget_agents(tenant, id)
            await asyncio.to_thread(shutil.rmtree, self._workdirs / tenant / id, ignore_errors=True)
            self._publish(tenant, id, "deleted")

    async def set_site(self, tenant: str, id: str, site_name: str | None) -> Deployment:
        """Say to which site it belongs, if to any. Raises NotFound."""
        return await self._store.write(_set_site, tenant, id, site_name, self._clock())

    async def zip_workdir(self, tenant: str, id: str) -> bytes:
        """Return what plugins keep in the deployment's working folder, as a zip."""
        return await asyncio.to_thread(zip_folder, self._workdirs / tenant / id)

    async def set_labels(
        self, tenant: str, id: str, labels: Iterable[tuple[str, str]], *, by: str
    ) -> Deployment:
        """Replace the labels. Raises NotFound, InvalidInput."""
        now = self._clock()
        made = make_labels(labels, by=by, now=now)
        return await self._store.write(_set_labels, tenant, id, made, now)

    async def outputs(self, viewer: Viewer, tenant: str, id: str) -> Any:
        """Return the values of the outputs by name, as they are now. Raises NotFound."""
        return await self._read(viewer, _outputs, tenant, id)

    async def capabilities(self, viewer: Viewer, tenant: str, id: str) -> Any:
        """Return the values of the capabilities by name, as they are now. Raises NotFound."""
        return await self._read(viewer, _capabilities, tenant, id)

    async def evaluate(
        self,
        viewer: Viewer,
        tenant: str,
        id: str,
        value: Any,
        *,
        self_id: str | None = None,
        source_id: str | None = None,
        target_id: str | None = None,
    ) -> Any:
        """``value`` with its functions evaluated as things are now.

        ``self_id``, ``source_id`` and ``target_id`` are the node instances, or the only ones of nodes, that
        SELF, SOURCE and TARGET stand for. Raises NotFound, EvaluationError.
        """
        subjects = {"self_id": self_id, "source_id": source_id, "target_id": target_id}
        return await self._read(viewer, _evaluate, tenant, id, value, subjects)

    async def update_instance(
        self,
        tenant: str,
        id: str,
        *,
        version: int | None,
        runtime_properties: dict[str, Any] | None,
        state: str | None,
    ) -> NodeInstance:
        """Change a node instance. ``version`` is what the caller has read, or one more; None is not compared.

        Raises NotFound, and Conflict if it was changed meanwhile.
        """
        instance = await self._store.write(
            _update_instance, tenant, id, version, runtime_properties, state, self._clock()
        )
        self._publish(tenant, instance.deployment_id, "changed")
        return instance

    def _prepare(
        self,
        blueprint: Blueprint,
        inputs: Mapping[str, Any],
        system: SystemFacts,
        viewer: Viewer,
        runtime_only: bool,
        auto_correct: bool,
    ) -> tuple[DeploymentPlan, list[NodeInstance]]:
        assert blueprint.plan is not None
        whole = Plan.from_json(blueprint.plan)
        plan = prepare_deployment(
            whole,
            inputs,
            sys=system,
            runtime_only_evaluation=runtime_only,
            auto_correct_types=auto_correct,
            lookup=InputReferences(
                self._store,
                system.tenant,
                whole,
                lambda conn: self._secrets.reader(conn, lambda: viewer, system.tenant),
            ),
        )
        required = required_secrets(whole, plan)
        absent = self._store.read_sync(missing, viewer, system.tenant, required) if required else []
        if absent:
            raise UnknownSecrets(
                f"Required secrets: [{', '.join(absent)}] don't exist in this tenant. Create them with "
                "`cfy secrets create KEY`."
            )
        instances = create_instances(
            plan.nodes,
            plan.scaling_groups,
            deployment_id=system.deployment_id,
            new_id=lambda name: f"{name}_{instance_suffix(self._new_id())}",
        )
        return plan, instances

    async def _read(self, viewer: Viewer, query: Callable[..., Any], tenant: str, id: str, *more: Any) -> Any:
        """Return what ``query`` evaluates in a deployment with what the viewer sees."""

        def look(conn: Connection) -> tuple[Any, SecretReader]:
            deployment = deployments.get(conn, tenant, id)
            secret = self._secrets.reader(conn, lambda: viewer, tenant)
            return query(deployment, *more, partial(stored_scope, conn, deployment, secret)), secret

        evaluated, secret = await self._store.read(look)
        self._secrets.learn(viewer, secret.known.values())
        return evaluated

    def _publish(self, tenant: str, id: str, what: str) -> None:
        self._bus.publish(topics.deployment(tenant, id), {"state": what})


def _check_settings(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if name not in SETTINGS:
            raise InvalidInput(
                f"`{name[:200]}` is not a setting of a deployment; they are: {', '.join(sorted(SETTINGS))}."
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or value < SETTINGS[name]:
            raise InvalidInput(f"The setting `{name}` must be a number, {SETTINGS[name]} or more.")


def _deployable_blueprint(conn: Connection, tenant: str, id: str, blueprint_id: str) -> Blueprint:
    blueprint = blueprints.get(conn, tenant, blueprint_id, with_plan=True)
    if blueprint.state != UPLOADED:
        raise IllegalAction(
            f"Blueprint `{blueprint_id}` is `{blueprint.state}`; deployments are made from one that is"
            f" `{UPLOADED}`."
        )
    try:
        deployments.get(conn, tenant, id)
    except NotFound:
        return blueprint
    raise Conflict(f"There is a deployment `{id}` already. Delete it, or use another id.")


def _create(
    conn: Connection,
    new: Deployment,
    nodes: Sequence[JsonObject],
    made: Sequence[NodeInstance],
    inputs: Mapping[str, Any],
    beside: Callable[[Connection], None],
    uses: Sequence[tuple[str, CapabilityUse]],
    began: datetime,
    now: datetime,
) -> Deployment:
    if new.site_name is not None:
        sites.get(conn, new.tenant, new.site_name)
    stored = deployments.create(conn, new, nodes, made, now)
    beside(conn)
    assert new.create_execution is not None
    recorded.record(
        conn,
        recorded.Recorded.CREATE_DEPLOYMENT,
        new.create_execution,
        new.tenant,
        deployment_id=new.id,
        blueprint_id=new.blueprint_id,
        parameters={"inputs": dict(inputs), "display_name": new.display_name},
        by=new.created_by,
        began=began,
        ended=now,
    )
    for dependency_id, use in uses:
        dependencies.add(conn, dependency_of(new, dependency_id, use, now))
    return stored


def _delete(
    conn: Connection,
    tenant: str,
    id: str,
    force: bool,
    execution_id: str,
    by: str | None,
    caller: Caller | None,
    now: datetime,
    together: Sequence[str] = (),
) -> Deployment:
    deployment = deployments.get(conn, tenant, id)
    if not force:
        check_unused(conn, tenant, id, "deleted", caller, together=together)
    dependencies.remove_of(conn, tenant, id)
    recorded.record(
        conn,
        recorded.Recorded.DELETE_DEPLOYMENT,
        execution_id,
        tenant,
        deployment_id=id,
        blueprint_id=deployment.blueprint_id,
        parameters={"force": force},
        by=by,
        began=now,
        ended=now,
    )
    deleted = deployments.delete(conn, tenant, id, force=force)
    workers.delete_of_deployment(conn, tenant, id, now)
    return deleted


def _delete_many(
    conn: Connection,
    tenant: str,
    ids: Sequence[str],
    force: bool,
    executions: Sequence[str],
    by: str | None,
    now: datetime,
    beside: Callable[[Connection], object] | None,
) -> None:
    for id, execution_id in zip(ids, executions, strict=True):
        _delete(conn, tenant, id, force, execution_id, by, None, now, ids)
    if beside is not None:
        beside(conn)


def _set_site(conn: Connection, tenant: str, id: str, site_name: str | None, now: datetime) -> Deployment:
    if site_name is not None:
        sites.get(conn, tenant, site_name)
    return deployments.update(conn, tenant, id, now, site_name=site_name)


def _set_labels(
    conn: Connection, tenant: str, id: str, labels: list[dict[str, Any]], now: datetime
) -> Deployment:
    return deployments.update(conn, tenant, id, now, labels=labels)


def _update_instance(
    conn: Connection,
    tenant: str,
    id: str,
    version: int | None,
    runtime_properties: dict[str, Any] | None,
    state: str | None,
    now: datetime,
) -> NodeInstance:
    if version is not None:
        current = instances.get_instance(conn, tenant, id).version
        # Some clients send what they have read, and some what it will be.
        version = current if version == current + 1 else version
    return instances.update_instance(
        conn,
        tenant,
        id,
        version=version,
        runtime_properties=runtime_properties,
        state=state,
        now=now,
    )


def _outputs(deployment: Deployment, scope: Callable[..., Scope]) -> dict[str, Any]:
    return evaluate_outputs(deployment.outputs, scope())


def _capabilities(deployment: Deployment, scope: Callable[..., Scope]) -> dict[str, Any]:
    return evaluate_capabilities(deployment.capabilities, scope())


def _evaluate(
    _: Deployment, value: Any, subjects: Mapping[str, str | None], scope: Callable[..., StoredScope]
) -> Any:
    ids = {role: None if name is None else instance_named(scope(), name) for role, name in subjects.items()}
    return evaluate(value, scope(**ids))
