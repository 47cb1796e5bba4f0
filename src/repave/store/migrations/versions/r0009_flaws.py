"""Flaws that artifacts are known to have.

Revision ID: 0009
Revises: 0008; there is no way back but a backup
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "flaws",
        sa.Column("artifact", sa.String(), primary_key=True),
        sa.Column("advisory", sa.String(), primary_key=True),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
    )
