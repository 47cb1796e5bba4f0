"""A server of OSV's API that a test has, and whoever asks it, on days of the test's choosing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from osv_api import OsvApiServer
from osv_records import document, lock_of, ranged, wheel

from repave.advisories.osv.api import OsvApi
from repave.advisories.osv.server import OsvServer
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.ports.progress import Silent
from repave.registries.web import WebClient

DAY_SECONDS = 86400.0
FLASK = document(ranged({"introduced": "0"}, {"fixed": "2.2.5"}), id="PYSEC-2023-62", aliases=["CVE-2023-30861"])
LOCK = lock_of(wheel("flask", "2.2.0"))
RECORD = "/v1/vulns/PYSEC-2023-62"

PROJECT = """
project: shop
images:
  web: {kind: container, base: {distribution: debian, release: bookworm, suites: [bookworm]}, run: python3 app.py}
fleets: {web: {image: web, port: 8080}}
environments: {test: {provider: local, fleets: {web: {size: 1}}}}
pipeline: [test]
"""


class Days:
    """A clock that goes from day to day."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        """This day."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """So much later."""
        self._now += timedelta(seconds=seconds)


class Asking:
    """One project's way to one server."""

    def __init__(self, server: OsvApiServer, folder: Path, web: WebClient) -> None:
        self.clock = Days()
        self.web = web
        self.folder = folder
        self.server = server

    def ask(self, lock: Lock = LOCK, *, max_age_seconds: float = 7 * DAY_SECONDS) -> tuple[list[Finding], SourceStatus]:
        """As a scan asks."""
        source = OsvServer(
            OsvApi(self.server.address, web=self.web),
            name="OSV",
            folder=self.folder,
            clock=self.clock,
            max_age_seconds=max_age_seconds,
        )
        findings, (status,) = source.examine(lock, progress=Silent())
        return list(findings), status

    def names(self, lock: Lock = LOCK) -> list[str]:
        """What is found."""
        return [one.advisory for one in self.ask(lock)[0]]
