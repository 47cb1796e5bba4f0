"""A project whose locked wheels have flaws of every kind, and all that is known of them in files beside it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from osv_records import deb, document, lock_of, ranged, wheel
from published import epss, kev

from repave.config.lockfile import dump_lock
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.model.recipe import Base
from repave.ports.archive import SuiteView
from repave.ports.progress import Progress

TODAY = datetime.now(UTC)

LOCK = lock_of(
    replace(wheel("flask", "2.2.0"), filename="flask.whl", sha256="1" * 64),
    replace(wheel("jinja2", "3.1.2"), filename="jinja2.whl", sha256="2" * 64),
    replace(wheel("werkzeug", "2.3.0"), filename="werkzeug.whl", sha256="3" * 64),
    replace(deb("libssl3", "openssl", "3.0.20-1~deb12u2"), architecture="amd64", sha256="4" * 64),
)

CRITICAL = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
MEDIUM = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N"}]

RECORDS = (
    document(
        ranged({"introduced": "0"}, {"fixed": "2.2.5"}),
        name="flask",
        id="PYSEC-2026-1",
        aliases=["CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"],
        summary="Cookies are shown to other clients",
        severity=CRITICAL,
    ),
    document(ranged({"introduced": "0"}), name="flask", id="PYSEC-2026-2", aliases=["CVE-2026-0002"], severity=MEDIUM),
    document(ranged({"introduced": "0"}, {"fixed": "3.1.3"}), name="jinja2", id="GHSA-dddd-eeee-ffff", severity=MEDIUM),
    document(
        ranged({"introduced": "0"}), name="werkzeug", id="PYSEC-2026-4", aliases=["CVE-2026-0004"], severity=CRITICAL
    ),
    document(
        ranged({"introduced": "0"}, {"fixed": "3.0.22-1~deb12u2"}),
        name="openssl",
        ecosystem="Debian:12",
        id="DSA-6000-1",
        upstream=["CVE-2026-0005", "CVE-2026-0006"],
    ),
)

VEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://shop.example/vex/1",
    "author": "Ada",
    "timestamp": "2026-11-01T00:00:00Z",
    "version": 1,
    "statements": [
        {
            "vulnerability": {"name": "CVE-2026-0004"},
            "products": [{"@id": "pkg:pypi/werkzeug@2.3.0"}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_in_execute_path",
        }
    ],
}

ADVISORIES = """advisories:
  sources: [{osv: {folder: osv}}]
  kev: {file: kev.json}
  epss: {file: epss.csv}
  vex: [vex.json]
  max_age: 52w
"""


class NothingNew:
    """A distribution whose security suites repair nothing."""

    def security_suites(self, base: Base) -> tuple[str, ...]:
        """One."""
        return (f"{base.release}-security",)

    def view(self, base: Base, suites: Iterable[str], names: Iterable[str]) -> SuiteView:
        """Empty."""
        del base, suites, names
        return SuiteView(as_of=TODAY, candidates={})


def write(folder: Path, lock: Lock = LOCK) -> None:
    """The lock and all documents, into a folder that has a repave.yaml without them."""
    file = folder / "repave.yaml"
    file.write_text(file.read_text(encoding="utf-8") + ADVISORIES, encoding="utf-8")
    (folder / "repave.lock").write_text(dump_lock(lock), encoding="utf-8")
    (folder / "osv").mkdir()
    today = f"{TODAY:%Y-%m-%dT%H:%M:%SZ}"
    for record in RECORDS:
        (folder / "osv" / f"{record['id']}.json").write_text(json.dumps(record | {"modified": today}), encoding="utf-8")
    (folder / "kev.json").write_bytes(kev("CVE-2026-0002", released=today))
    (folder / "epss.csv").write_bytes(epss({"CVE-2026-0001": "0.12345", "CVE-2026-0002": "0.97000"}, dated=today))
    (folder / "vex.json").write_text(json.dumps(VEX), encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Repairs:
    """A security suite that repairs openssl, and names these CVEs."""

    cves: tuple[str, ...]

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """The one repair."""
        del progress
        package = next(one for one in lock.packages if one.source == "openssl")
        repair = Finding(
            ecosystem=package.ecosystem,
            package=package.name,
            source=package.source,
            version=package.version,
            fixed_version="3.0.23",
            fixed_in="bookworm-security",
            cves=self.cves,
            images=package.images,
        )
        return (repair,), (SourceStatus(name="suite", as_of=TODAY, covers=(package.ecosystem,)),)
