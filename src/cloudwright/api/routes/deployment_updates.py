"""Updates of deployments: shown, started, taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import (
    ContextDep,
    FieldsDep,
    ListQueryDep,
    RequestContext,
    check_fields,
    split_values,
)
from cloudwright.api.responses import JsonResponse, list_page, optional_timestamp, pick_fields
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager.deployment_updates import OPTIONS, StartUpdate
from cloudwright.model import rest
from cloudwright.model.deployment_update import DeploymentUpdate, UpdateState
from cloudwright.model.permissions import Permission
from cloudwright.storage import deployment_updates

router = resource_router("deployment updates", "/deployment-updates")

_Names = Annotated[list[str] | None, Query()]


class NewUpdate(BaseModel):
    """``preview`` shows what would be done, ``digest`` does it only if that is still so.

    ``reevaluate_active_statuses`` is accepted and without effect: an update whose execution is over is never
    in the way. ``update_plugins`` is accepted as true: plugins are those of the blueprint. ``as_child``: the
    execution that asks waits for the one that is started.
    """

    blueprint_id: str | None = None
    inputs: dict[str, Any] | None = None
    skip_install: bool = False
    skip_uninstall: bool = False
    skip_reinstall: bool = False
    skip_drift_check: bool = False
    skip_heal: bool = False
    force_reinstall: bool = False
    ignore_failure: bool = False
    install_first: bool = False
    reinstall_list: list[str] | None = None
    workflow_id: str | None = None
    force: bool = False
    preview: bool = False
    update_plugins: bool = True
    runtime_only_evaluation: bool | None = None
    auto_correct_types: bool | None = None
    reevaluate_active_statuses: bool | None = None
    digest: str | None = None
    as_child: bool = False


class NewRollback(BaseModel):
    """``preview`` shows what would be done, ``digest`` does it only if that is still so. Instances in
    ``skip`` are left as they are; those that the deployment loses are listed in it as ``left_behind``.
    """

    preview: bool = False
    digest: str | None = None
    skip: list[str] = []


@router.post("/{deployment_id}/update/initiate", response_model=rest.DeploymentUpdate)
@requires(Permission.DEPLOYMENT_UPDATE_CREATE)
async def initiate_update(context: ContextDep, deployment_id: str, new: NewUpdate) -> JsonResponse:
    """Update a deployment to another blueprint, other inputs, or both."""
    for name, value in (("workflow_id", new.workflow_id), ("update_plugins", not new.update_plugins)):
        if value:
            raise InvalidInput(f"`{name}` is not supported: an update runs the workflow `update`.")
    if new.blueprint_id:
        await context.check_seen("blueprints", new.blueprint_id)
    request = StartUpdate(
        tenant=context.tenant,
        deployment_id=deployment_id,
        viewer=context.viewer,
        blueprint_id=new.blueprint_id,
        inputs=new.inputs or {},
        options={name: getattr(new, name) for name in OPTIONS if name != "skip"},
        force=new.force,
        runtime_only_evaluation=new.runtime_only_evaluation,
        auto_correct_types=bool(new.auto_correct_types),
        digest=new.digest,
        caller=context.caller,
        as_child=new.as_child,
    )
    service = context.manager.deployment_updates
    return _answer(await (service.preview(request) if new.preview else service.start(request)))


@router.post("/{deployment_id}/update/rollback", response_model=rest.DeploymentUpdate)
@requires(Permission.DEPLOYMENT_UPDATE_CREATE)
async def rollback_update(
    context: ContextDep, deployment_id: str, wanted: NewRollback | None = None
) -> JsonResponse:
    """Update a deployment to what it was before its last update."""
    service = context.manager.deployment_updates
    wanted = wanted or NewRollback()
    request = await service.rollback_request(context.viewer, context.tenant, deployment_id, wanted.skip)
    request = replace(request, digest=wanted.digest, caller=context.caller)
    return _answer(await (service.preview(request) if wanted.preview else service.start(request)))


@router.get("", response_model=rest.Page[rest.DeploymentUpdate])
@requires(Permission.DEPLOYMENT_UPDATE_LIST)
async def list_updates(
    context: ContextDep, query: ListQueryDep, deployment_id: _Names = None, state: _Names = None
) -> JsonResponse:
    check_fields(query.fields, rest.DeploymentUpdate)
    states = split_values(state)
    unknown = [name for name in states or () if name not in tuple(UpdateState)]
    if unknown:
        raise InvalidInput(f"`{unknown[0][:200]}` is not a state; they are: {', '.join(UpdateState)}.")
    rows, total = await context.manager.store.read_page(
        deployment_updates.list_updates,
        query.tenant(context),
        query.page,
        deployment_ids=split_values(deployment_id),
        states=states,
    )
    return list_page([_record(row) for row in rows], total, query.page, query.fields)


@router.get("/{id}", response_model=rest.DeploymentUpdate)
@requires(Permission.DEPLOYMENT_UPDATE_GET)
async def get_update(context: ContextDep, id: str, fields: FieldsDep) -> JsonResponse:
    check_fields(fields, rest.DeploymentUpdate)
    return JsonResponse(pick_fields(await _read(context, id), fields))


async def _read(context: RequestContext, id: str) -> rest.DeploymentUpdate:
    return _record(await context.manager.store.read(deployment_updates.get, context.tenant, id))


def _answer(row: DeploymentUpdate) -> JsonResponse:
    return JsonResponse(_record(row))


def _record(row: DeploymentUpdate) -> rest.DeploymentUpdate:
    topology = row.topology
    schedules = row.target.get("schedules") or {"create": {}, "delete": []}
    return {
        "id": row.id,
        "deployment_id": row.deployment_id,
        "state": str(row.state),
        "execution_id": row.execution_id,
        "old_blueprint_id": row.old_blueprint_id,
        "new_blueprint_id": row.new_blueprint_id,
        "old_inputs": row.old_inputs,
        "new_inputs": row.new_inputs,
        "steps": [
            {"action": step["action"], "entity_type": step["kind"], "entity_id": step["entity"].split(":")}
            for step in row.steps
        ],
        "options": row.options,
        "changed": row.changed,
        "instance_changes": topology.get("changes", []),
        "modified_entity_ids": {"node": sorted(row.changed)},
        "deployment_plan": row.target["columns"] | {"nodes": row.target["nodes"]},
        "deployment_update_nodes": row.target["nodes"],
        "deployment_update_node_instances": {
            "added_and_related": topology["added"],
            "removed_and_related": [{"id": id} for id in topology["removed"]],
            "extended_and_related": [{"id": id, "targets": to} for id, to in topology["extended"].items()],
            "reduced_and_related": [{"id": id, "targets": to} for id, to in topology["reduced"].items()],
        },
        "labels_to_create": _new_labels(row),
        "recursive_dependencies": [],
        "schedules_to_create": [{"id": id, **entry} for id, entry in schedules["create"].items()],
        "schedules_to_delete": schedules["delete"],
        "central_plugins_to_install": [],
        "central_plugins_to_uninstall": [],
        "runtime_only_evaluation": row.target["columns"]["runtime_only_evaluation"],
        "switched": row.switched,
        "is_rollback": row.is_rollback,
        "digest": row.digest,
        "reason": row.reason,
        "created_at": optional_timestamp(row.created_at),
        "ended_at": optional_timestamp(row.ended_at),
        "tenant_name": row.tenant,
        "created_by": row.created_by,
        "visibility": "tenant",
    }


def _new_labels(row: DeploymentUpdate) -> list[dict[str, Any]]:
    before = row.before["columns"]["labels"]
    return [label for label in row.target["columns"]["labels"] if label not in before]
