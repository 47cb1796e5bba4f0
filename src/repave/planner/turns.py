"""Turns: fleets that depend on each other move one after the other, and the other way round when they go back."""

from dataclasses import dataclass, replace

from repave.model.names import FleetKey
from repave.model.observation import Neighbour, Observation
from repave.model.policy import FleetPolicy
from repave.model.target import Target
from repave.planner.failures import last_proven, under_judgement


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A fleet whose turn has not come."""

    detail: str
    """For whom it waits, in words."""

    wanted: Target
    """What is wanted of it, and not yet begun."""

    meanwhile: Target | None
    """As which it is kept until then: as the last revision that carried it. None when there is none."""

    hopeless: bool
    """Whether nobody but a person can bring the turn about."""


def neighbour(fleet: FleetKey, target: Target | None) -> Neighbour:
    """What others need to know of a fleet of which this is wanted."""
    if target is None:
        return Neighbour(fleet=fleet, release=None, stands="was never deployed here")
    carried = target.size == 0 or not under_judgement(target)
    stands = "is paused" if target.paused else f"is stopped: {target.stopped}" if target.stopped else ""
    return Neighbour(
        fleet=fleet,
        release=target.release,
        carried=carried and not target.stopped,
        returning=not carried and carried_before(target),
        stands=stands,
    )


def carried_before(target: Target) -> bool:
    """Whether what is wanted carried the fleet at any time: a fleet that does not run it now goes back to it."""
    return any(proof.revision == target.revision for proof in target.proven)


def turn(policy: FleetPolicy, target: Target, observation: Observation) -> Turn | None:
    """For whom the fleet waits; None when it need not: nobody is before it, or it has begun or arrived already."""
    waiting = waits_for(policy, target, observation)
    if not waiting:
        return None
    known = waiting[0]
    return Turn(
        detail=_detail(target, known),
        wanted=target,
        meanwhile=_as_before(target),
        hopeless=bool(known.stands) or known.release != target.release,
    )


def waits_for(policy: FleetPolicy, target: Target, observation: Observation) -> tuple[Neighbour, ...]:
    """Whose turn comes before it still.

    Forward a fleet waits for those it is after. Back it waits for those that are after it, as far as they go back too:
    of two fleets, never both wait for each other.
    """
    ahead = policy.before if carried_before(target) else policy.after
    if not ahead or target.size == 0 or target.stopped or not under_judgement(target) or _begun(target, observation):
        return ()
    seen = {known.fleet: known for known in observation.neighbours}
    neighbours = (seen.get(fleet) or neighbour(fleet, None) for fleet in ahead)
    return tuple(known for known in neighbours if not _lets_pass(target, known))


def _lets_pass(target: Target, known: Neighbour) -> bool:
    if carried_before(target):
        return known.release != target.release or not known.returning
    return known.release == target.release and known.carried


def _detail(target: Target, known: Neighbour) -> str:
    name = known.fleet.fleet
    if known.stands:
        return f"{name} comes first, and {known.stands}"
    if known.release != target.release:
        return f"{name} comes first, and stays at r{known.release}"
    return f"{name} comes first, and does not carry r{target.release} yet"


def _begun(target: Target, observation: Observation) -> bool:
    """Whether anything of the wanted revision was started: what has begun goes on, whatever becomes of others."""
    return (
        any(instance.revision == target.revision for instance in observation.machines.instances)
        or any(order.revision == target.revision for order in target.orders)
        or any(failure.revision == target.revision and failure.at >= target.since for failure in target.failures)
    )


def _as_before(target: Target) -> Target | None:
    """The target as it was for the last other revision that carried the fleet and may still be started."""
    others = [proof for proof in target.proven if proof.revision != target.revision]
    revoked = {one.revision for one in target.revoked}
    last = last_proven(proof for proof in others if proof.bootable and proof.revision not in revoked)
    if last is None:
        return None
    # It has all requests: there is nothing to switch to it, and by no means to what waits.
    return replace(target, revision=last.revision, release=last.release, since=last.at, switched=last.at)
