"""The tables, the same for SQLite and PostgreSQL.

Every change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    text,
)

from cloudwright.model.execution import CancelMode, ExecutionStatus
from cloudwright.model.operation import OperationState
from cloudwright.storage.columns import EnumText, Json, PlainJson, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# PostgreSQL only: the last batch that each writer committed, in case a commit's answer is lost with the
# connection.
writers = Table(
    "writers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch", BigInteger, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("name", Text, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("username", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, ForeignKey("users.username", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", Text, nullable=False),
    Column("description", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used", UtcDateTime),
)

secrets = Table(
    "secrets",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value_encrypted", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("is_hidden_value", Boolean, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

plugins = Table(
    "plugins",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("package_name", Text, nullable=False),
    Column("package_version", Text, nullable=False),
    Column("title", Text),
    Column("archive_name", Text),
    Column("distribution", Text),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("path", Text),
    Column("plugin_yaml", Json),
    Column("labels", Json, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "tenant", "package_name", "package_version"),
)

blueprints = Table(
    "blueprints",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("main_file_name", Text, nullable=False),
    Column("plan", Json),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("description", Text),
    Column("visibility", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("path", Text),
    Column("labels", Json, nullable=False),
    Column("upload_execution", Text),
)

deployments = Table(
    "deployments",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("blueprint_id", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("capabilities", Json, nullable=False),
    Column("workflows", Json, nullable=False),
    Column("groups", Json, nullable=False),
    Column("policies", Json, nullable=False),
    Column("scaling_groups", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("resource_tags", Json, nullable=False),
    Column("runtime_only_evaluation", Boolean, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("site_name", Text),
    Column("created_by", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("settings", Json, nullable=False),
    Column("shared", Json),  # what its nodes have in common (model.node_packing)
    ForeignKeyConstraint(["tenant", "blueprint_id"], ["blueprints.tenant", "blueprints.id"]),
    Index(None, "tenant", "blueprint_id"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("deployment_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("node", Json, nullable=False),
    Column("planned_instances", Integer, nullable=False),
    Column("position", Integer, nullable=False),  # nodes are listed as the blueprint has them
    ForeignKeyConstraint(
        ["tenant", "deployment_id"], ["deployments.tenant", "deployments.id"], ondelete="CASCADE"
    ),
)

node_instances = Table(
    "node_instances",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("deployment_id", Text, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("host_id", Text),
    Column("index", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("runtime_properties", Json, nullable=False),
    Column("relationships", Json, nullable=False),
    Column("scaling_groups", Json, nullable=False),
    Column("system_properties", Json, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "deployment_id", "node_id"],
        ["nodes.tenant", "nodes.deployment_id", "nodes.id"],
        ondelete="CASCADE",
    ),
    # The tenant is last, so that what looks for one instance can only find it by the primary key.
    Index(None, "deployment_id", "node_id", "tenant"),
)

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
    Column("begun", Boolean, nullable=False, server_default=false()),
    # How often its manager died while it ran, since it last ran for a while or was resumed by a user.
    Column("crashes", Integer, nullable=False, server_default=text("0")),
    # The execution that started this one while it was being cancelled.
    Column("cleanup_of", Text),
    # Written when the execution ends; counted from its operations until then.
    Column("total_operations", Integer, nullable=False, server_default=text("0")),
    Column("finished_operations", Integer, nullable=False, server_default=text("0")),
    Index(None, "tenant", "deployment_id", "status"),
    Index(None, "tenant", "deployment_id", "created_at"),
    # The last column is there so that counting a list looks at nothing but the index.
    Index(None, "tenant", "created_at", "is_system_workflow"),
    Index(None, "status", "created_at"),
    Index(None, "created_at"),
    # Few have it. (PostgreSQL's index has the same condition, by its migration.)
    Index("ix_executions_cleanup_of", "cleanup_of", sqlite_where=text("cleanup_of IS NOT NULL")),
)

graphs = Table(
    "graphs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

operations = Table(
    "operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), nullable=False),
    Column("graph_id", Text),
    Column(
        "position", Integer, nullable=False, server_default=text("0")
    ),  # tasks are listed as they were stored
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", EnumText(OperationState), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("depends_on", Json, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("result", Json),
    Column("failure", Json),
    Column("plugin", Text),
    Column("executor", Text),
    Column("instance_id", Text),
    Column("source_id", Text),
    Column("target_id", Text),
    Column("worker", Text),
    Column("pid", Integer),
    Column("term", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index(None, "execution_id", "state"),
    # What runs now is asked for often and is little, whatever the history holds. (PostgreSQL's index has the
    # same condition, by its migration: said here, it would load that dialect for SQLite too.)
    Index("ix_operations_started", "execution_id", sqlite_where=text("state = 'started'")),
)

events = Table(
    "events",
    metadata,
    # SQLite counts up by itself only in a column that is exactly INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("execution_id", Text, ForeignKey("executions.id", ondelete="CASCADE"), nullable=False),
    Column("timestamp", UtcDateTime, nullable=False),
    Column("message", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event_type", Text),
    Column("level", Text),
    Column("logger", Text),
    Column("node_instance_id", Text),
    Column("source_id", Text),
    Column("target_id", Text),
    Column("operation", Text),
    Column("operation_id", Text),
    Column("details", PlainJson, nullable=False),
    Index(None, "execution_id", "id"),
    Index(None, "timestamp"),
    # An id is never given twice, so that a follower who remembers the last one misses nothing.
    sqlite_autoincrement=True,
)
