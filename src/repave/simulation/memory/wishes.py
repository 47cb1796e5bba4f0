"""What a person asks of a fleet beside what it is to run, in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from repave.model.names import FleetKey, SlotId, ZoneName
from repave.model.target import Target, ZoneOut
from repave.model.wishes import Protection, Replacement


class MemoryWishes:
    """The wishes port; ``change`` makes one target of another, as one transaction, and raises Gone."""

    def __init__(self, change: Callable[[FleetKey, Callable[[Target], Target]], Target]) -> None:
        self._change_target = change

    def pause(
        self, fleet: FleetKey, at: datetime, *, paused: bool, until: datetime | None = None, reason: str = ""
    ) -> Target:
        """Pause or resume. Raises Gone."""

        def become(target: Target) -> Target:
            since = (target.paused_since or at) if paused else None
            return replace(target, paused=paused, paused_since=since, paused_until=until, paused_reason=reason)

        return self._change_target(fleet, become)

    def pass_checkpoint(self, fleet: FleetKey) -> Target:
        """Let the canary go on. Raises Gone."""

        def passed(target: Target) -> Target:
            stage = target.canary
            return replace(target, canary=replace(stage, approved=max(stage.approved, stage.step + 1)))

        return self._change_target(fleet, passed)

    def allow_healing(self, fleet: FleetKey, at: datetime) -> Target:
        """What looks sick now may be replaced, whatever the limit. Raises Gone."""
        return self._change_target(fleet, lambda target: replace(target, healing_allowed=at, healing_stopped=None))

    def take_out(self, fleet: FleetKey, out: ZoneOut) -> Target:
        """Take a zone out; once more changes until when, and why, but not since when. Raises Gone."""

        def become(target: Target) -> Target:
            known = {each.zone: each for each in target.zones_out}
            since = known[out.zone].since if out.zone in known else out.since
            zones = {**known, out.zone: replace(out, since=since)}
            return replace(target, zones_out=tuple(zones[zone] for zone in sorted(zones)))

        return self._change_target(fleet, become)

    def bring_back(self, fleet: FleetKey, zone: ZoneName) -> Target:
        """Let the zone be used again; one that is not out changes nothing. Raises Gone."""
        return self._change_target(
            fleet,
            lambda target: replace(target, zones_out=tuple(each for each in target.zones_out if each.zone != zone)),
        )

    def protect(self, fleet: FleetKey, protection: Protection) -> Target:
        """Keep it from what can wait, and ask no more for it to be replaced. Raises Gone."""

        def protected(target: Target) -> Target:
            others = (known for known in target.protections if known.slot != protection.slot)
            wishes = tuple(wish for wish in target.replacements if wish.slot != protection.slot)
            return replace(target, protections=_by_slot(*others, protection), replacements=wishes)

        return self._change_target(fleet, protected)

    def unprotect(self, fleet: FleetKey, slot: SlotId) -> Target:
        """Undo it. Raises Gone."""
        return self._change_target(
            fleet,
            lambda target: replace(
                target, protections=tuple(known for known in target.protections if known.slot != slot)
            ),
        )

    def ask_replacement(self, fleet: FleetKey, replacement: Replacement) -> Target:
        """Have it replaced. Raises Gone."""

        def asked(target: Target) -> Target:
            if any(known.slot == replacement.slot for known in target.replacements):
                return target
            wishes = sorted((*target.replacements, replacement), key=lambda wish: wish.slot)
            return replace(target, replacements=tuple(wishes))

        return self._change_target(fleet, asked)


def _by_slot(*protections: Protection) -> tuple[Protection, ...]:
    return tuple(sorted(protections, key=lambda protection: protection.slot))
