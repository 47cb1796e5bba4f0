"""Since when a flaw can be repaired, and which artifacts were examined whole.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Of what was found before, neither is known; the next scan says it."""
    op.add_column("flaws", sa.Column("fixable_at", MOMENT))
    op.create_table(
        "examinations",
        sa.Column("artifact", sa.String(), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
    )
