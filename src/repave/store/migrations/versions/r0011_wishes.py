"""What a person asked of single instances, and until when a pause lasts.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing was asked; a pause from before lasts until somebody ends it."""
    op.create_table(
        "protections",
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), primary_key=True),
        sa.Column("slot", sa.String(), primary_key=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_table(
        "replacements",
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), primary_key=True),
        sa.Column("slot", sa.String(), primary_key=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.add_column("targets", sa.Column("paused_since", MOMENT))
    op.add_column("targets", sa.Column("paused_until", MOMENT))
    op.add_column("targets", sa.Column("paused_reason", sa.Text()))
