"""What a person asks of a fleet beside what it is to run."""

from datetime import datetime
from typing import Protocol

from repave.model.names import FleetKey, SlotId, ZoneName
from repave.model.target import Target, ZoneOut
from repave.model.wishes import Protection, Replacement


class Wishes(Protocol):
    """Each changes the target, and raises Gone for a fleet that has none."""

    def pause(
        self, fleet: FleetKey, at: datetime, *, paused: bool, until: datetime | None = None, reason: str = ""
    ) -> Target:
        """Pause, until then at most if that is said, or resume. Pausing again says anew until when."""
        ...

    def pass_checkpoint(self, fleet: FleetKey) -> Target:
        """Let the canary go on past the step it stands at; passed already is no change."""
        ...

    def allow_healing(self, fleet: FleetKey, at: datetime) -> Target:
        """A person says that what looks sick at ``at`` is sick: it may be replaced, whatever the limit."""
        ...

    def take_out(self, fleet: FleetKey, out: ZoneOut) -> Target:
        """Take a zone out; once more changes until when, and why, but not since when."""
        ...

    def bring_back(self, fleet: FleetKey, zone: ZoneName) -> Target:
        """Let the zone be used again; one that is not out changes nothing."""
        ...

    def protect(self, fleet: FleetKey, protection: Protection) -> Target:
        """Keep the instance of that slot from what can wait; a second protection of it stands for the first.

        That it is to be replaced, which was asked before, is asked no more.
        """
        ...

    def unprotect(self, fleet: FleetKey, slot: SlotId) -> Target:
        """Undo it; what is not protected stays so."""
        ...

    def ask_replacement(self, fleet: FleetKey, replacement: Replacement) -> Target:
        """Have the instance of that slot replaced; asked again, the first wish stands."""
        ...
