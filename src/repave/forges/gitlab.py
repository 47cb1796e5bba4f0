"""Merge requests of one project, by GitLab's REST API (v4), of gitlab.com or an own server."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from repave.forges.marks import lock_in, marked
from repave.forges.session import Session, reading
from repave.model.names import Digest
from repave.model.review import Review, Standing

THERE_ALREADY = 409
"""What a second merge request of a branch is answered."""

STANDINGS = {"merged": Standing.MERGED, "closed": Standing.CLOSED}
"""By GitLab's words; what is ``opened``, or ``locked`` while it is being merged, is open."""


class GitLab:
    """Merge requests."""

    def __init__(self, api: str, *, repository: str, into: str, token: Callable[[], str]) -> None:
        self._path = f"/projects/{quote(repository, safe='')}/merge_requests"
        self._into = into
        self._session = Session(api, token=token, headers=lambda said: {"PRIVATE-TOKEN": said})

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def newest(self, branch: str) -> Review | None:
        """Of a branch of this project."""
        query: Mapping[str, str | int] = {
            "source_branch": branch,
            "target_branch": self._into,
            "state": "all",
            "order_by": "created_at",
            "sort": "desc",
            "per_page": 20,
        }
        what = f"look for merge requests of {branch}"
        found = self._session.ask("GET", self._path, what=what, query=query)
        with reading(what):
            # A fork may have a branch of the same name: what comes from there is not ours.
            own = (one for one in found if one["source_project_id"] == one["target_project_id"])
            return next(map(_review, own), None)

    def open(self, branch: str, title: str, text: str, lock: Digest) -> Review | None:
        """A new one; None where there is an open one."""
        body = {
            "title": title,
            "description": marked(text, lock),
            "source_branch": branch,
            "target_branch": self._into,
            "remove_source_branch": True,
        }
        what = f"open a merge request of {branch}"
        made = self._session.ask("POST", self._path, what=what, body=body, there_already=THERE_ALREADY)
        with reading(what):
            return None if made is None else _review(made)

    def revise(self, number: int, title: str, text: str, lock: Digest) -> Review:
        """Other words for an open one."""
        body = {"title": title, "description": marked(text, lock)}
        what = f"bring merge request {number} up to date"
        revised = self._session.ask("PUT", f"{self._path}/{number}", what=what, body=body)
        with reading(what):
            return _review(revised)


def _review(answer: Mapping[str, Any]) -> Review:
    return Review(
        number=int(answer["iid"]),
        address=answer["web_url"],
        standing=STANDINGS.get(answer["state"], Standing.OPEN),
        lock=lock_in(answer["description"]),
    )
