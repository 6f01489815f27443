"""An update of a deployment to another blueprint or other inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class UpdateState(StrEnum):
    # Shown, and not stored.
    PREVIEW = "preview"
    # Its execution is going on: before the new plan holds, and after.
    UPDATING = "updating"
    EXECUTING_WORKFLOW = "executing_workflow"
    SUCCESSFUL = "successful"
    # Its execution ended first: some of it may be done.
    FAILED = "failed"
    CANCELLED = "cancelled"


#: In these the execution of an update is going on.
GOING_ON = frozenset({UpdateState.UPDATING, UpdateState.EXECUTING_WORKFLOW})


@dataclass(frozen=True, slots=True)
class DeploymentUpdate:
    """One update.

    ``switched`` is whether the new plan holds: until then instances are taken down by the old one, after it
    they are made by the new one. ``target`` is what the deployment is to be, ``before`` what it was: columns
    of the deployment, and its nodes. ``topology`` has the instances that are added, the ids of those that are
    removed, all relationships of those that keep some and lose or gain others, and ``changes``: what becomes
    of which instance and why, as far as it was known when the update was planned. ``changed`` says for each
    node that stays and changes what of it does; ``digest`` is of all that the plan was made from.
    ``is_rollback``: it leads back to what was before another one.
    """

    id: str
    tenant: str
    deployment_id: str
    state: UpdateState
    execution_id: str | None
    old_blueprint_id: str
    new_blueprint_id: str
    old_inputs: dict[str, Any] = field(repr=False)
    new_inputs: dict[str, Any] = field(repr=False)
    steps: list[dict[str, Any]]
    changed: dict[str, list[str]]
    options: dict[str, Any]
    target: dict[str, Any] = field(repr=False)
    before: dict[str, Any] = field(repr=False)
    topology: dict[str, Any] = field(repr=False)
    switched: bool = False
    digest: str | None = None
    reason: str | None = None
    created_by: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    is_rollback: bool = False
