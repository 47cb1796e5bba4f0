"""What is new in a fleet's story is found in its order, however long the story is.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """In place of an index by the fleet alone."""
    op.create_index("events_by_fleet", "events", ["fleet", "sequence"])
    op.drop_index("ix_events_fleet", "events")
