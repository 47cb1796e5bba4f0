"""The story becomes the record: who caused an event, its details, and the chain of hashes.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from repave.model.chain import ORIGIN, chained
from repave.store.chain import event_of
from repave.store.schema import events

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Events from before are chained as they are found: from here on, what is changed of them shows."""
    with op.batch_alter_table("events") as table:
        table.alter_column("fleet", existing_type=sa.String(), nullable=True)
        table.add_column(sa.Column("by", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("details", sa.Text(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("hash", sa.String(), nullable=False, server_default=""))
    connection = op.get_bind()
    found = [event_of(row) for row in connection.execute(sa.select(events).order_by(events.c.sequence))]
    for one in chained(found, ORIGIN):
        which = events.c.sequence == one.event.sequence
        connection.execute(sa.update(events).where(which).values(hash=one.hash))
