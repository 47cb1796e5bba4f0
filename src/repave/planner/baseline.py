"""The baseline: as many of the old release as there are new ones, started beside a canary to compare it with.

What has just been started is slow at first, whatever it runs; beside others as young that is held against nobody. They
take the places of old ones, so no more are alive than in any rollout, and leave like them once the steps are over.
"""

from collections.abc import Sequence
from dataclasses import replace

from repave.model.canary import CanaryStage
from repave.model.disruption import Drawer
from repave.model.names import RevisionId
from repave.model.plan import Rule
from repave.planner import keeper
from repave.planner.draft import ALIVE, Draft
from repave.planner.failures import last_proven
from repave.planner.sets import Member, Standing
from repave.planner.strategies import Allowance


def lacking(draft: Draft) -> int:
    """How many are to be started, in the places that the new ones leave to the old.

    None where the step leaves fewer old ones than new, once it is judged, and while the old must leave in haste. Where
    old ones are missing more may be new than the step says: who is waited for would then never find a place.
    """
    if draft.policy.rollout.baseline != "fresh" or draft.most is None or 2 * draft.most > draft.goal:
        return 0
    stage = _stage(draft)
    hurried = any(outgoing.drawer is Drawer.DEADLINE for outgoing in draft.outgoing.values())
    if stage.since or hurried or revision(draft) is None:
        return 0
    places = draft.goal - len(draft.remaining(*ALIVE, current=True))
    return max(0, min(draft.most, places) - len(stage.baseline))


def revision(draft: Draft) -> RevisionId | None:
    """What it runs: of all that serve and are old, the last that was proven; None when none of them may be started."""
    running = {member.instance.revision for member in draft.remaining(Standing.SERVING, current=False)}
    usable = [proof for proof in draft.target.proven if proof.revision in running - draft.revoked.keys()]
    last = last_proven(usable)
    return last.revision if last and last.bootable else None


def awaited(draft: Draft) -> bool:
    """Whether more of it is about to serve: what failed is not waited for, nor is another started in its place."""
    coming = any(member.slot in draft.beside for member in draft.remaining(Standing.COMING, current=False))
    return coming or bool(draft.sets.beside) or lacking(draft) > 0


def compared(draft: Draft) -> tuple[Sequence[Member], str]:
    """With whom the new are compared, and what they are called: the old that serve, where none of the baseline do."""
    old = draft.remaining(Standing.SERVING, current=False)
    beside = [member for member in old if member.slot in draft.beside]
    return (beside, "the baseline") if beside else (old, "the old")


def stand_beside(draft: Draft, allowance: Allowance) -> None:
    """Give its orders again, launch what is lacking as far as there is room, and keep which slots it fills."""
    wanted = revision(draft) if draft.beside or lacking(draft) else None
    stopped = draft.halted or bool(draft.barred)
    useless = stopped or draft.without_room(allowance.above) > 0
    again = [order for order in draft.sets.beside if order.revision == wanted and not useless]
    draft.steps += keeper.launch_again(again, standby=False)
    draft.closed += [order.slot for order in draft.sets.beside if order not in again]
    missing = lacking(draft)
    if wanted is None or stopped or not missing:
        return
    stage = _stage(draft)
    there = draft.remaining(Standing.SERVING, Standing.COMING, current=False)
    zones = [*(m.instance.zone for m in there if m.slot in draft.beside), *(order.zone for order in again)]
    spread = draft.zones.spread(zones)
    reason = "it stands beside the canary, to compare it with"
    found = [zone for zone in (spread.next() for _ in range(allowance.beside)) if zone is not None]
    launched = [draft.start(wanted, zone, reason, standby=False) for zone in found]
    if launched:
        draft.canary = replace(stage, baseline=(*stage.baseline, *launched))
    if len(launched) < missing:
        _say_what_holds(draft, allowance, missing - len(launched), zones_lack=len(launched) < allowance.beside)


def _say_what_holds(draft: Draft, allowance: Allowance, missing: int, *, zones_lack: bool) -> None:
    words = f"{missing} more of the old release are to stand beside the canary"
    if zones_lack:
        draft.hold("fleet", Rule.BACKOFF, f"{words}; no zone has room", since=draft.now, until=draft.zones.opens_at)
    elif allowance.above < draft.surge:
        until = draft.budget.grows_at(Drawer.ROLLOUT)
        draft.hold("fleet", Rule.HOURLY, f"{words}; others may not leave within the hour", since=draft.now, until=until)
    else:
        taken = f"{draft.goal} and {allowance.above} above it are taken"
        draft.hold("fleet", Rule.SURGE, f"{words}; {taken}", since=draft.target.since)


def _stage(draft: Draft) -> CanaryStage:
    return draft.canary or draft.target.canary
