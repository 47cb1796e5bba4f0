"""Where people look at changes of the lock: a branch, and a merge request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from repave.model.names import Digest
from repave.model.review import Review


@dataclass(frozen=True, kw_only=True)
class Change:
    """Files of the project that are to have other content, and what is said of it."""

    branch: str
    files: Mapping[str, bytes] = field(repr=False)
    """By path from the project's folder, with forward slashes; the lock is among them."""

    before: Mapping[str, bytes] = field(repr=False)
    """What the change was made from, by path: it stands on this and on nothing else."""

    lock: Digest
    """The new one."""

    title: str
    text: str
    """Markdown."""

    at: datetime


class Reviews(Protocol):
    """One repository's."""

    def newest(self, branch: str) -> Review | None:
        """The newest merge request of a branch of ours, whatever became of it; None when there was none.

        Raises Denied, Gone, Throttled, Unreachable, Invalid.
        """
        ...

    def propose(self, change: Change) -> Review:
        """The change on its branch, alone, and one open merge request that says what it is.

        May be called again after any end: the branch is written anew, an open merge request is brought up to date, and
        never is there a second one. Neither the working tree nor the index nor a branch of the user's is touched.

        Raises Conflict where ``before`` is not what the branch that it is to go into has, or where somebody else has
        put commits on ours; and what ``newest`` raises.
        """
        ...
