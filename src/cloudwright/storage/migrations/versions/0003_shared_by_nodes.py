"""What a deployment's nodes share is stored once; nodes from before stay whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloudwright.model.node_packing import SHARED, Unpacking, unpack_plan
from cloudwright.storage.json_codec import dumps, loads

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


PACKED = sa.text("SELECT tenant, id, shared FROM deployments WHERE shared IS NOT NULL")
NODES = sa.text("SELECT id, node FROM nodes WHERE tenant = :tenant AND deployment_id = :deployment")
SET_NODE = sa.text(
    "UPDATE nodes SET node = :node WHERE tenant = :tenant AND deployment_id = :deployment AND id = :id"
)
PLANS = sa.text("SELECT tenant, id FROM blueprints WHERE plan IS NOT NULL")
PLAN = sa.text("SELECT plan FROM blueprints WHERE tenant = :tenant AND id = :id")
SET_PLAN = sa.text("UPDATE blueprints SET plan = :plan WHERE tenant = :tenant AND id = :id")


def upgrade() -> None:
    op.add_column("deployments", sa.Column("shared", sa.Text()))


def downgrade() -> None:
    conn = op.get_bind()
    for tenant, deployment, shared in conn.execute(PACKED).all():
        whole = Unpacking(loads(shared))
        key = {"tenant": tenant, "deployment": deployment}
        for id, node in conn.execute(NODES, key).all():
            conn.execute(SET_NODE, {**key, "id": id, "node": dumps(whole.node(loads(node)))})
    op.drop_column("deployments", "shared")
    # Plans were packed before too, but differently. Whole ones can be read by either.
    for tenant, id in conn.execute(PLANS).all():
        key = {"tenant": tenant, "id": id}
        plan = loads(conn.execute(PLAN, key).scalar_one())
        if SHARED in plan:
            conn.execute(SET_PLAN, {**key, "plan": dumps(unpack_plan(plan))})
