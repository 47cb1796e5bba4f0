"""Pull requests of one repository, by GitHub's REST API (version 2022-11-28), also of an own GitHub server."""

from collections.abc import Callable, Mapping
from typing import Any

from repave.forges.marks import lock_in, marked
from repave.forges.session import Session, reading
from repave.model.names import Digest
from repave.model.review import Review, Standing

THERE_ALREADY = 422
"""What a second pull request of a branch is answered, among other things that are wrong with it."""


class GitHub:
    """Pull requests."""

    def __init__(self, api: str, *, repository: str, into: str, token: Callable[[], str]) -> None:
        self._repository = repository
        self._into = into
        self._session = Session(api, token=token, headers=_headers)

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def newest(self, branch: str) -> Review | None:
        """Of a branch of this repository."""
        owner = self._repository.partition("/")[0]
        query: Mapping[str, str | int] = {
            "head": f"{owner}:{branch}",
            "base": self._into,
            "state": "all",
            "sort": "created",
            "direction": "desc",
            "per_page": 1,
        }
        what = f"look for pull requests of {branch}"
        found = self._session.ask("GET", self._path, what=what, query=query)
        with reading(what):
            return _review(found[0]) if found else None

    def open(self, branch: str, title: str, text: str, lock: Digest) -> Review | None:
        """A new one; None where GitHub refuses it as one too many, or for what else is wrong."""
        body = {"title": title, "body": marked(text, lock), "head": branch, "base": self._into}
        what = f"open a pull request of {branch}"
        made = self._session.ask("POST", self._path, what=what, body=body, there_already=THERE_ALREADY)
        with reading(what):
            return None if made is None else _review(made)

    def revise(self, number: int, title: str, text: str, lock: Digest) -> Review:
        """Other words for an open one."""
        body = {"title": title, "body": marked(text, lock)}
        what = f"bring pull request {number} up to date"
        revised = self._session.ask("PATCH", f"{self._path}/{number}", what=what, body=body)
        with reading(what):
            return _review(revised)

    @property
    def _path(self) -> str:
        return f"/repos/{self._repository}/pulls"


def _headers(token: str) -> Mapping[str, str]:
    return {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _review(answer: Mapping[str, Any]) -> Review:
    if answer["state"] == "open":
        standing = Standing.OPEN
    else:
        standing = Standing.MERGED if answer["merged_at"] else Standing.CLOSED
    return Review(
        number=int(answer["number"]), address=answer["html_url"], standing=standing, lock=lock_in(answer["body"])
    )
