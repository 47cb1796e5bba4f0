"""What must not be started any more: revocations, and the artifacts they cover.

Revision ID: 0003
Revises: 0002; there is no way back but a backup
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and let revisions be found by their artifact; no proof bore a revocation before."""
    op.create_table(
        "revocations",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT),
        sa.Column("undone_reason", sa.Text(), nullable=False),
    )
    op.create_table(
        "revoked_artifacts",
        sa.Column("revocation", sa.BigInteger(), sa.ForeignKey("revocations.number"), primary_key=True),
        sa.Column("artifact", sa.String(), primary_key=True),
    )
    op.create_index("revoked_artifacts_by_artifact", "revoked_artifacts", ["artifact"])
    counters = sa.table("counters", sa.column("name", sa.String()), sa.column("value", sa.BigInteger()))
    op.bulk_insert(counters, [{"name": "revocation", "value": 0}])
    op.drop_column("proofs", "revoked")
    _name_artifacts()


def _name_artifacts() -> None:
    revisions = sa.table(
        "revisions",
        sa.column("fleet", sa.String()),
        sa.column("id", sa.String()),
        sa.column("artifact", sa.String()),
        sa.column("document", sa.Text()),
    )
    op.add_column("revisions", sa.Column("artifact", sa.String(), nullable=False, server_default=""))
    connection = op.get_bind()
    for row in connection.execute(sa.select(revisions)).all():
        one = (revisions.c.fleet == row.fleet) & (revisions.c.id == row.id)
        artifact = json.loads(row.document)["artifact"]
        connection.execute(sa.update(revisions).where(one).values(artifact=artifact))
