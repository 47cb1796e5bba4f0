"""How long judging an image takes: 400 packages against 50,000 advisories in OSV's format, from a zip as OSV has them.

The advisories are made up, the same in each run, and shaped as OSV's are: a few packages have hundreds of records and
most have one or two; those of PyPI list their versions, those of Debian name a source package; all carry a description,
references and a CVSS vector. The image holds the packages that have most of them, in versions that are past most
repairs. Each figure is of a process of its own, as `repave scan` is one; the fastest of several counts, for the others
measure the other work of the machine. Reading the same zip with Python's own json, and nothing more, is told beside the
first load. A fifth of the advisories and twice as many show how it grows.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from figures import Figure, at_most, report, told

from repave.advisories.osv.files import OsvZip
from repave.advisories.osv.index import open_index
from repave.advisories.osv.indexed import IndexedAdvisories
from repave.config.lockfile import dump_lock, load_lock
from repave.jobs.clock import SystemClock
from repave.model.lock import Ecosystem, Layer, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind
from repave.ports.progress import Silent

ADVISORIES = 50_000
GROWTH = (10_000, ADVISORIES, 100_000)
DEBS, WHEELS = 300, 100
SOURCES = 200
"""Of the Debian packages: in Debian's own images it is about as many."""

RUNS = 5

SCAN_SECONDS = 0.3
LOAD_SECONDS = 1.0
MEMORY_MEGABYTES = 200.0

SEED = 20261125
WEB = ImageName("web")
WEEK_SECONDS = 7 * 86400.0
NAMES = 12_000
"""Packages that have advisories at all, of each ecosystem: OSV's exports have about as many."""

WORDS = ("overflow", "parser", "header", "remote", "attacker", "crafted", "request", "memory", "session", "denial")
PYPI_SHARE = 0.6


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one process took."""

    seconds: float
    load_seconds: float
    scan_seconds: float
    findings: int
    megabytes: float


def package_name(ecosystem: str, number: int) -> str:
    """The name of the package that has the most advisories but ``number``."""
    return f"{'python-lib' if ecosystem == 'PyPI' else 'source'}-{number}"


def advisories(count: int) -> Iterator[dict[str, Any]]:
    """So many, about well-known packages more often than about others."""
    chance = random.Random(SEED)  # noqa: S311 - no secret hangs on it
    newest = datetime.now(UTC) - timedelta(hours=6)
    for number in range(count):
        ecosystem = "PyPI" if chance.random() < PYPI_SHARE else "Debian:12"
        # Much about a few, little about many: the power makes the first hundreds well-known.
        name = package_name(ecosystem, int(NAMES * chance.random() ** 2.5))
        major, fixed = chance.randrange(1, 5), chance.randrange(1, 40)
        versions = [f"{major}.{minor}.{patch}" for minor in range(fixed) for patch in range(2)]
        debian = ecosystem != "PyPI"
        suffix = "-1+deb12u1" if debian else ""
        yield {
            "schema_version": "1.7.0",
            "id": f"{'DEBIAN-CVE' if debian else 'PYSEC'}-{2015 + number % 11}-{10_000 + number}",
            "modified": (newest - timedelta(hours=chance.randrange(20_000))).isoformat(),
            "published": (newest - timedelta(hours=30_000)).isoformat(),
            "aliases": [] if debian else [f"CVE-{2015 + number % 11}-{10_000 + number}"],
            "upstream": [f"CVE-{2015 + number % 11}-{10_000 + number}"] if debian else [],
            "summary": " ".join(chance.choices(WORDS, k=8)),
            "details": " ".join(chance.choices(WORDS, k=120)),
            "references": [
                {"type": "WEB", "url": f"https://advisories.example/{number}/{place}"} for place in range(5)
            ],
            "severity": [{"type": "CVSS_V3", "score": vector(chance)}],
            "affected": [
                {
                    "package": {"ecosystem": ecosystem, "name": name},
                    "ranges": [
                        {
                            "type": "ECOSYSTEM",
                            "events": [{"introduced": "0"}, {"fixed": f"{major}.{fixed}.0{suffix}"}],
                        }
                    ],
                    "versions": [] if debian else versions,
                }
            ],
        }


def vector(chance: random.Random) -> str:
    """One of some hundreds."""
    metrics = {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "NLH", "I": "NLH", "A": "NLH"}
    return "CVSS:3.1/" + "/".join(f"{metric}:{chance.choice(values)}" for metric, values in metrics.items())


def image_lock() -> Lock:
    """An image of 400 packages, the well-known ones among them."""
    base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
    image = LockedImage(name=WEB, kind=ImageKind.CONTAINER, base=base, recipe=Digest(f"sha256:{0:064}"))
    sources = [package_name("Debian:12", 2 * number) for number in range(SOURCES)]
    debs = [locked(Ecosystem.DEB, f"binary-{number}", "4.30.0-1", sources[number % SOURCES]) for number in range(DEBS)]
    wheels = [locked(Ecosystem.PYPI, package_name("PyPI", 2 * number), "4.30.1") for number in range(WHEELS)]
    return Lock(images=(image,), packages=(*debs, *wheels))


def locked(ecosystem: Ecosystem, name: str, version: str, source: str = "") -> LockedPackage:
    """One of them."""
    debian = ecosystem is Ecosystem.DEB
    return LockedPackage(
        ecosystem=ecosystem,
        name=name,
        version=version,
        sha256="0" * 64,
        size_bytes=1,
        origin=f"https://packages.example/{name}",
        filename=f"{name}_{version}_amd64.deb" if debian else f"{name.replace('-', '_')}-{version}-py3-none-any.whl",
        layer=Layer.BASE if debian else Layer.PYTHON,
        images=(WEB,),
        architecture="amd64" if debian else "",
        suite="bookworm" if debian else "",
        source=source,
        source_version=version if debian else "",
    )


def prepare(folder: Path, count: int) -> None:
    """A lock, and a zip of so many advisories."""
    folder.mkdir()
    (folder / "repave.lock").write_text(dump_lock(image_lock()), encoding="utf-8")
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for one in advisories(count):
            archive.writestr(f"{one['id']}.json", json.dumps(one))


def once(folder: Path) -> Measured:
    """Judge the lock in this process, as a scan does: the index is made when there is none."""
    lock = load_lock((folder / "repave.lock").read_text(encoding="utf-8"))
    source = IndexedAdvisories(
        OsvZip(folder / "all.zip", name="zip"),
        folder=folder / "index",
        clock=SystemClock(),
        max_age_seconds=WEEK_SECONDS,
    )
    began = time.perf_counter()
    index = open_index(folder / "index")
    loaded = time.perf_counter()
    if index is not None:
        index.close()
    findings, (status,) = source.examine(lock, progress=Silent())
    judged = time.perf_counter()
    if status.problem or len(status.covers) != 2:  # noqa: PLR2004 - Debian and PyPI
        raise RuntimeError(f"the source is not whole: {status}")
    return Measured(
        seconds=time.perf_counter() - began,
        load_seconds=loaded - began,
        scan_seconds=judged - loaded,
        findings=len(findings),
        megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    )


def plainly(folder: Path) -> Measured:
    """Read the zip with Python's own json, and keep nothing."""
    began = time.perf_counter()
    with zipfile.ZipFile(folder / "all.zip") as archive:
        for name in archive.namelist():
            json.loads(archive.read(name))
    took = time.perf_counter() - began
    return Measured(seconds=took, load_seconds=0, scan_seconds=0, findings=0, megabytes=0)


def in_a_process(folder: Path, what: str) -> tuple[Measured, float]:
    """What it measured, and how long the process took in all."""
    began = time.perf_counter()
    arguments = [sys.executable, __file__, "--part", what, str(folder)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{what} of {folder.name} ended with {done.returncode}:\n{done.stderr}")
    return Measured(**json.loads(done.stdout)), took


def measure(folder: Path) -> list[Figure]:
    """All sizes; the aims are of the middle one."""
    figures: list[Figure] = []
    for count in GROWTH:
        place = folder / str(count)
        prepare(place, count)
        of = f"{count:,} advisories"
        first, _ = in_a_process(place, "once")
        runs = [in_a_process(place, "once") for _ in range(RUNS)]
        load = min(run.load_seconds for run, _ in runs)
        scan = min(run.scan_seconds for run, _ in runs)
        whole = min(took for _, took in runs)
        memory = max(run.megabytes for run, _ in runs)
        figures += [
            told(f"first load and scan, {of}", first.seconds, "s"),
            told(f"memory of the first load, {of}", first.megabytes, "MB"),
        ]
        if count == ADVISORIES:
            plain, _ = in_a_process(place, "plainly")
            figures += [
                told(f"json.loads of the same zip, {of}", plain.seconds, "s"),
                at_most(f"index load, {of}", load, "s", LOAD_SECONDS),
                at_most(f"scan of {DEBS + WHEELS} packages, {of}", scan, "s", SCAN_SECONDS),
                at_most(f"memory of a scan, {of}", memory, "MB", MEMORY_MEGABYTES),
            ]
        else:
            figures += [
                told(f"index load, {of}", load, "s"),
                told(f"scan of {DEBS + WHEELS} packages, {of}", scan, "s"),
                told(f"memory of a scan, {of}", memory, "MB"),
            ]
        figures += [
            told(f"the whole process, with Python's start, {of}", whole, "s"),
            told(f"findings, {of}", first.findings, ""),
        ]
    return figures


def part(what: str, folder: Path) -> int:
    """One measurement, for the process that asked for it."""
    measured = once(folder) if what == "once" else plainly(folder)
    print(json.dumps(measured.__dict__))
    return 0


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description="How long judging an image takes.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--part", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.part:
        return part(asked.part[0], Path(asked.part[1]))
    with tempfile.TemporaryDirectory(prefix="repave-bench-") as folder:
        figures = measure(Path(folder))
    report("scan", figures, asked.json)
    return 1 if any(figure.holds is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
