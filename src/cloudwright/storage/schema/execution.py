"""Executions, and how many tasks each has."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text, false, text

from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.storage.columns import EnumText, Json, UtcDateTime
from cloudwright.storage.schema.base import metadata

# No foreign key to deployments: the history of a deleted deployment stays.
executions = Table(
    "executions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("deployment_id", Text),
    Column("blueprint_id", Text),
    Column("status", EnumText(ExecutionStatus), nullable=False),
    Column("error", Text),
    Column("parameters", Json, nullable=False),
    Column("is_system_workflow", Boolean, nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("allow_custom_parameters", Boolean, nullable=False),
    Column("wait_after_fail", Integer, nullable=False),
    Column("force", Boolean, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("scheduled_for", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("owner", Text),
    Column("term", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", UtcDateTime),
    Column("resumed", Integer, nullable=False, server_default=text("0")),
    Column("reset_operations", Boolean, nullable=False, server_default=false()),
    Column("cancel_mode", EnumText(CancelMode)),
    Column("cancel_requested_by", Text),
    Column("cancel_requested_at", UtcDateTime),
    Column("deadline", UtcDateTime),
    # How long it may run (seconds) before it is cancelled; and until when that is, since it was last started.
    Column("timeout", Float),
    Column("expires_at", UtcDateTime),
    # Operations that were sent under this term or before are to be killed, although the execution is over.
    Column("kill_term", Integer, nullable=False, server_default=text("0")),
    # The function of a workflow that can not be resumed was about to be called, and may have done anything.
    Column("workflow_entered", Boolean, nullable=False, server_default=false()),
    # How often its manager died while it ran, since it last ran for a while or was resumed by a user.
    Column("crashes", Integer, nullable=False, server_default=text("0")),
    # It was cancelled while it waited to be resumed: it waits for its children, and its workflow is not run.
    Column("is_idle", Boolean, nullable=False, server_default=false()),
    # The execution that started this one while it was being cancelled.
    Column("cleanup_of", Text),
    # The execution that waits for this one, the operation of it that started this one, and how many
    # executions are above this one in that way.
    Column("parent_id", Text),
    Column("parent_operation_id", Text),
    Column("depth", Integer, nullable=False, server_default=text("0")),
    # Its deployment was deleted; another one may have the same id by now.
    Column("deployment_gone", Boolean, nullable=False, server_default=false()),
    # Who alone sees it, besides those who administer the tenant: the creator of what it was of, which was
    # private and is deleted. Empty if that is not known.
    Column("private_to", Text),
    # The group of executions that it was started in.
    Column("group_id", Text),
    Index(None, "tenant", "deployment_id", "status"),
    Index(None, "tenant", "deployment_id", "created_at"),
    # The last column is there so that counting a list looks at nothing but the index.
    Index(None, "tenant", "created_at", "is_system_workflow"),
    Index(None, "status", "created_at"),
    Index(None, "created_at"),
    # Few have it. (PostgreSQL's index has the same condition, by its migration.)
    Index("ix_executions_cleanup_of", "cleanup_of", sqlite_where=text("cleanup_of IS NOT NULL")),
    Index("ix_executions_parent_id", "parent_id", sqlite_where=text("parent_id IS NOT NULL")),
    Index("ix_executions_group_id_status", "group_id", "status", sqlite_where=text("group_id IS NOT NULL")),
)

# Not in the execution's row: SQLite writes a whole row again, and its parameters may be large.
task_counts = Table(
    "task_counts",
    metadata,
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
    Column("total", Integer, nullable=False, server_default=text("0")),
    Column("finished", Integer, nullable=False, server_default=text("0")),
)
