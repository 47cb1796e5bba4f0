"""What is judged and told: stops and ways back with their reasons, lessons that are true, success that was seen."""

from collections import Counter
from collections.abc import Iterator

from repave.model.plan import Phase
from repave.model.target import FailureKind
from repave.planner.check.view import View

SAYS_NOTHING = (FailureKind.NO_CAPACITY, FailureKind.ZONE_LOST, FailureKind.LOST, FailureKind.RELAPSED)
"""Failures that are no reason to stop a revision."""


def identity(view: View) -> Iterator[str]:
    """The plan, the target and the policy are of the same fleet, and of the same moment."""
    if not view.plan.fleet == view.target.fleet == view.policy.fleet:
        yield f"it is for {view.target.fleet}, and was made for {view.plan.fleet} by the policy of {view.policy.fleet}"
    if view.plan.parent != view.target.generation:
        yield f"it was made from generation {view.plan.parent}, the target has {view.target.generation}"
    if view.plan.next_slot < view.target.next_slot:
        yield "slot numbers would be given twice"


def going_back(view: View) -> Iterator[str]:
    """A stop has its reason; a rollback goes to what is proven, bootable, not revoked and has not failed since."""
    least = view.policy.rollout.stop_in_a_row
    damning = [f for f in (*view.target.failures, *view.plan.failures) if f.kind not in SAYS_NOTHING]
    against = [f for f in damning if f.revision == view.target.revision and f.at >= view.target.since]
    back = view.plan.retarget
    revoked = {each.revision for each in view.target.revoked}
    withdrawn = back is not None and view.target.revision in revoked
    compared = any(failure.kind is FailureKind.WORSE for failure in against)
    if (back or view.plan.stop) and not withdrawn and not compared and len(against) < least:
        yield f"it stops the wanted revision for {len(against)} failures, and {least} are needed"
    if back is None:
        return
    if back.revision == view.target.revision:
        yield "it rolls back to the very revision that failed"
    if back.revision in revoked:
        yield f"it rolls back to {back.revision}, which is revoked"
    proofs = [proof for proof in view.target.proven if proof.revision == back.revision]
    if not proofs:
        yield f"it rolls back to {back.revision}, which never carried this fleet"
    for proof in proofs:
        if not proof.bootable:
            yield f"it rolls back to {back.revision}, which cannot be started"
        if proof.release != back.release:
            yield f"it rolls back to {back.revision} under the name of another release"
        if sum(f.revision == back.revision and f.at > proof.at for f in damning) >= least:
            yield f"it rolls back to {back.revision}, which has failed since it was proven"


def lessons(view: View) -> Iterator[str]:
    """What is remembered is true, and is remembered once."""
    unwell = {failure.slot for failure in view.plan.failures if failure.kind is not FailureKind.WORSE}
    unwell |= {heal.slot for heal in view.plan.heals}
    well = {view.instances[instance].slot for instance in view.serving} if unwell else set()
    for slot in sorted(well & unwell):
        yield f"{slot} serves, and would be remembered as failed"
    known = {failure.slot for failure in view.target.failures}
    times = Counter(failure.slot for failure in view.plan.failures)
    for failure in view.plan.failures:
        if failure.slot in known or times[failure.slot] > 1:
            yield f"the failure of {failure.slot} would be counted twice"
    for slot in view.plan.closed:
        if slot not in view.ordered:
            yield f"{slot} would be closed, and was not ordered"


def success(view: View) -> Iterator[str]:
    """Success is told only of what is true: the wanted number, of the wanted revision, alone, serving."""
    proves = view.plan.proven == view.target.revision
    if not proves and view.plan.phase is not Phase.CONVERGED:
        return
    current = {i for i in view.serving if view.instances[i].revision == view.target.revision}
    alone = len(current) == len(view.instances) == view.target.size
    if view.plan.phase is Phase.CONVERGED and (
        not alone or view.partial or view.launches or set(view.traffic) - current
    ):
        yield "it says that the fleet is as wanted, and that is not what was seen"
    if view.plan.phase is Phase.CONVERGED and any(
        each.revision == view.target.revision for each in view.target.revoked
    ):
        yield "it says that the fleet is as wanted, and what is wanted is revoked"
    if proves and (not alone or view.partial):
        yield f"it calls {view.plan.proven} proven, and it does not carry the fleet alone"


def carriers(view: View) -> Iterator[str]:
    """Beside what is wanted only what serves the whole fleet alone is called proven, and nothing speaks against it."""
    proven = view.plan.proven
    if proven in (None, view.target.revision):
        return
    alone = {view.instances[i].revision for i in view.serving} == {proven}
    if not alone or len(view.serving) < view.target.size or view.partial:
        yield f"it calls {proven} proven, and it does not serve alone"
    if any(each.revision == proven for each in view.target.revoked):
        yield f"it calls {proven} proven, and it is revoked"
    if any(f.revision == proven and f.kind not in SAYS_NOTHING for f in view.target.failures):
        yield f"it calls {proven} proven, and it has failed"
    if view.target.recorded is not None and proven not in view.target.recorded:
        yield f"it calls {proven} proven, and no record tells of it"
    if any(proof.revision == view.target.revision for proof in view.target.proven):
        yield f"it calls {proven} proven, and the fleet goes back from it"
