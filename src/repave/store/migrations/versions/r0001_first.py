"""The first schema.

Revision ID: 0001
Revises: nothing; there is no way back but a backup
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make every table."""
    _catalogue()
    _intent()
    _history()


def _catalogue() -> None:
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(counters, [{"name": name, "value": 0} for name in ("lock", "release", "revision", "event")])
    op.create_table(
        "locks",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_table(
        "packages",
        sa.Column("lock", sa.String(), sa.ForeignKey("locks.digest"), primary_key=True),
        sa.Column("ecosystem", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("source", sa.String(), nullable=False),
    )
    op.create_index("packages_by_name", "packages", ["name", "version"])
    op.create_index("packages_by_source", "packages", ["source", "version"])
    op.create_table(
        "artifacts",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("lock", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_table(
        "releases",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("lock", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("artifacts", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "revisions",
        sa.Column("fleet", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )


def _intent() -> None:
    op.create_table(
        "targets",
        sa.Column("fleet", sa.String(), primary_key=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_slot", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=False),
        sa.Column("forgotten", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), primary_key=True),
        sa.Column("slot", sa.String(), primary_key=True),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
    )
    op.create_table(
        "failures",
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
    )
    op.create_index("ix_failures_fleet", "failures", ["fleet"])
    op.create_table(
        "heals",
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ix_heals_fleet", "heals", ["fleet"])
    op.create_table(
        "proofs",
        sa.Column("fleet", sa.String(), sa.ForeignKey("targets.fleet"), primary_key=True),
        sa.Column("revision", sa.String(), primary_key=True),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("bootable", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
    )


def _history() -> None:
    op.create_table(
        "observations",
        sa.Column("fleet", sa.String(), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_table(
        "plans",
        sa.Column("fleet", sa.String(), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_table(
        "lifetimes",
        sa.Column("fleet", sa.String(), primary_key=True),
        sa.Column("instance", sa.String(), primary_key=True),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("first_seen", MOMENT, nullable=False),
        sa.Column("last_seen", MOMENT, nullable=False),
        sa.Column("served_from", MOMENT),
        sa.Column("gone_at", MOMENT),
    )
    op.create_table(
        "events",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("fleet", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
    )
    op.create_index("ix_events_fleet", "events", ["fleet"])
