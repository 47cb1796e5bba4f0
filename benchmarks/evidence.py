"""How long evidence takes at size: 10,000 instances and a year of those before them, 400 packages, 50,000 advisories.

One image is released 40 times in a year, each time with ten of its 400 packages changed, and replaces that of a hundred
fleets each time: 400,000 lifetimes, of which 10,000 live. The advisories are those of `scripts/bench scan`; their index
is there, for that benchmark measures how it is made. What is asked about is in every release, so that every instance of
the year is an answer. Times are the processor's, without Python's start: what waits for other work of the machine, or
for its disk, is left out, and what a server of the database takes is counted in. Of questions the fastest of several
counts, of new advisories the median of several, each learned once. The report is of the whole year, from the store to
the page. A tenth and a hundredth of the instances show how it grows.
"""

import argparse
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from statistics import median

from figures import Figure, at_most, report, told
from peers.postgresql import served
from scan import SOURCES, WEB, WEEK_SECONDS, advisories, image_lock, package_name
from sqlalchemy import insert, literal, select

from repave.advisories.decorated import SearchableAdvisories
from repave.advisories.osv.files import OsvZip
from repave.advisories.osv.indexed import IndexedAdvisories
from repave.cli.formats.audit.page import page
from repave.config.lockfile import lock_digest
from repave.config.project import parse_project
from repave.controller.collecting import uncollected
from repave.jobs.clock import SystemClock
from repave.model.event import Event
from repave.model.lock import Lock, LockedPackage
from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ProjectName, ReleaseNumber, SlotId
from repave.model.project import Project
from repave.model.release import Revision
from repave.operations.instances import Tracing
from repave.operations.matching import Matching, match_flaw, match_released
from repave.operations.reporting.audit import audited
from repave.operations.reporting.gathering import Gathering, Span, environments_named
from repave.operations.where import Search
from repave.ports.bundles import Bundled
from repave.ports.progress import Progress, Silent
from repave.store.departures import count_departures
from repave.store.schema import lifetimes
from repave.store.sql import SqlStore

INSTANCES, FLEET_SIZE = 10_000, 100
GROWTH = (100, 1_000)
RELEASES, ADVISORIES = 40, 50_000
CHANGED = 10
"""Packages from one release to the next."""

BEGAN = datetime(2025, 11, 25, 9, tzinfo=UTC)
BETWEEN = timedelta(days=9)
WAVES = 10
"""Of a fleet's replacement: a tenth of it each minute."""

RUNS = 20
MATCH_SECONDS, INCREMENT_SECONDS, QUERY_SECONDS, REPORT_SECONDS = 10.0, 0.1, 0.05, 10.0
NEW = tuple(f"CVE-2026-{number}" for number in range(99_990, 99_995))
YEAR = timedelta(days=365)


class NoBases:
    """No image below."""

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> None:
        """None."""
        del packages, progress


class NoBundles:
    """Nothing within packages."""

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Mapping[LockedPackage, Sequence[Bundled]]:
        """Empty."""
        del packages, progress
        return {}


def locks() -> list[Lock]:
    """The image at each release: most packages are as they were."""
    first = image_lock()
    packages = list(first.packages)
    made = []
    for release in range(RELEASES):
        for place in range(release * CHANGED, (release + 1) * CHANGED if release else 0):
            one = packages[place % len(packages)]
            version = one.version.replace("4.30.", f"4.{release}.")
            packages[place % len(packages)] = replace(
                one, version=version, source_version=version if one.source else "", sha256=f"{place:064x}"
            )
        made.append(replace(first, packages=tuple(packages)))
    return made


def fleets(size: int) -> list[FleetKey]:
    """A hundred at most: small estates have small ones."""
    names = [f"web-{number:03}" for number in range(max(1, size // FLEET_SIZE))]
    shop, prod = ProjectName("shop"), EnvironmentName("prod")
    return [FleetKey(project=shop, environment=prod, fleet=FleetName(name)) for name in names]


def fill(store: SqlStore, made: Sequence[Lock], size: int) -> None:
    """A year of releases, of words and deploys by which they were let in, and of instances."""
    where = fleets(size)
    for number, lock in enumerate(made, 1):
        at = BEGAN + number * BETWEEN
        digest = lock_digest(lock)
        store.add_lock(digest, lock, at)
        artifact = Digest(f"sha256:{number:064x}")
        release = store.add_release({WEB: artifact}, digest, "source", at)
        revision = Revision(release=release.number, image=WEB, artifact=artifact, port=8080)
        for fleet in where:
            store.add_revision(fleet, revision)
        store.record([*said(release.number, at), *deployed(where, release.number, at), *drained(where, number, at)])
        live(store, where, revision, at)
        with store._database.writing() as connection:  # noqa: SLF001 - as in ``live``
            for fleet in where:
                count_departures(connection, fleet, [release.number])


def said(release: ReleaseNumber, at: datetime) -> Iterator[Event]:
    """By which gates it came in."""
    details = {"environment": "prod", "release": release}
    for person in ("ada", "grace"):
        yield Event(at=at, kind="approval", message=f"{person} agrees", by=person, details=details)
    for kind in ("soaked", "request", "entry"):
        yield Event(at=at, kind=kind, message=kind, details=details)


def deployed(where: Sequence[FleetKey], release: ReleaseNumber, at: datetime) -> Iterator[Event]:
    """One for each fleet."""
    details = {"release": release}
    return (Event(at=at, fleet=fleet, kind="deploy", message=f"deploy r{release}", details=details) for fleet in where)


def drained(where: Sequence[FleetKey], release: int, at: datetime) -> Iterator[Event]:
    """Why each instance of the release before left."""
    if release == 1:
        return
    ending = "" if release == 2 else f".{release - 1}"  # noqa: PLR2004 - the names of the first have none
    for wave in range(WAVES):
        for fleet in where:
            for place in range(FLEET_SIZE // WAVES):
                slot = SlotId(f"{fleet.fleet}-{wave}-{place}{ending}")
                moment = at + timedelta(minutes=wave)
                message = f"drain {slot}: it runs an old revision"
                yield Event(at=moment, fleet=fleet, kind="drain", slot=slot, message=message)


def live(store: SqlStore, where: Sequence[FleetKey], revision: Revision, at: datetime) -> None:
    """A tenth of each fleet a minute; the first release's are written one by one, the others after their example."""
    last = revision.release == RELEASES
    with store._database.writing() as connection:  # noqa: SLF001 - a year of looks at them would take hours
        for wave in range(WAVES):
            begin = at + timedelta(minutes=wave)
            end = None if last else begin + BETWEEN
            born = dict.fromkeys(("first_seen", "served_from", "launched_at", "healthy_from"), begin)
            moments = born | {"last_seen": end or begin + BETWEEN, "gone_at": end, "leaving_from": end}
            if revision.release == 1:
                rows = [row(fleet, place, wave, revision) for fleet in where for place in range(FLEET_SIZE // WAVES)]
                connection.execute(insert(lifetimes), [one | moments for one in rows])
                continue
            changed = {
                "instance": lifetimes.c.instance + f".{revision.release}",
                "slot": lifetimes.c.slot + f".{revision.release}",
                "revision": literal(str(revision.id)),
                "release": literal(revision.release),
                **{name: literal(moment, lifetimes.c[name].type) for name, moment in moments.items()},
            }
            columns = [changed.get(column.name, column) for column in lifetimes.c]
            like = select(*columns).where(
                lifetimes.c.release == 1, lifetimes.c.first_seen == BEGAN + BETWEEN + timedelta(minutes=wave)
            )
            connection.execute(insert(lifetimes).from_select([column.name for column in lifetimes.c], like))


def row(fleet: FleetKey, place: int, wave: int, revision: Revision) -> dict[str, object]:
    """One instance."""
    name = f"{fleet.fleet}-{wave}-{place}"
    release = {"revision": revision.id, "release": revision.release}
    return {"fleet": fleet, "instance": f"i-{name}", "slot": name, "zone": "abc"[place % 3], **release}


@dataclass(frozen=True, kw_only=True)
class Estate:
    """One store, and what is asked of it."""

    store: SqlStore
    database: str
    size: int
    server_seconds: Callable[[], float]
    """What a database of its own has taken so far."""

    def once(self, ask: Callable[[], Matching]) -> float:
        """In seconds. Raises RuntimeError where a source was not read whole."""
        began = time.process_time() + self.server_seconds()
        found = ask()
        took = time.process_time() + self.server_seconds() - began
        if found.unknown or len(found.releases) != RELEASES:
            raise RuntimeError(f"the match is not whole: {len(found.releases)} releases, {found.sources}")
        return took

    def often(self, ask: Callable[[], object]) -> float:
        """In seconds: the fastest of this process, and the database's own share, which is counted coarsely, by all."""
        ask()
        took = []
        served = self.server_seconds()
        for _ in range(RUNS):
            began = time.process_time()
            ask()
            took.append(time.process_time() - began)
        return min(took) + (self.server_seconds() - served) / RUNS

    def reported(self) -> float:
        """From the store to the page, in seconds."""
        began = time.process_time() + self.server_seconds()
        until = BEGAN + (RELEASES + 1) * BETWEEN
        project = shop(fleets(self.size))
        places = environments_named(project, self.store, ())
        gathering = Gathering(project=project, store=self.store, signed=lambda _: True)
        span = Span(since=until - YEAR, until=until, environments=places)
        with uncollected():
            audit = audited(gathering.facts(span, until, None, Silent()))
            page(audit, "1")
        took = time.process_time() + self.server_seconds() - began
        if len(audit.servers) != RELEASES * max(self.size, FLEET_SIZE) or not all(
            one.explained for one in audit.servers
        ):
            raise RuntimeError(f"the report is not whole: {len(audit.servers)} servers")
        return took

    def measure(self, folder: Path) -> list[Figure]:
        """All questions."""
        clock = SystemClock()
        before = SearchableAdvisories((source(folder / "before"),), ())

        def after() -> SearchableAdvisories:
            return SearchableAdvisories((source(folder / "after"),), ())

        match = self.once(lambda: match_released(self.store, (before,), clock, Silent()))
        increment = median(
            self.once(lambda: match_flaw(flaw, self.store, after(), clock, Silent()))  # noqa: B023 - asked at once
            for flaw in NEW
        )
        figures = [
            (f"match of {RELEASES} releases", match, MATCH_SECONDS),
            ("match of one new advisory", increment, INCREMENT_SECONDS),
            *((what, self.often(ask), QUERY_SECONDS) for what, ask in questions(self.store, self.size).items()),
            ("report of a year, as a page", self.reported(), REPORT_SECONDS),
        ]
        said = [(f"{what}, {self.size:,}, {self.database}", seconds, limit) for what, seconds, limit in figures]
        if self.size < INSTANCES:
            return [told(what, seconds, "s") for what, seconds, _ in said]
        return [at_most(what, seconds, "s", limit) for what, seconds, limit in said]


def shop(where: Sequence[FleetKey]) -> Project:
    """What the report judges by."""
    image = {"kind": "container", "base": {"distribution": "debian", "release": "bookworm"}, "run": "true"}
    prod = {"provider": "local", "fleets": {str(key.fleet): {"size": FLEET_SIZE} for key in where}}
    declared = {
        "project": "shop",
        "images": {WEB: image},
        "fleets": {str(key.fleet): {"image": WEB, "port": 8080} for key in where},
        "environments": {"prod": prod},
        "pipeline": ["prod"],
        "policy": {"hard_max_age": "90d", "fix_within": {"critical": "7d", "high": "30d"}},
    }
    return parse_project(json.dumps(declared), filename="repave.yaml")


def questions(store: SqlStore, size: int) -> dict[str, Callable[[], object]]:
    """As `repave where` asks them with ``--kept``, without a lock in the folder."""
    look = Search(store=store, present=None, advisories=(), bases=NoBases(), bundles=NoBundles(), progress=Silent())
    trace = Tracing(store=store, advisories=(), progress=Silent())
    then = BEGAN + RELEASES // 2 * BETWEEN + BETWEEN / 2
    slot = store.alive({ReleaseNumber(RELEASES)})[size // 2].slot
    package = image_lock().packages[0].name
    return {
        "flaw to instances, now": lambda: look.find(NEW[0], kept=True),
        "flaw to instances, half a year ago": lambda: look.find(NEW[0], then, kept=True),
        "package to instances, now": lambda: look.find(package),
        "package to instances, half a year ago": lambda: look.find(package, then),
        "digest to instances, now": lambda: look.find(f"{RELEASES:064x}"),
        "instance to packages, findings and words": lambda: trace.trace(slot, kept=True),
    }


def source(folder: Path) -> IndexedAdvisories:
    """As a process that begins has it: the index is there."""
    return IndexedAdvisories(
        OsvZip(folder / "all.zip", name="zip"),
        folder=folder / "index",
        clock=SystemClock(),
        max_age_seconds=WEEK_SECONDS,
    )


def publish(folder: Path, records: Iterable[object]) -> None:
    """A zip of these advisories, and its index."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, one in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(one))
    source(folder).examine(Lock(), progress=Silent())


def newly(flaw: str) -> dict[str, object]:
    """An advisory about a package that every release has, with no repair."""
    published = next(advisories(1))
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    package = {"ecosystem": "Debian:12", "name": package_name("Debian:12", SOURCES)}
    affected = [{"package": package, "ranges": ranges}]
    return {**published, "id": f"DEBIAN-{flaw}", "aliases": [], "upstream": [flaw], "affected": affected}


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description="How long evidence takes at size.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(arguments)
    figures: list[Figure] = []
    made = locks()
    with tempfile.TemporaryDirectory(prefix="repave-bench-") as temporary:
        folder = Path(temporary)
        publish(folder / "before", advisories(ADVISORIES))
        publish(folder / "after", chain(advisories(ADVISORIES), map(newly, NEW)))
        with served() as server:
            for size in (*GROWTH, INSTANCES):
                for database, url, seconds in (
                    ("SQLite", f"sqlite:///{folder}/{size}.db", lambda: 0.0),
                    ("PostgreSQL", server.prepared(), server.cpu_seconds),
                ):
                    store = SqlStore(url)
                    fill(store, made, size)
                    estate = Estate(store=store, database=database, size=size, server_seconds=seconds)
                    figures += estate.measure(folder)
                    store.close()
    report("evidence", figures, asked.json)
    return int(any(figure.holds is False for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
