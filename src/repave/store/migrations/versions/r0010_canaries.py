"""How far a canary has come.

Revision ID: 0010
Revises: 0009; there is no way back but a backup
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty: at its beginning."""
    op.add_column("targets", sa.Column("canary", sa.Text(), nullable=False, server_default=""))
