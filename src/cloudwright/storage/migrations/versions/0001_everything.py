"""Every table of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "writers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_writers")),
    )
    op.create_table(
        "blueprints",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("main_file_name", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("path", sa.Text()),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("upload_execution", sa.Text()),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_blueprints")),
    )
    op.create_table(
        "executions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text()),
        sa.Column("blueprint_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("is_system_workflow", sa.Boolean(), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("allow_custom_parameters", sa.Boolean(), nullable=False),
        sa.Column("wait_after_fail", sa.Integer(), nullable=False),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("scheduled_for", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("owner", sa.Text()),
        sa.Column("term", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("resumed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reset_operations", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("cancel_mode", sa.Text()),
        sa.Column("cancel_requested_by", sa.Text()),
        sa.Column("cancel_requested_at", MOMENT),
        sa.Column("deadline", MOMENT),
        sa.Column("total_operations", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished_operations", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
    )
    op.create_index(op.f("ix_executions_created_at"), "executions", ["created_at"])
    op.create_index(op.f("ix_executions_status_created_at"), "executions", ["status", "created_at"])
    op.create_index(op.f("ix_executions_tenant_created_at"), "executions", ["tenant", "created_at"])
    op.create_index(
        op.f("ix_executions_tenant_deployment_id_created_at"),
        "executions",
        ["tenant", "deployment_id", "created_at"],
    )
    op.create_index(
        op.f("ix_executions_tenant_deployment_id_status"), "executions", ["tenant", "deployment_id", "status"]
    )
    op.create_table(
        "plugins",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("package_name", sa.Text(), nullable=False),
        sa.Column("package_version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("archive_name", sa.Text()),
        sa.Column("distribution", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("path", sa.Text()),
        sa.Column("plugin_yaml", sa.Text()),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_plugins")),
    )
    op.create_index(
        op.f("ix_plugins_tenant_package_name_package_version"),
        "plugins",
        ["tenant", "package_name", "package_version"],
    )
    op.create_table(
        "secrets",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value_encrypted", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("is_hidden_value", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_secrets")),
    )
    op.create_table(
        "tenants",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tenants")),
    )
    op.create_table(
        "users",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_users")),
    )
    op.create_table(
        "deployments",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("blueprint_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.Column("capabilities", sa.Text(), nullable=False),
        sa.Column("workflows", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("scaling_groups", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("resource_tags", sa.Text(), nullable=False),
        sa.Column("runtime_only_evaluation", sa.Boolean(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("site_name", sa.Text()),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "blueprint_id"],
            ["blueprints.tenant", "blueprints.id"],
            name=op.f("fk_deployments_tenant"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_deployments")),
    )
    op.create_index(op.f("ix_deployments_tenant_blueprint_id"), "deployments", ["tenant", "blueprint_id"])
    op.create_table(
        "events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("timestamp", MOMENT, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text()),
        sa.Column("level", sa.Text()),
        sa.Column("logger", sa.Text()),
        sa.Column("node_instance_id", sa.Text()),
        sa.Column("source_id", sa.Text()),
        sa.Column("target_id", sa.Text()),
        sa.Column("operation", sa.Text()),
        sa.Column("operation_id", sa.Text()),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name=op.f("fk_events_execution_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_execution_id_id"), "events", ["execution_id", "id"])
    op.create_index(op.f("ix_events_timestamp"), "events", ["timestamp"])
    op.create_table(
        "graphs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name=op.f("fk_graphs_execution_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_graphs")),
    )
    op.create_index(op.f("ix_graphs_execution_id"), "graphs", ["execution_id"])
    op.create_table(
        "operations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("graph_id", sa.Text()),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("depends_on", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("failure", sa.Text()),
        sa.Column("plugin", sa.Text()),
        sa.Column("executor", sa.Text()),
        sa.Column("instance_id", sa.Text()),
        sa.Column("source_id", sa.Text()),
        sa.Column("target_id", sa.Text()),
        sa.Column("worker", sa.Text()),
        sa.Column("pid", sa.Integer()),
        sa.Column("term", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name=op.f("fk_operations_execution_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
    )
    op.create_index(op.f("ix_operations_execution_id_state"), "operations", ["execution_id", "state"])
    op.create_index(
        "ix_operations_started",
        "operations",
        ["execution_id"],
        unique=False,
        sqlite_where=sa.text("state = 'started'"),
        postgresql_where=sa.text("state = 'started'"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("last_used", MOMENT),
        sa.ForeignKeyConstraint(
            ["username"], ["users.username"], name=op.f("fk_tokens_username"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_username"), "tokens", ["username"])
    op.create_table(
        "nodes",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("planned_instances", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "deployment_id"],
            ["deployments.tenant", "deployments.id"],
            name=op.f("fk_nodes_tenant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "deployment_id", "id", name=op.f("pk_nodes")),
    )
    op.create_table(
        "node_instances",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.Text(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("host_id", sa.Text()),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("runtime_properties", sa.Text(), nullable=False),
        sa.Column("relationships", sa.Text(), nullable=False),
        sa.Column("scaling_groups", sa.Text(), nullable=False),
        sa.Column("system_properties", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "deployment_id", "node_id"],
            ["nodes.tenant", "nodes.deployment_id", "nodes.id"],
            name=op.f("fk_node_instances_tenant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_node_instances")),
    )
    op.create_index(
        op.f("ix_node_instances_tenant_deployment_id_node_id"),
        "node_instances",
        ["tenant", "deployment_id", "node_id"],
    )


def downgrade() -> None:
    for table in (
        "node_instances",
        "nodes",
        "tokens",
        "operations",
        "graphs",
        "events",
        "deployments",
        "users",
        "tenants",
        "secrets",
        "plugins",
        "executions",
        "blueprints",
        "writers",
    ):
        op.drop_table(table)
