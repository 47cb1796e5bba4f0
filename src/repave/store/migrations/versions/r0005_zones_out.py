"""Zones that a person took out.

Revision ID: 0005
Revises: 0004; there is no way back but a backup
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "zones_out",
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), primary_key=True),
        sa.Column("zone", sa.String(), primary_key=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("reason", sa.Text(), nullable=False),
    )
