"""Whose turn it is: nothing of a release is started before the fleets that come first carry it."""

from collections.abc import Iterator

from repave.model.names import FleetKey, RevisionId
from repave.planner.check.view import View


def in_turn(view: View) -> Iterator[str]:
    """The first of a release waits for those in `after`; the first of a rollback for those that go back before it."""
    early = [launch.slot for launch in view.fresh if launch.revision == view.target.revision]
    if early and not _has_begun(view):
        for fleet in view.policy.before if _goes_back(view) else view.policy.after:
            if _lags(view, fleet):
                yield f"{early[0]} would be the first of r{view.target.release}, and {fleet.fleet} comes first"


def kept_meanwhile(view: View) -> RevisionId | None:
    """What may be launched while others come first: the last other that carried the fleet. None when nobody does."""
    ahead = view.policy.before if _goes_back(view) else view.policy.after
    if not any(_lags(view, fleet) for fleet in ahead) or _has_begun(view):
        return None
    others = [proof for proof in view.target.proven if proof.revision != view.target.revision]
    revoked = {one.revision for one in view.target.revoked}
    usable = [proof for proof in others if proof.bootable and proof.revision not in revoked]
    return max(usable, key=lambda proof: (proof.at, proof.revision)).revision if usable else None


def _has_begun(view: View) -> bool:
    target = view.target
    told = [
        *(order.revision for order in target.orders),
        *(instance.revision for instance in view.instances.values()),
        *(failure.revision for failure in target.failures if failure.at >= target.since),
        *(proof.revision for proof in target.proven if proof.at >= target.since),
    ]
    return target.revision in told


def _goes_back(view: View) -> bool:
    return view.target.revision in {proof.revision for proof in view.target.proven}


def _lags(view: View, fleet: FleetKey) -> bool:
    known = view.neighbours.get(fleet)
    there = known is not None and known.release == view.target.release
    if _goes_back(view):
        return known is not None and there and known.returning
    return known is None or not there or not known.carried
