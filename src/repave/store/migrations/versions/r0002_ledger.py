"""The ledger of disruptions.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Begins empty: what was taken out before is not known."""
    op.create_table(
        "disruptions",
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("drawer", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_disruptions_fleet", "disruptions", ["fleet"])
