"""Which flaws a change of release closes and opens: by the findings of the old release's lock against the new one's."""

from collections.abc import Iterable
from dataclasses import dataclass

from repave.model.finding import FindingReport, SourceStatus
from repave.model.lock import Lock
from repave.operations.scan import examine, flaws_of, unjudged
from repave.ports.advisories import Advisories
from repave.ports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class FlawChange:
    """What is known of it. Flaws are named by CVE, or by advisory where there is none; what hurries stands first."""

    closed: tuple[str, ...] | None
    """The old lock has them, the new one has not; None: unknown, for a source could not be read for the new one."""

    opened: tuple[str, ...] | None
    """The new lock has them, the old one has not; None: unknown, for a source could not be read for the old one."""

    unknown: tuple[SourceStatus, ...]
    """Sources that could not be read for either lock: while there is one, what is told is a part of it at the most."""

    unjudged: tuple[str, ...]
    """Packages of either lock that no source covers, in words."""


def flaw_change(old: Lock, new: Lock, advisories: Iterable[Advisories], progress: Progress) -> FlawChange:
    """Ask every source about both locks; of one and the same lock nothing need be asked."""
    if old == new:
        return FlawChange(closed=(), opened=(), unknown=(), unjudged=())
    sources = tuple(advisories)
    before, after = examine(old, sources, progress), examine(new, sources, progress)
    unknown = {status.name: status for status in (*before.unknown, *after.unknown)}
    gaps = (*unjudged(old, before.sources), *unjudged(new, after.sources))
    return FlawChange(
        closed=_only(before, after),
        opened=_only(after, before),
        unknown=tuple(unknown.values()),
        unjudged=tuple(dict.fromkeys(gaps)),
    )


def _only(one: FindingReport, other: FindingReport) -> tuple[str, ...] | None:
    """The flaws of one that the other has not; None when it is not known what the other has."""
    if other.unknown:
        return None
    has = set(flaws_of(other.standing))
    return tuple(flaw for flaw in flaws_of(one.standing) if flaw not in has)
