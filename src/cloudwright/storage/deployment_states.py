"""Whether deployments are installed, and how they are: conditions that lists are narrowed and counted by.

``api.serializers`` says the same of a deployment that was read.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Text, and_, case, exists, func, not_, select, type_coerce

from cloudwright.model.execution import END_STATUSES, ExecutionStatus
from cloudwright.storage.columns import is_any
from cloudwright.storage.resources.expressions import constant
from cloudwright.storage.schema import deployments, executions, node_instances

_WELL = constant("started")
_ITS_INSTANCES = (
    node_instances.c.deployment_id == deployments.c.id,
    node_instances.c.tenant == deployments.c.tenant,
)
_INSTALLED = and_(
    exists().where(*_ITS_INSTANCES).correlate(deployments),
    not_(exists().where(*_ITS_INSTANCES, node_instances.c.state != _WELL).correlate(deployments)),
)
_ITS_LATEST = (
    select(executions.c.status)
    .where(
        executions.c.tenant == deployments.c.tenant,
        executions.c.deployment_id == deployments.c.id,
        not_(executions.c.deployment_gone),
    )
    .order_by(executions.c.created_at.desc(), executions.c.id)
    .limit(1)
    .correlate(deployments)
    .scalar_subquery()
)
# A deployment may have none.
_LATEST = func.coalesce(type_coerce(_ITS_LATEST, Text), constant("none"))
_UNFINISHED = frozenset(ExecutionStatus) - END_STATUSES

INSTALLATION_STATUS: ColumnElement[str] = case((_INSTALLED, constant("active")), else_=constant("inactive"))
DEPLOYMENT_STATUS: ColumnElement[str] = case(
    (is_any(_LATEST, _UNFINISHED), constant("in_progress")),
    (and_(_INSTALLED, not_(is_any(_LATEST, {ExecutionStatus.FAILED}))), constant("good")),
    else_=constant("requires_attention"),
)
