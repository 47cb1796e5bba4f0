"""What others publish about flaws, and a server of it: KEV and EPSS as they come."""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)


class Frozen:
    """A clock that stands still."""

    def now(self) -> datetime:
        """The same moment."""
        return NOW

    def sleep(self, seconds: float) -> None:
        """No time passes."""


def kev(*cves: str, released: str = "2026-11-24T15:00:04.1234Z") -> bytes:
    """CISA's catalogue."""
    entries = [
        {"cveID": cve, "vendorProject": "A", "product": "B", "dateAdded": "2026-11-20", "dueDate": "2026-12-11"}
        for cve in cves
    ]
    head = {"title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": released[:10]}
    return json.dumps(head | {"dateReleased": released, "count": len(cves), "vulnerabilities": entries}).encode()


def epss(scores: Mapping[str, str], *, dated: str = "2026-11-25T12:00:00Z") -> bytes:
    """FIRST's table."""
    rows = (f"{cve},{score},0.50000\n" for cve, score in scores.items())
    return f"#model_version:v2025.03.14,score_date:{dated}\ncve,epss,percentile\n{''.join(rows)}".encode()


def packed(content: bytes) -> bytes:
    """As it is published."""
    return gzip.compress(content)


@dataclass(kw_only=True)
class Served:
    """One document on a server: what is answered, and how often it was asked for and sent."""

    content: bytes
    url: str = ""
    status: int = 200
    asked: int = 0
    sent: int = 0
    changed: datetime = NOW


@contextmanager
def serving(content: bytes) -> Iterator[Served]:
    """A server of one document, which tells by its date whether it has changed."""
    served = Served(content=content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked += 1
            since = parsedate_to_datetime(self.headers.get("If-Modified-Since", format_datetime(served.changed - DAY)))
            if served.status == 200 and since >= served.changed:
                self.send_response(304)
                self.end_headers()
                return
            served.sent += 1  # before it is: who has it may look here at once
            self.send_response(served.status)
            self.send_header("Last-Modified", format_datetime(served.changed, usegmt=True))
            self.send_header("Content-Length", str(len(served.content)))
            self.end_headers()
            self.wfile.write(served.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}/feeds/document"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
