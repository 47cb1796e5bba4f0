"""The tables, as the newest migration leaves them; a test compares the two."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from repave.store.columns import FleetColumn, Moment, Words

REVISION = "0017"
"""The migration this code was written for: the last in ``migrations/versions``."""

metadata = MetaData()

counters = Table(
    "counters",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Numbers that count up without gaps and in the order of commits, which a database's own sequences do not promise."""

locks = Table(
    "locks",
    metadata,
    Column("digest", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("document", Text, nullable=False),
    Column("images", Text, nullable=False, server_default="[]"),
)

contents = Table(
    "contents",
    metadata,
    Column("lock", String, ForeignKey("locks.digest"), primary_key=True),
    Column("ecosystem", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("sha256", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("source_version", String, nullable=False),
    Column("document", Text, nullable=False),
    Index("contents_by_name", "name", "version"),
    Index("contents_by_source", "source", "version"),
    Index("contents_by_sha256", "sha256"),
    Index("contents_by_ecosystem", "ecosystem", "lock"),
)
"""What locks hold, to be found by: packages, each with its part of the lock, and the application's files by their
target."""

artifacts = Table(
    "artifacts",
    metadata,
    Column("digest", String, primary_key=True),
    Column("lock", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("document", Text, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("lock", String, nullable=False),
    Column("source", String, nullable=False),
    Column("artifacts", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

bakes = Table(
    "bakes",
    metadata,
    Column("release", Integer, ForeignKey("releases.number"), primary_key=True),
    Column("began_at", Moment, primary_key=True),
    Column("ended_at", Moment, nullable=False),
    Column("built", Integer, nullable=False),
    Column("cached", Integer, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("fleet", FleetColumn, primary_key=True),
    Column("id", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("artifact", String, nullable=False),
    Column("document", Text, nullable=False),
)

revocations = Table(
    "revocations",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("key", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("undone_at", Moment),
    Column("undone_reason", Words, nullable=False),
)

revoked_artifacts = Table(
    "revoked_artifacts",
    metadata,
    Column("revocation", BigInteger, ForeignKey("revocations.number"), primary_key=True),
    Column("artifact", String, primary_key=True),
    Index("revoked_artifacts_by_artifact", "artifact"),
)

flaws = Table(
    "flaws",
    metadata,
    Column("artifact", String, primary_key=True),
    Column("advisory", String, primary_key=True),
    Column("severity", String, nullable=False),
    Column("published_at", Moment, nullable=False),
    Column("fixable_at", Moment),
)

examinations = Table(
    "examinations",
    metadata,
    Column("artifact", String, primary_key=True),
    Column("at", Moment, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("digest", String, primary_key=True),
    Column("document", Text, nullable=False),
)
"""Each once, under the sha256 of its document: most artifacts share most of theirs with the one before."""

finding_names = Table(
    "finding_names",
    metadata,
    Column("name", String, primary_key=True),
    Column("finding", String, ForeignKey("findings.digest"), primary_key=True),
    Index("finding_names_by_finding", "finding"),
)

reports = Table(
    "reports",
    metadata,
    Column("artifact", String, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("document", Text, nullable=False),
)

reported = Table(
    "reported",
    metadata,
    Column("artifact", String, ForeignKey("reports.artifact"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("finding", String, ForeignKey("findings.digest"), nullable=False),
    Index("reported_by_finding", "finding"),
)

targets = Table(
    "targets",
    metadata,
    Column("fleet", FleetColumn, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("revision", String, nullable=False),
    Column("release", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("reason", Words, nullable=False),
    Column("next_slot", BigInteger, nullable=False),
    Column("switched", Moment, nullable=True),
    Column("paused", Boolean, nullable=False),
    Column("stopped", Words, nullable=False),
    Column("forgotten", Boolean, nullable=False),
    Column("paused_since", Moment),
    Column("paused_until", Moment),
    Column("paused_reason", Words),
    Column("healing_stopped", Moment),
    Column("healing_allowed", Moment),
    Column("canary", Text, nullable=False, server_default=""),
    Column("size_history", Text, nullable=False, server_default=""),
)
"""A destroyed fleet's row stays, forgotten: neither its generations nor its slots are ever given again."""

orders = Table(
    "orders",
    metadata,
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), primary_key=True),
    Column("slot", String, primary_key=True),
    Column("revision", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("ordered_at", Moment, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), nullable=False, index=True),
    Column("slot", String, nullable=False),
    Column("revision", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("detail", Words, nullable=False),
)

heals = Table(
    "heals",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), nullable=False, index=True),
    Column("slot", String, nullable=False),
    Column("at", Moment, nullable=False),
)

sicknesses = Table(
    "sicknesses",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), nullable=False, index=True),
    Column("slot", String, nullable=False),
    Column("since", Moment, nullable=False),
)

protections = Table(
    "protections",
    metadata,
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), primary_key=True),
    Column("slot", String, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", Words, nullable=False),
)

replacements = Table(
    "replacements",
    metadata,
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), primary_key=True),
    Column("slot", String, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("reason", Words, nullable=False),
)

disruptions = Table(
    "disruptions",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), nullable=False, index=True),
    Column("slot", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("drawer", String, nullable=False),
    Column("at", Moment, nullable=False),
)

proofs = Table(
    "proofs",
    metadata,
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), primary_key=True),
    Column("revision", String, primary_key=True),
    Column("release", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("bootable", Boolean, nullable=False),
)

zones_out = Table(
    "zones_out",
    metadata,
    Column("fleet", FleetColumn, ForeignKey("targets.fleet"), primary_key=True),
    Column("zone", String, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("reason", Words, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

observations = Table(
    "observations",
    metadata,
    Column("fleet", FleetColumn, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("document", Text, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("fleet", FleetColumn, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("document", Text, nullable=False),
)

lifetimes = Table(
    "lifetimes",
    metadata,
    Column("fleet", FleetColumn, primary_key=True),
    Column("instance", String, primary_key=True),
    Column("slot", String, nullable=False),
    Column("revision", String, nullable=False),
    Column("release", Integer, nullable=False),
    Column("zone", String, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("served_from", Moment),
    Column("gone_at", Moment),
    Column("launched_at", Moment),
    Column("healthy_from", Moment),
    Column("leaving_from", Moment),
    Index("lifetimes_by_release", "release", "gone_at", "first_seen"),
    Index("lifetimes_by_birth", "release", "first_seen"),
    Index("lifetimes_by_fleet", "release", "fleet", "gone_at", "first_seen"),
    Index("lifetimes_by_slot", "slot"),
    Index("lifetimes_by_instance", "instance"),
)

departures = Table(
    "departures",
    metadata,
    Column("release", Integer, primary_key=True, autoincrement=False),
    Column("fleet", FleetColumn, primary_key=True),
    Column("environment", String, nullable=False),
    Column("instances", Integer, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("gone_at", Moment, nullable=False),
)
"""The lifetimes that have ended, counted: a year of a large fleet is too long to be counted when somebody asks."""

evidence = Table(
    "evidence",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("document", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("fleet", FleetColumn, nullable=True),
    Column("kind", String, nullable=False),
    Column("slot", String, nullable=False),
    Column("message", Words, nullable=False),
    Column("by", String, nullable=False, server_default=""),
    Column("details", Text, nullable=False, server_default="{}"),
    Column("hash", String, nullable=False, server_default=""),
    Index("events_by_kind", "kind", "sequence"),
    Index("events_by_fleet", "fleet", "sequence"),
)
"""The record; only ever added to. Its fields may not change: each row's hash covers them, and the hash before it."""
