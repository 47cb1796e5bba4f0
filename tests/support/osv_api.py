"""A server of OSV's API on loopback, whose troubles are ordered beforehand."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

BATCH = "/v1/querybatch"
MOST_QUERIES = 1000

HALF = "half a body"
"""And a length that says so: only the JSON is broken."""

CUT = "a cut body"
"""The length promises more."""

FEWER = "a result fewer than queries"

Trouble = int | str
"""A status to refuse with, or one of the above."""


class OsvApiServer(ThreadingHTTPServer):
    """Names the records that ``names`` says, a page at a time, and gives ``records``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.names: dict[tuple[str, str, str], list[str]] = {}
        """By ecosystem (``GIT`` for a commit), name and version."""

        self.records: dict[str, dict[str, Any]] = {}
        self.page = 1000
        self.date = ""
        """In place of the present."""

        self.troubles: dict[str, list[Trouble]] = {}
        """By path: one for each of the next answers."""

        self.headers: dict[str, str] = {}
        """Beside every refusal."""

        self.asked: list[tuple[str, Any]] = []
        """Path, and what was posted."""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def serve(self, record: dict[str, Any], *versions: str, ecosystem: str = "PyPI", name: str = "flask") -> None:
        """Give a record, and name it for these versions."""
        self.records[record["id"]] = record
        for version in versions:
            self.names.setdefault((ecosystem, name, version), []).append(record["id"])

    def batches(self) -> list[list[dict[str, Any]]]:
        """The queries of every batch so far."""
        return [posted["queries"] for path, posted in self.asked if path == BATCH]

    def fetched(self) -> list[str]:
        """The records asked for so far."""
        return [path.rpartition("/")[2] for path, _ in self.asked if path != BATCH]


class _Answers(BaseHTTPRequestHandler):
    server: OsvApiServer

    def do_POST(self) -> None:
        """A batch of queries."""
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        queries = posted["queries"]
        if len(queries) > MOST_QUERIES:
            self._send(400, {"code": 3, "message": "Too many queries."})
            return
        self._answer(posted, {"results": [self._result(query) for query in queries]})

    def do_GET(self) -> None:
        """A record."""
        name = unquote(urlsplit(self.path).path.rpartition("/")[2])
        self._answer(None, self.server.records.get(name))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """What the answer's date is."""
        return self.server.date or super().date_time_string(timestamp)

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        package = query.get("package", {"ecosystem": "GIT", "name": ""})
        version = query.get("version") or query["commit"]
        named = self.server.names.get((package["ecosystem"], package["name"], version), [])
        begin = int(query.get("page_token", "0"))
        shown = named[begin : begin + self.server.page]
        summaries = [{"id": name, "modified": self.server.records.get(name, {}).get("modified")} for name in shown]
        result: dict[str, Any] = {"vulns": summaries} if summaries else {}
        if begin + self.server.page < len(named):
            result["next_page_token"] = str(begin + self.server.page)
        return result

    def _answer(self, posted: object, document: dict[str, Any] | None) -> None:
        # A proxy is asked for the whole address.
        path = urlsplit(self.path).path
        self.server.asked.append((path, posted))
        waiting = self.server.troubles.get(path, [])
        trouble = waiting.pop(0) if waiting else 200
        if document is None:
            self._send(404, {"code": 5, "message": "Bug not found."})
        elif isinstance(trouble, int) and trouble != 200:
            self._send(trouble, {"code": 13, "message": "It is not your day."})
        elif trouble == FEWER:
            self._send(200, {"results": document["results"][1:]})
        else:
            self._send(200, document, trouble)

    def _send(self, status: int, document: dict[str, Any], trouble: Trouble = 200) -> None:
        content = json.dumps(document).encode()
        body = content[: len(content) // 2] if trouble in {HALF, CUT} else content
        self.send_response(status)
        if status != 200:
            for name, value in self.server.headers.items():
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content if trouble == CUT else body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def osv_api() -> Iterator[OsvApiServer]:
    """A server that runs."""
    server = OsvApiServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
