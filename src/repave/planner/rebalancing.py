"""Rebalancing: a quiet fleet whose zones have become uneven is evened out, one instance at a time, launch first."""

from collections import Counter
from datetime import datetime, timedelta

from repave.model.disruption import Drawer
from repave.model.plan import Rule
from repave.model.target import FailureKind
from repave.planner.budget import Refusal
from repave.planner.draft import ALIVE, Draft
from repave.planner.sets import Standing
from repave.planner.zones import Spread

REST_SECONDS = 120.0
"""After a failure the fleet is left alone: evening it out is never urgent, and must not feed a zone that is ill."""


def rebalance(draft: Draft) -> None:
    """Want one more than the size for a while: it goes to the emptiest zone, and then the fullest gives one up."""
    if not _quiet(draft):
        return
    served = [member.instance.zone for member in draft.sets.of(Standing.SERVING, current=True)]
    if not Spread(draft.policy.zones, draft.zones.out, served).uneven:
        return
    # Uneven is judged by what serves: one that is only coming must not end the move that it is part of.
    rested = _rested_at(draft)
    if draft.now >= rested and draft.zones.spread(served).uneven:
        refusal = _protected_whole(draft) or draft.budget.waits(Drawer.REBALANCE)
        if refusal is None:
            draft.goal += 1
        else:
            words = f"the zones are uneven, but {refusal.words}"
            draft.rest("fleet", refusal.rule, words, since=draft.now, until=refusal.until)
        return
    until = max(rested, draft.zones.opens_at or rested)
    if until > draft.now:
        words = "the zones are uneven, and are evened out later"
        draft.rest("fleet", Rule.BACKOFF, words, since=draft.now, until=until)


def _protected_whole(draft: Draft) -> Refusal | None:
    """The protection that ends first, when nobody of the fullest zone may leave it."""
    serving = draft.sets.of(Standing.SERVING, current=True)
    crowds = Counter(member.instance.zone for member in serving)
    homeless = crowds.keys() - set(draft.policy.zones)
    fullest = homeless or {zone for zone, count in crowds.items() if count == max(crowds.values())}
    there = [member for member in serving if member.instance.zone in fullest]
    refusals = [refusal for member in there if (refusal := draft.budget.protected(member, Drawer.REBALANCE))]
    if len(refusals) < len(there):
        return None
    return min(refusals, key=lambda refusal: refusal.until or draft.now, default=None)


def _quiet(draft: Draft) -> bool:
    """Whether the fleet is as wanted in everything else, and has room for one more."""
    return (
        draft.serving == draft.target.size > 0
        and draft.surge > 0
        and not (draft.judging or draft.halted or draft.barred or draft.outgoing)
        and all(member.current and member.standing in ALIVE for member in draft.sets.members)
    )


def _rested_at(draft: Draft) -> datetime:
    failures = [failure for failure in draft.all_failures if failure.kind is not FailureKind.NO_CAPACITY]
    failed = [failure.at for failure in failures if failure.at <= draft.now]
    return max(failed) + timedelta(seconds=REST_SECONDS) if failed else draft.target.since
