"""Who gets requests: which of those that stand by, until when the old, and who is kept ready as a way back."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from repave.model.disruption import Drawer
from repave.model.names import RevisionId
from repave.model.plan import Rule
from repave.planner import keeper, onsets
from repave.planner.draft import ALIVE, Draft
from repave.planner.failures import last_proven
from repave.planner.sets import Member, Standing
from repave.planner.strategies import Allowance
from repave.planner.wishes import protection_of


def let_in(draft: Draft, allowance: Allowance) -> None:
    """New ones that stand by are admitted as the schedule allows; nothing of what is stopped is let in."""
    ready = draft.remaining(Standing.READY, current=True)
    if draft.halted and draft.target.switched is None:
        for member in (member for member in ready if not draft.is_held(member)):
            words = "the wanted revision is stopped: it stands by"
            draft.hold(member.slot, Rule.STOPPED, words, since=onsets.stopped(draft))
        return
    draft.switch = allowance.switches
    for member in ready[: allowance.admits]:
        draft.steps += keeper.admit(member, "all of it is ready" if not allowance.standby else "too few serve")
    for member in ready[allowance.admits :]:
        if not draft.is_held(member):
            words = f"it is ready, and gets requests once {draft.goal} are"
            draft.hold(member.slot, Rule.SWITCH, words, since=member.since)


def retire_stand_bys(draft: Draft, allowance: Allowance) -> None:
    """Old ones that stand by are kept as a way back for a time, or while a person protects them, and then leave."""
    for member in draft.departing(Standing.READY):
        protection = protection_of(draft, member)
        if is_kept(draft, member, allowance):
            until = _kept_until(draft)
            draft.hold(member.slot, Rule.KEPT, "it stands by as an instant way back", since=member.since, until=until)
        elif protection is not None:
            words = f"it stands by, and is not needed any more; but {protection.words}"
            draft.hold(member.slot, protection.rule, words, since=member.since, until=protection.until)
        else:
            draft.leave(member, keeper.drain(member, "it stands by, and is not needed any more"))


def hold_in_traffic(draft: Draft, members: Iterable[Member]) -> None:
    """Old ones that serve until the schedule has the new ones take over."""
    canary = draft.most is not None
    rule, until = (Rule.CANARY, _step_ends(draft)) if canary else (Rule.SWITCH, None)
    words = "it serves until the next step" if canary else f"it serves until all {draft.goal} new ones do"
    for member in members:
        told = f"{words}, and the canary is compared with it" if member.slot in draft.beside else words
        draft.hold(member.slot, rule, told, since=onsets.to_leave(draft, member), until=until)


def _step_ends(draft: Draft) -> datetime | None:
    """When the step that is judged is passed at the earliest; None before it is judged, and while more holds it."""
    since = draft.target.canary.since
    ends = since and since + timedelta(seconds=draft.policy.rollout.pause_seconds)
    return ends if ends and ends > draft.now else None


def is_kept(draft: Draft, member: Member, allowance: Allowance) -> bool:
    """Whether it is to stand by: of a revision that may be returned to at once, while the time for it lasts."""
    if member.current or not allowance.keeps or draft.target.switched is None or draft.target.size == 0:
        return False
    revision = member.instance.revision
    usable = any(proof.revision == revision and proof.bootable for proof in draft.target.proven)
    return usable and revision not in draft.revoked and draft.now < _kept_until(draft)


def stands_by(draft: Draft, member: Member, allowance: Allowance) -> bool:
    """Whether an old one whose group gives up its requests stays without them: as a way back, or since it is protected.

    A switch moves all requests at one time, those of the protected as well; but it ends none of them.
    """
    if not allowance.keeps or draft.target.switched is None:
        return False
    return protection_of(draft, member) is not None or is_kept(draft, member, allowance)


def passed_over(draft: Draft, allowance: Allowance) -> frozenset[RevisionId]:
    """Old revisions that get no requests before the switch: all but the one that has them.

    Where more run another, it is not certain which that is, and none is passed over: rather two that serve than nobody.
    """
    if not allowance.keeps or draft.target.switched is not None:
        return frozenset()
    alive = Counter(member.instance.revision for member in draft.sets.of(*ALIVE, current=False))
    carries = _carries(draft, alive.keys())
    if carries is None or alive[carries] < max(alive.values()):
        return frozenset()
    return frozenset(alive.keys() - {carries})


def _carries(draft: Draft, alive: Collection[RevisionId]) -> RevisionId | None:
    """The old revision that has the requests; None where that is not certain.

    A balancer that has forgotten everything does not say: it is the one that carried the fleet last. Nobody is given up
    for one that is revoked or could not be started again.
    """
    serving = {member.instance.revision for member in draft.sets.of(Standing.SERVING, current=False)}
    if serving:
        return serving.pop() if len(serving) == 1 else None
    last = last_proven(proof for proof in draft.target.proven if proof.revision in alive)
    return last.revision if last and last.bootable and last.revision not in draft.revoked else None


def drawer_of_old(allowance: Allowance) -> Drawer:
    """In whose name old ones are taken from traffic."""
    return Drawer.SWITCH if allowance.keeps else Drawer.ROLLOUT


def _kept_until(draft: Draft) -> datetime:
    since = draft.target.switched or draft.now
    return since + timedelta(seconds=draft.policy.rollout.keep_seconds)
