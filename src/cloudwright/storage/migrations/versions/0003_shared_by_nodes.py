"""What a deployment's nodes share is stored once; nodes from before stay whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cloudwright.model.packing import Unpacking
from cloudwright.storage.documents import dumps, loads

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


PACKED = sa.text("SELECT tenant, id, shared FROM deployments WHERE shared IS NOT NULL")
NODES = sa.text("SELECT id, node FROM nodes WHERE tenant = :tenant AND deployment_id = :deployment")
SET_NODE = sa.text(
    "UPDATE nodes SET node = :node WHERE tenant = :tenant AND deployment_id = :deployment AND id = :id"
)


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
