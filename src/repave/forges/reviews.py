"""The reviews port: a branch by git, and its one merge request by the API of a forge."""

from typing import Protocol

from repave.forges.branches import Branches
from repave.model.names import Digest
from repave.model.review import Review, Standing
from repave.ports.errors import Invalid
from repave.ports.reviews import Change


class Requests(Protocol):
    """What both forges' APIs are asked."""

    def newest(self, branch: str) -> Review | None:
        """Whatever became of it; None when there was none."""
        ...

    def open(self, branch: str, title: str, text: str, lock: Digest) -> Review | None:
        """A new one; None where the forge has one."""
        ...

    def revise(self, number: int, title: str, text: str, lock: Digest) -> Review:
        """Other words for an open one."""
        ...

    def close(self) -> None:
        """End the connections."""
        ...


class ForgeReviews:
    """Merge requests of one repository."""

    def __init__(self, requests: Requests, *, branches: Branches, into: str) -> None:
        self._requests = requests
        self._branches = branches
        self._into = into

    def close(self) -> None:
        """End the connections."""
        self._requests.close()

    def newest(self, branch: str) -> Review | None:
        """Of a branch of ours; see the port."""
        return self._requests.newest(branch)

    def propose(self, change: Change) -> Review:
        """Push, then open or revise; see the port."""
        self._branches.publish(change, self._into)
        words = (change.title, change.text, change.lock)
        there = self._requests.newest(change.branch)
        if there is None or there.standing is not Standing.OPEN:
            made = self._requests.open(change.branch, *words)
            if made is not None:
                return made
            there = self._requests.newest(change.branch)
        if there is None or there.standing is not Standing.OPEN:
            raise Invalid(
                f"a merge request of {change.branch} into {self._into} is refused, and none is open",
                hint="open one by hand to see why; `review` in repave.yaml says where it belongs",
            )
        return self._requests.revise(there.number, *words)
