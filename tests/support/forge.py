"""A forge on loopback: a bare repository, and as much of GitHub's and GitLab's APIs as merge requests need."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from git_origin import GitOrigin

TOKEN = "t0ken"  # noqa: S105 - of this server alone
REPOSITORY = "team/shop"


@dataclass(kw_only=True)
class Request:
    """One merge request, as neither API has it."""

    number: int
    source: str
    target: str
    title: str
    text: str
    state: str = "open"
    """``open``, ``merged`` or ``closed``."""

    forked: bool = False


@dataclass(kw_only=True)
class Forge:
    """What both APIs speak of."""

    origin: GitOrigin
    address: str = ""
    requests: list[Request] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path, of all that changes something."""

    trouble: tuple[int, dict[str, str], bytes] | None = None
    """In place of every answer: status, headers, body."""

    hidden: int = 0
    """So many of the next lists lack what is open, as when two ask at once."""

    def merge(self, request: Request) -> None:
        """As a person does."""
        self.origin.git("update-ref", f"refs/heads/{request.target}", f"refs/heads/{request.source}")
        request.state = "merged"

    def listed(self, source: str, target: str) -> list[Request]:
        """Newest first."""
        self.hidden -= 1
        if self.hidden >= 0:
            return []
        found = [one for one in self.requests if (one.source, one.target) == (source, target)]
        return found[::-1]

    def opened(self, source: str, target: str, title: str, text: str) -> Request | None:
        """None where there is one, or no such branch."""
        if any(
            (one.source, one.target, one.state, one.forked) == (source, target, "open", False) for one in self.requests
        ):
            return None
        self.origin.git("rev-parse", "--verify", f"refs/heads/{source}")
        made = Request(number=len(self.requests) + 1, source=source, target=target, title=title, text=text)
        self.requests.append(made)
        return made


class _Answers(BaseHTTPRequestHandler):
    forge: Forge

    def do_GET(self) -> None:
        """A list."""
        self._answer()

    def do_POST(self) -> None:
        """A new one."""
        self._answer()

    def do_PATCH(self) -> None:
        """Other words, at GitHub."""
        self._answer()

    def do_PUT(self) -> None:
        """Other words, at GitLab."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""

    def _answer(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.command != "GET":
            self.forge.asked.append((self.command, parts.path))
        if self.forge.trouble is not None:
            self._send(*self.forge.trouble)
        elif parts.path.startswith("/github/"):
            self._github(parts.path.removeprefix("/github"), query, sent)
        else:
            self._gitlab(parts.path.removeprefix("/gitlab"), query, sent)

    def _github(self, path: str, query: dict[str, str], sent: dict[str, Any]) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._json(401, {"message": "Bad credentials"})
        whole, _, number = path.partition(f"/repos/{REPOSITORY}/pulls")[2].rpartition("/")
        if not path.startswith(f"/repos/{REPOSITORY}/pulls") or whole:
            return self._json(404, {"message": "Not Found"})
        if self.command == "GET":
            owner, _, branch = query["head"].partition(":")
            assert (owner, query["state"], query["direction"]) == ("team", "all", "desc")
            found = [one for one in self.forge.listed(branch, query["base"]) if not one.forked]
            return self._json(200, [_as_github(one) for one in found[: int(query["per_page"])]])
        if self.command == "POST":
            made = self.forge.opened(sent["head"], sent["base"], sent["title"], sent["body"])
            message = {"message": "Validation Failed"}
            return self._json(201, _as_github(made)) if made else self._json(422, message)
        return self._json(200, _as_github(self._revised(int(number), sent["title"], sent["body"])))

    def _gitlab(self, path: str, query: dict[str, str], sent: dict[str, Any]) -> None:
        if self.headers["PRIVATE-TOKEN"] != TOKEN:
            return self._json(401, {"message": "401 Unauthorized"})
        _, _, project, kind, *number = path.split("/")
        if (unquote(project), kind) != (REPOSITORY, "merge_requests"):
            return self._json(404, {"message": "404 Project Not Found"})
        if self.command == "GET":
            assert (query["state"], query["sort"]) == ("all", "desc")
            found = self.forge.listed(query["source_branch"], query["target_branch"])
            return self._json(200, [_as_gitlab(one) for one in found[: int(query["per_page"])]])
        if self.command == "POST":
            made = self.forge.opened(sent["source_branch"], sent["target_branch"], sent["title"], sent["description"])
            message = {"message": ["Another open merge request already exists for this source branch: !1"]}
            return self._json(201, _as_gitlab(made)) if made else self._json(409, message)
        return self._json(200, _as_gitlab(self._revised(int(number[0]), sent["title"], sent["description"])))

    def _revised(self, number: int, title: str, text: str) -> Request:
        request = self.forge.requests[number - 1]
        request.title, request.text = title, text
        return request

    def _json(self, status: int, document: object) -> None:
        self._send(status, {}, json.dumps(document).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _as_github(one: Request) -> dict[str, object]:
    return {
        "number": one.number,
        "html_url": f"https://github.example/{REPOSITORY}/pull/{one.number}",
        "state": "open" if one.state == "open" else "closed",
        "merged_at": "2026-03-04T12:00:00Z" if one.state == "merged" else None,
        "body": one.text,
    }


def _as_gitlab(one: Request) -> dict[str, object]:
    return {
        "iid": one.number,
        "web_url": f"https://gitlab.example/{REPOSITORY}/-/merge_requests/{one.number}",
        "state": "opened" if one.state == "open" else one.state,
        "description": one.text,
        "source_project_id": 8 if one.forked else 7,
        "target_project_id": 7,
    }


@contextmanager
def forge(folder: Path) -> Iterator[Forge]:
    """One that runs, with an empty repository in the folder."""
    folder.mkdir()
    made = Forge(origin=GitOrigin(folder=folder))
    made.origin.git("init", "--quiet", "--bare", "--initial-branch=main")
    handler = type("Answers", (_Answers,), {"forge": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
