"""What becomes of a target by a new aim, and by a plan that is committed: stores and rehearsals keep to this."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from repave.model.canary import CanaryStage
from repave.model.disruption import HOUR
from repave.model.names import ReleaseNumber, RevisionId
from repave.model.outcome import Outcome, Result
from repave.model.plan import Launch, Plan
from repave.model.target import Failure, FailureKind, Order, Proof, Target

KEPT = timedelta(days=1)
"""How long failures and heals count: far longer than any window the planner looks back over."""


def aimed(target: Target, *, revision: RevisionId, release: ReleaseNumber, size: int, at: datetime) -> Target:
    """With another aim, of the same generation; what is asked for and not stopped already changes nothing."""
    if not target.stopped and (target.revision, target.release, target.size) == (revision, release, size):
        return target
    same = target.revision == revision
    return replace(
        target,
        revision=revision,
        release=release,
        size=size,
        since=target.since if same else after_all(at, target.proven),
        switched=target.switched if same else None,
        canary=target.canary if same else CanaryStage(),
        stopped="",
        failures=tuple(failure for failure in target.failures if failure.revision != revision),
    )


def generation_at(moment: datetime) -> int:
    """The lowest generation that a new aim may have then: the milliseconds since the epoch.

    So what a person asks for is newer than all that was ordered before, also where the store was lost or set back since
    and providers remember more than it does: a fleet changes less than once in a millisecond.
    """
    return int(moment.timestamp() * 1000)


def committed(target: Target, plan: Plan, proven: ReleaseNumber) -> Target:
    """The next generation, by a plan made from ``target``; ``proven``: the release of what the plan proves, if any."""
    target = replace(target, proven=_proofs(target, plan, proven))
    return replace(
        _turned(target, plan),
        generation=target.generation + 1,
        protections=tuple(
            known for known in target.protections if known.until > plan.at and known.slot not in plan.replaced
        ),
        replacements=tuple(wish for wish in target.replacements if wish.slot not in plan.replaced),
        sicknesses=(*(known for known in target.sicknesses if known.since >= plan.at - KEPT), *plan.sicknesses),
        orders=_orders(target, plan),
        failures=oldest_first((*(known for known in target.failures if known.at >= plan.at - KEPT), *plan.failures)),
        heals=tuple(
            sorted(
                (*(heal for heal in target.heals if heal.at >= plan.at - KEPT), *plan.heals),
                key=lambda heal: heal.at,
            )
        ),
        disruptions=(*(known for known in target.disruptions if known.at >= plan.at - HOUR), *plan.disruptions),
        next_slot=max(target.next_slot, plan.next_slot),
        size=target.size if plan.resize is None else plan.resize.size,
        size_history=target.size_history if plan.size_history is None else plan.size_history,
    )


def not_before(at: datetime, since: datetime) -> datetime:
    """The time of what happened to a revision that is wanted since then: a clock that was set back is not believed."""
    return max(at, since)


def came_to_nothing(target: Target, launch: Launch, outcome: Outcome) -> Failure:
    """How a launch is remembered that started nothing, for want of room or because it was refused.

    A refusal speaks against a revision while it has yet to carry the fleet, and does so since it is wanted. Of one that
    carries it, it tells of what is around it, such as a secret that is gone: it only paces what is launched next.
    """
    wanted = launch.revision == target.revision
    proofs = (proof for proof in target.proven if proof.revision == launch.revision)
    kind, at = FailureKind.NO_CAPACITY, outcome.at
    if outcome.result is not Result.NO_CAPACITY:
        carries = any(not wanted or proof.at >= target.since for proof in proofs)
        kind = FailureKind.RELAPSED if carries else FailureKind.REFUSED
        at = at if carries else not_before(at, target.since)
    return Failure(
        slot=launch.slot, revision=launch.revision, zone=launch.zone, kind=kind, at=at, detail=outcome.detail
    )


def after_all(at: datetime, proven: Iterable[Proof]) -> datetime:
    """Since when a revision is wanted that becomes so now: after all proofs, also by a clock that was set back.

    Else a proof of before would count as one of what it has yet to carry.
    """
    return max([at, *(proof.at + timedelta.resolution for proof in proven)])


def oldest_first(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """As targets hold them."""
    return tuple(sorted(failures, key=lambda failure: failure.at))


def _turned(target: Target, plan: Plan) -> Target:
    """What is wanted from now on: another revision, nothing more of this one, or the next part of the way."""
    wanted = target
    if plan.retarget is not None:
        back = plan.retarget
        wanted = replace(
            target,
            revision=back.revision,
            release=back.release,
            since=after_all(plan.at, target.proven),
            switched=None,
            canary=CanaryStage(),
            stopped="",
        )
    elif plan.stop:
        wanted = replace(target, stopped=plan.stop)
    elif plan.switch:
        wanted = replace(target, switched=plan.at)
    elif plan.canary is not None:
        wanted = replace(target, canary=plan.canary)
    if plan.resumes:
        wanted = replace(wanted, paused=False, paused_since=None, paused_until=None, paused_reason="")
    if plan.healing:
        wanted = replace(wanted, healing_stopped=plan.at if plan.healing == "stops" else None)
    return wanted


def _orders(target: Target, plan: Plan) -> tuple[Order, ...]:
    """A launch given again keeps the moment it was first ordered."""
    known = {order.slot: order for order in target.orders}
    for step in plan.steps:
        if isinstance(step, Launch) and step.slot not in known:
            known[step.slot] = Order(slot=step.slot, revision=step.revision, zone=step.zone, ordered_at=plan.at)
    waiting = [order for slot, order in known.items() if slot not in plan.closed]
    return tuple(sorted(waiting, key=lambda order: (order.ordered_at, order.slot)))


def _proofs(target: Target, plan: Plan, release: ReleaseNumber) -> tuple[Proof, ...]:
    if plan.proven is None:
        return target.proven
    known = next((proof for proof in target.proven if proof.revision == plan.proven), None)
    at = not_before(plan.at, target.since)
    newest = replace(known or Proof(revision=plan.proven, release=release, at=at), at=at, bootable=True)
    others = [proof for proof in target.proven if proof.revision != plan.proven]
    return tuple(sorted((*others, newest), key=lambda proof: (proof.at, proof.revision)))
