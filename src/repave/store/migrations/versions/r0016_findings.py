"""What examinations said of artifacts; ways into what locks hold, what lived when, and what was decided.

Revision ID: 0016
Revises: 0015
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PACKAGE = ("ecosystem", "name", "version")
SOURCE = ("source", "source_version")
KEY = (*PACKAGE, "sha256")
CONTENTS_INDICES = {
    "contents_by_name": ["name", "version"],
    "contents_by_source": ["source", "version"],
    "contents_by_sha256": ["sha256"],
    "contents_by_ecosystem": ["ecosystem", "lock"],
}

INDICES = {
    "lifetimes_by_release": ("lifetimes", ["release", "gone_at", "first_seen"]),
    "lifetimes_by_birth": ("lifetimes", ["release", "first_seen"]),
    "lifetimes_by_fleet": ("lifetimes", ["release", "fleet", "gone_at", "first_seen"]),
    "lifetimes_by_slot": ("lifetimes", ["slot"]),
    "lifetimes_by_instance": ("lifetimes", ["instance"]),
    "events_by_kind": ("events", ["kind", "sequence"]),
}


def upgrade() -> None:
    """What was found before is found again by the next examination."""
    op.create_table(
        "findings",
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_table(
        "finding_names",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("finding", sa.String(), sa.ForeignKey("findings.digest"), primary_key=True),
    )
    op.create_index("finding_names_by_finding", "finding_names", ["finding"])
    op.create_table(
        "reports",
        sa.Column("artifact", sa.String(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_table(
        "reported",
        sa.Column("artifact", sa.String(), sa.ForeignKey("reports.artifact"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("finding", sa.String(), sa.ForeignKey("findings.digest"), nullable=False),
    )
    op.create_index("reported_by_finding", "reported", ["finding"])
    for name, (table, columns) in INDICES.items():
        op.create_index(name, table, columns)
    op.create_table(
        "departures",
        sa.Column("release", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("fleet", sa.String(), primary_key=True),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(
        sa.text(
            "INSERT INTO departures (release, fleet, environment, instances, first_seen, gone_at) "
            "SELECT release, fleet, '', count(*), min(first_seen), max(gone_at) FROM lifetimes "
            "WHERE gone_at IS NOT NULL GROUP BY release, fleet"
        )
    )
    fleets = op.get_bind().scalars(sa.text("SELECT DISTINCT fleet FROM departures")).all()
    for fleet in fleets:
        named = sa.text("UPDATE departures SET environment = :environment WHERE fleet = :fleet")
        op.get_bind().execute(named, {"environment": fleet.split("/")[1], "fleet": fleet})
    op.execute(sa.text("INSERT INTO counters (name, value) VALUES ('finding', 0)"))
    _find_contents()


def _find_contents() -> None:
    """In the place of the table of packages: by their bytes too, and the application's files beside them."""
    contents = op.create_table(
        "contents",
        sa.Column("lock", sa.String(), sa.ForeignKey("locks.digest"), primary_key=True),
        *(sa.Column(name, sa.String(), primary_key=True) for name in KEY),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_version", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    for name, columns in CONTENTS_INDICES.items():
        op.create_index(name, "contents", columns)
    op.add_column("locks", sa.Column("images", sa.Text(), nullable=False, server_default="[]"))
    connection = op.get_bind()
    kept = connection.execute(sa.text("SELECT digest, document FROM locks")).all()
    for digest, document in kept:
        lock = json.loads(document)
        images = sa.text("UPDATE locks SET images = :images WHERE digest = :digest")
        connection.execute(images, {"digest": digest, "images": json.dumps(lock.get("images", []))})
        if rows := _rows(digest, lock):
            op.bulk_insert(contents, rows)
    op.drop_table("packages")


def _rows(digest: str, lock: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    rows = [
        {"lock": digest, **{name: one.get(name, "") for name in (*KEY, *SOURCE)}, "document": json.dumps(one)}
        for one in lock.get("packages", ())
    ]
    rows += [
        {**dict.fromkeys((*PACKAGE, *SOURCE, "document"), ""), "lock": digest, "ecosystem": "file"}
        | {"name": one["target"], "sha256": one["sha256"]}
        for one in lock.get("files", ())
    ]
    return list({tuple(row[name] for name in KEY): row for row in rows}.values())
