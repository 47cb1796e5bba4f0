"""Judging a revision: which failures count, when to stop, and where to roll back to."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from textwrap import shorten

from repave.model.plan import Retarget
from repave.model.policy import FleetPolicy
from repave.model.succession import not_before
from repave.model.target import Failure, FailureKind, Proof, Target
from repave.planner.sets import Member, Sets, Standing

DAMNING = frozenset(
    {FailureKind.NEVER_HEALTHY, FailureKind.CRASHED, FailureKind.SICK, FailureKind.REFUSED, FailureKind.WORSE}
)
"""What counts against a revision. A zone that is lost or has no room, a lost order and a relapse do not."""

LONGEST_BACKOFF_SECONDS = 60.0
"""A crash loop costs at most one start a minute; longer would delay a fleet whose cause was mended."""

MOST_DOUBLINGS = 6
"""Of a first second: more than enough for the longest backoff."""


TOLD = 160
"""Characters of a failure within a sentence about something else; the events have all of it."""

CLOCK_SKEW = timedelta(seconds=5)
"""How far a provider's clock may be behind ours: a new instance must not pass for an old one."""


def under_judgement(target: Target) -> bool:
    """Whether the wanted revision has yet to carry the fleet since it became the wanted one."""
    return not any(proof.revision == target.revision and proof.at >= target.since for proof in target.proven)


def failure_of(member: Member, target: Target, now: datetime, lag: timedelta, *, zone_lost: bool) -> Failure:
    """What a failed member is remembered by; ``lag``: see ``Sets``.

    A release that is returned to is not condemned by what happened to its instances before: only what was started since
    judges it. Of one that is new here, all was, whatever the clocks say. Nor is any condemned by the loss of a zone.
    """
    if zone_lost:
        return Failure(
            slot=member.slot,
            revision=member.instance.revision,
            zone=member.instance.zone,
            kind=FailureKind.ZONE_LOST,
            at=now,
            detail="it went down with its zone",
        )
    kind, words = _cause(member)
    begun = member.instance.started_at + lag >= target.since - CLOCK_SKEW
    carried = any(proof.revision == target.revision for proof in target.proven)
    judging = under_judgement(target) and (begun or not carried)
    seen = member.instance.detail or (member.backend.detail if member.backend else "")
    said = f"its console ends: {member.instance.said}" if member.instance.said else ""
    more = "; ".join(part for part in (seen, said) if part)
    return Failure(
        slot=member.slot,
        revision=member.instance.revision,
        zone=member.instance.zone,
        kind=kind if judging else FailureKind.RELAPSED,
        at=not_before(now, target.since) if judging else now,
        detail=f"{words} ({more})" if more else words,
    )


def lost_orders(sets: Sets, now: datetime) -> tuple[Failure, ...]:
    """Orders that never became an instance."""
    return tuple(
        Failure(
            slot=order.slot,
            revision=order.revision,
            zone=order.zone,
            kind=FailureKind.LOST,
            at=now,
            detail="it was ordered and never seen",
        )
        for order in sets.lost
    )


def verdict(policy: FleetPolicy, target: Target, sets: Sets, failures: Iterable[Failure]) -> str:
    """Why the wanted revision must be stopped; empty while it need not be."""
    counted = [
        failure
        for failure in sorted(failures, key=lambda failure: (failure.at, failure.slot))
        if failure.revision == target.revision and failure.at >= target.since and failure.kind in DAMNING
    ]
    if not counted:
        return ""
    serving = [member.since for member in sets.of(Standing.SERVING, Standing.READY, current=True)]
    last_success = max(serving, default=None)
    in_a_row = [failure for failure in counted if last_success is None or failure.at > last_success]
    rule = policy.rollout
    most = max(rule.stop_in_a_row, rule.stop_share.of(target.size))
    if len(in_a_row) >= rule.stop_in_a_row:
        return f"{len(in_a_row)} new instances in a row failed: {counted[-1].detail}"
    if len(counted) >= most:
        return f"{len(counted)} of {target.size} new instances failed: {counted[-1].detail}"
    return ""


def rollback(policy: FleetPolicy, target: Target, failures: Sequence[Failure], reason: str) -> Retarget | None:
    """The latest revision that carried this fleet and may run again; None when there is none."""
    spoilt = {target.revision, *(revoked.revision for revoked in target.revoked)}
    for proof in sorted(target.proven, key=lambda proof: proof.at, reverse=True):
        if proof.revision in spoilt or not proof.bootable:
            continue
        if _failed_since(policy, proof, failures):
            continue
        return Retarget(revision=proof.revision, release=proof.release, reason=reason)
    return None


def last_proven(proofs: Iterable[Proof]) -> Proof | None:
    """The latest of them; None of none."""
    return max(proofs, key=lambda proof: (proof.at, proof.revision), default=None)


def barred(target: Target) -> str:
    """Why nothing of the wanted revision may be launched, whatever is missing; empty when it may."""
    for revoked in target.revoked:
        if revoked.revision == target.revision:
            return f"r{target.release} is revoked: {revoked.reason}"
    for proof in target.proven:
        if proof.revision == target.revision and not proof.bootable:
            return f"the artifact of r{target.release} is no longer where it could be started from"
    return ""


def backoff(policy: FleetPolicy, target: Target, failures: Iterable[Failure], now: datetime) -> datetime | None:
    """Until when no more of the wanted revision are launched: it fails faster than it is replaced. None: launch.

    A failure of the future was dated by a clock that was ahead: it judges a revision, and nobody waits for it.
    """
    window = timedelta(seconds=policy.healing.window_seconds)
    recent = [
        failure
        for failure in failures
        if failure.revision == target.revision
        and timedelta(0) <= now - failure.at < window
        and failure.kind not in {FailureKind.NO_CAPACITY, FailureKind.ZONE_LOST}
    ]
    until = _backoff(recent, target.size)
    for forgotten in sorted(failure.at + window for failure in recent):
        if until is None or until <= forgotten:
            break
        # What is forgotten counts no more, so the wait may be over sooner.
        recent = [failure for failure in recent if forgotten - failure.at < window]
        shorter = _backoff(recent, target.size)
        until = forgotten if shorter is None else max(forgotten, shorter)
    return until if until is not None and until > now else None


def latest_words(target: Target, failures: Iterable[Failure]) -> str:
    """How the latest failure of the wanted revision is told in a sentence about others; empty when there is none."""
    own = [failure for failure in failures if failure.revision == target.revision and failure.detail]
    latest = max(own, key=lambda failure: failure.at, default=None)
    return f"; the latest: {shorten(latest.detail, TOLD, placeholder=' ...')}" if latest else ""


def _backoff(recent: Sequence[Failure], size: int) -> datetime | None:
    refused = sum(failure.kind is FailureKind.REFUSED for failure in recent)
    # Losing the whole fleet once is an accident, healed at once; more than that is a loop.
    repeated = refused + max(0, len(recent) - refused - max(1, size))
    if repeated == 0:
        return None
    seconds = min(LONGEST_BACKOFF_SECONDS, 2.0 ** min(repeated - 1, MOST_DOUBLINGS))
    return max(failure.at for failure in recent) + timedelta(seconds=seconds)


def _cause(member: Member) -> tuple[FailureKind, str]:
    match member.standing:
        case Standing.DEAD if member.has_served:
            return FailureKind.CRASHED, "its process ended"
        case Standing.DEAD:
            return FailureKind.CRASHED, "its process ended before it was healthy"
        case Standing.SICK:
            return FailureKind.SICK, "it served, then failed its checks"
        case _:
            return FailureKind.NEVER_HEALTHY, "it was not healthy within its grace"


def _failed_since(policy: FleetPolicy, proof: Proof, failures: Iterable[Failure]) -> bool:
    """Whether a revision was judged and failed since it was proven: two bad revisions must not take turns."""
    after = [f for f in failures if f.revision == proof.revision and f.at > proof.at and f.kind in DAMNING]
    return len(after) >= policy.rollout.stop_in_a_row
