"""Who falls sick again and again, and whether healing is stopped.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has fallen sick as far as is known, and healing is not stopped."""
    op.create_table(
        "sicknesses",
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_sicknesses_fleet", "sicknesses", ["fleet"])
    op.add_column("targets", sa.Column("healing_stopped", sa.DateTime(timezone=True)))
    op.add_column("targets", sa.Column("healing_allowed", sa.DateTime(timezone=True)))
