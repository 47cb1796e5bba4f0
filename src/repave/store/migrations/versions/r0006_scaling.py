"""Sizes that follow metrics and the clock.

Revision ID: 0006
Revises: 0005; there is no way back but a backup
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is remembered of a fleet's size; empty for one that was never moved."""
    op.add_column("targets", sa.Column("size_history", sa.Text(), nullable=False, server_default=""))
