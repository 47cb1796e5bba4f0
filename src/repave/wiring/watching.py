"""What keeps everything fresh without being asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from repave.wiring.promoting import Promotes

if TYPE_CHECKING:
    from repave.operations.watching.passing import Watching

FENCE = "watch.lock"


class Watches(Promotes):
    """What keeps everything fresh without being asked."""

    @cached_property
    def watching(self) -> "Watching":
        """Passes of it."""
        from repave.operations.watching.deciding import Hands
        from repave.operations.watching.passing import Watching

        hands = Hands(
            locking=self.locking, patching=self.patching, promoting=self.promoting, store=self.store, clock=self.clock
        )
        return Watching(project=self.project, hands=hands, advisories=self.advisories)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process of this machine watches this project within the block. Raises Conflict."""
        from repave.jobs.fence import alone

        with alone(self.state / FENCE, doing=f"watching {self.project.name}"):
            yield
