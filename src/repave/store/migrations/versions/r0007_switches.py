"""When all requests went over to the wanted revision.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No fleet was switched before: none could be."""
    op.add_column("targets", sa.Column("switched", sa.DateTime(timezone=True), nullable=True))
