"""How long starts and ends of instances took.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = ("launched_at", "healthy_from", "leaving_from")


def upgrade() -> None:
    """Of instances from before it is not known."""
    for name in COLUMNS:
        op.add_column("lifetimes", sa.Column(name, sa.DateTime(timezone=True)))
