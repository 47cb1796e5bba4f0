"""What keeps everything fresh without being asked."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from repave.wiring.promoting import Promotes

if TYPE_CHECKING:
    from repave.model.review import ReviewSettings
    from repave.operations.watching.passing import Watching
    from repave.operations.watching.reviewing import Reviewing
    from repave.ports.reviews import Reviews

FENCE = "watch.lock"


class Watches(Promotes):
    """What keeps everything fresh without being asked."""

    @cached_property
    def watching(self) -> "Watching":
        """Passes of it."""
        from repave.operations.watching.deciding import Hands
        from repave.operations.watching.passing import Watching

        hands = Hands(
            locking=self.locking,
            patching=self.patching,
            promoting=self.promoting,
            store=self.store,
            clock=self.clock,
            reviewing=self.reviewing,
        )
        return Watching(project=self.project, hands=hands, advisories=self.advisories)

    @cached_property
    def reviewing(self) -> "Reviewing | None":
        """Where people look at lock changes; None where the file names no such place."""
        from repave.operations.watching.reviewing import Reviewing

        if self.project.review is None:
            return None
        reviews = self._reviews(self.project.review)
        return Reviewing(project=self.project, folder=self.folder, reviews=reviews, store=self.store, clock=self.clock)

    def _reviews(self, settings: "ReviewSettings") -> "Reviews":
        from repave.forges.branches import Branches
        from repave.forges.github import GitHub
        from repave.forges.gitlab import GitLab
        from repave.forges.reviews import ForgeReviews
        from repave.model.review import Forge

        kind = GitHub if settings.forge is Forge.GITHUB else GitLab
        requests = kind(
            settings.api,
            repository=settings.repository,
            into=settings.into,
            token=lambda: self.secrets.resolve(settings.token),
        )
        branches = Branches(
            self.folder,
            remote=settings.remote,
            author=settings.author,
            commands=self.commands,
            environment=os.environ,
        )
        reviews = ForgeReviews(requests, branches=branches, into=settings.into)
        self._opened.append(reviews)
        return reviews

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process of this machine watches this project within the block. Raises Conflict."""
        from repave.jobs.fence import alone

        with alone(self.state / FENCE, doing=f"watching {self.project.name}"):
            yield
