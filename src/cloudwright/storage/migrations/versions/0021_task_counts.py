"""The tasks of an execution are counted as they change, in a table of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# An execution that was never claimed has none, and one that is over stored its numbers at its end.
COUNT = """
INSERT INTO task_counts (execution_id, total, finished)
SELECT id,
    CASE WHEN status IN ('terminated', 'failed', 'cancelled') THEN total_operations ELSE (
        SELECT count(*) FROM operations WHERE operations.execution_id = executions.id) END,
    CASE WHEN status IN ('terminated', 'failed', 'cancelled') THEN finished_operations ELSE (
        SELECT count(*) FROM operations WHERE operations.execution_id = executions.id
            AND operations.state IN ('succeeded', 'failed')) END
FROM executions
"""


def upgrade() -> None:
    op.create_table(
        "task_counts",
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["executions.id"],
            name="fk_task_counts_execution_id_executions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("execution_id", name="pk_task_counts"),
    )
    op.execute(COUNT)
    # By hand: Alembic would copy the whole table for SQLite, which can drop a column.
    for column in ("total", "finished"):
        op.execute(f"ALTER TABLE executions DROP COLUMN {column}_operations")


def downgrade() -> None:
    counts = sa.table("task_counts", *map(sa.column, ("execution_id", "total", "finished")))
    for name in ("total", "finished"):
        op.execute(f"ALTER TABLE executions ADD COLUMN {name}_operations INTEGER DEFAULT 0 NOT NULL")
        rows = sa.table("executions", sa.column("id"), sa.column(f"{name}_operations"))
        stored = sa.select(counts.c[name]).where(counts.c.execution_id == rows.c.id).scalar_subquery()
        op.execute(sa.update(rows).values({f"{name}_operations": sa.func.coalesce(stored, 0)}))
    op.drop_table("task_counts")
