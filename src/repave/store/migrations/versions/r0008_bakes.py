"""When releases were baked.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Begins empty: how long earlier bakes took is not known."""
    op.create_table(
        "bakes",
        sa.Column("release", sa.Integer(), sa.ForeignKey("releases.number"), primary_key=True),
        sa.Column("began_at", MOMENT, primary_key=True),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("built", sa.Integer(), nullable=False),
        sa.Column("cached", sa.Integer(), nullable=False),
    )
