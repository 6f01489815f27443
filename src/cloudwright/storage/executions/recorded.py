"""Executions of what the manager did by itself, stored when it is over: no workflow process ever runs them.

Clients of the API wait for them: for the end of an upload, and for a deployment to be created or deleted.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, insert, not_, true, update

from cloudwright.model.event import Event
from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage.events import insert_locked
from cloudwright.storage.json_codec import storable
from cloudwright.storage.prepared import Prepared
from cloudwright.storage.records import Blueprint, Deployment, JsonObject
from cloudwright.storage.schema import executions
from cloudwright.storage.visibility import PRIVATE


class Recorded(StrEnum):
    """The workflows of such executions."""

    UPLOAD_BLUEPRINT = "upload_blueprint"
    CREATE_DEPLOYMENT = "create_deployment_environment"
    DELETE_DEPLOYMENT = "delete_deployment_environment"
    CREATE_SNAPSHOT = "create_snapshot"
    RESTORE_SNAPSHOT = "restore_snapshot"


_COLUMNS = (
    "id",
    "tenant",
    "workflow_id",
    "deployment_id",
    "blueprint_id",
    "status",
    "error",
    "parameters",
    "is_system_workflow",
    "is_dry_run",
    "allow_custom_parameters",
    "wait_after_fail",
    "force",
    "created_by",
    "created_at",
    "started_at",
    "ended_at",
    "workflow_entered",
)
_INSERT = Prepared(insert(executions), _COLUMNS)
_LEAVE = Prepared(
    update(executions)
    .where(
        executions.c.tenant == bindparam("of_tenant"),
        executions.c.deployment_id == bindparam("deployment"),
        not_(executions.c.deployment_gone),
    )
    .values(deployment_gone=true(), private_to=bindparam("owner"))
)
_LEAVE_UPLOADS = Prepared(
    update(executions)
    .where(
        executions.c.tenant == bindparam("of_tenant"),
        executions.c.deployment_id.is_(None),
        executions.c.blueprint_id == bindparam("blueprint"),
        executions.c.private_to.is_(None),
    )
    .values(private_to=bindparam("owner"))
)


def leave_executions(conn: Connection, deployment: Deployment) -> None:
    """Store that the deployment of these executions is gone: a later one of its id does not get them, and who
    did not see it does not see them.
    """
    _LEAVE.run(conn, of_tenant=deployment.tenant, deployment=deployment.id, owner=_owner(deployment))


def leave_uploads(conn: Connection, blueprint: Blueprint) -> None:
    """Keep the uploads of a private blueprint private, which is deleted."""
    owner = _owner(blueprint)
    if owner is not None:
        _LEAVE_UPLOADS.run(conn, of_tenant=blueprint.tenant, blueprint=blueprint.id, owner=owner)


def _owner(it: Deployment | Blueprint) -> str | None:
    return (it.created_by or "") if it.visibility == PRIVATE else None


def record(
    conn: Connection,
    workflow: Recorded,
    id: str,
    tenant: str,
    *,
    deployment_id: str | None = None,
    blueprint_id: str | None = None,
    parameters: JsonObject,
    by: str | None,
    began: datetime,
    ended: datetime,
    error: str | None = None,
) -> None:
    """Store an execution that is over, with the events of its beginning and its end; ``error`` is why it
    failed.
    """
    error = None if error is None else storable(error)
    _INSERT.run(
        conn,
        id=id,
        tenant=tenant,
        workflow_id=workflow,
        deployment_id=deployment_id,
        blueprint_id=blueprint_id,
        status=ExecutionStatus.TERMINATED if error is None else ExecutionStatus.FAILED,
        error=error,
        parameters=parameters,
        is_system_workflow=False,
        is_dry_run=False,
        allow_custom_parameters=False,
        wait_after_fail=0,
        force=False,
        created_by=by,
        created_at=began,
        started_at=began,
        ended_at=ended,
        # There is no workflow that a resume could call again.
        workflow_entered=True,
    )
    what = deployment_id or blueprint_id or parameters.get("snapshot_id")
    end = "succeeded" if error is None else "failed"
    insert_locked(
        conn,
        [
            Event(id, began, f"`{workflow}` of `{what}` started", event_type="workflow_started"),
            Event(
                id,
                ended,
                f"`{workflow}` {end}" + (f": {error}" if error else ""),
                event_type=f"workflow_{end}",
                details={"error": error} if error else {},
            ),
        ],
    )
