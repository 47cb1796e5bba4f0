"""Scaling: the wanted size follows metrics and the clock, quickly up and slowly down, within its range."""

from dataclasses import replace
from datetime import datetime, timedelta

from repave.model.disruption import HOUR, Drawer
from repave.model.metrics import MetricSighting
from repave.model.names import InstanceId, ZoneName
from repave.model.plan import Rule
from repave.model.scaling import Leaning, Resize, ScalePolicy, SizeHistory, Sizing
from repave.planner.demand import Carriers, Demand, demand, spoken
from repave.planner.draft import Draft
from repave.planner.schedules import InForce, in_force, next_time
from repave.planner.sets import Standing

SUBJECT = "size"
"""What waits, where a size does."""


def scale(draft: Draft, metrics: MetricSighting) -> None:
    """Want another size from the next plan on, or say why not yet. A fleet that is to be nobody stays so."""
    policy = draft.policy.scale
    if policy is None or not draft.target.size:
        return
    scheduled = in_force(policy.schedule, draft.now)
    draft.wake(next_time(policy.schedule, draft.now))
    lowest, highest = _bounds(policy, scheduled)
    draft.size.sizing = Sizing(lowest=lowest, highest=highest)
    if not lowest <= draft.target.size <= highest:
        wanted = min(highest, max(lowest, draft.target.size))
        by_clock = scheduled is not None and wanted == scheduled.scheduled.size
        reason = str(scheduled) if by_clock else f"the range is {policy.lowest}..{policy.highest}"
        _resize(draft, wanted, reason, since=draft.now)
    elif policy.targets:
        _follow_metrics(draft, policy, (lowest, highest), metrics)


def _bounds(policy: ScalePolicy, scheduled: InForce | None) -> tuple[int, int]:
    """Between which sizes metrics may choose now; what is scheduled stands where there are none."""
    if scheduled is None:
        return policy.lowest, policy.highest
    floor = min(policy.highest, max(policy.lowest, scheduled.scheduled.size))
    return floor, policy.highest if policy.targets else floor


def _follow_metrics(draft: Draft, policy: ScalePolicy, bounds: tuple[int, int], metrics: MetricSighting) -> None:
    """Lean to where the metrics ask, and go there once they have asked for long enough."""
    size, history = draft.target.size, draft.target.size_history
    carriers = Carriers(serving=_of(draft, Standing.SERVING), leaving=_of(draft, Standing.LEAVING))
    asked = demand(policy, size, carriers, metrics, draft.now)
    draft.size.sizing = Sizing(lowest=bounds[0], highest=bounds[1], gauges=asked.gauges)
    if metrics.at is not None:
        draft.wake(metrics.at + timedelta(seconds=policy.window_seconds))
    wanted = _wanted(asked, size, bounds)
    patience = timedelta(seconds=policy.out_after_seconds if wanted > size else policy.in_after_seconds)
    leaning = None if wanted == size else _leaning(history.leaning, size, wanted, draft.now)
    remembered = leaning if patience else None
    if remembered != history.leaning:
        draft.size.history = replace(history, leaning=remembered)
    if leaning is None:
        _say_what_holds(draft, asked, bounds, metrics.incomplete)
        return
    if not patience:
        leaning = Leaning(since=draft.now, size=wanted)
    words = f"{leaning.size} would do" if wanted < size else f"{leaning.size} are needed"
    reason = spoken(asked.leading)
    if draft.now < leaning.since + patience:
        words = f"{words} ({reason}); it must be so for {patience.total_seconds():g} s"
        draft.rest(SUBJECT, Rule.STEADY, words, since=leaning.since, until=leaning.since + patience)
    elif _cooling(policy, history, draft.now) and history.resized_at is not None:
        until = history.resized_at + timedelta(seconds=policy.cool_down_seconds)
        words = f"{words} ({reason}); what the last change does is awaited"
        draft.rest(SUBJECT, Rule.COOL_DOWN, words, since=history.resized_at, until=until)
    elif wanted > size:
        _resize(draft, leaning.size, reason, since=leaning.since)
    else:
        _shrink(draft, policy, leaning, reason)


def _shrink(draft: Draft, policy: ScalePolicy, leaning: Leaning, reason: str) -> None:
    """As far as the hour leaves room: of the size that it had before, less what has left and what is about to."""
    size = draft.target.size
    drawn = (entry.at for entry in draft.target.disruptions if entry.drawer is Drawer.SCALE_IN)
    left = [at for at in drawn if timedelta(0) <= draft.now - at < HOUR]
    most = max(1, policy.in_per_hour.of(size + len(left)))
    room = most - len(left) - max(0, draft.serving - size)
    if room > 0:
        _resize(draft, max(leaning.size, size - room), reason, since=leaning.since)
        return
    words = f"{leaning.size} would do ({reason}); {most} may leave for it within an hour"
    until = min(left) + HOUR if left else None
    draft.rest(SUBJECT, Rule.HOURLY, words, since=leaning.since, until=until)


def _of(draft: Draft, standing: Standing) -> tuple[InstanceId, ...]:
    return tuple(member.instance.id for member in draft.sets.of(standing))


def _wanted(asked: Demand, size: int, bounds: tuple[int, int]) -> int:
    """More when any metric asks for it; fewer when all agree."""
    lowest, highest = bounds
    if asked.least > size:
        return min(highest, asked.least)
    if asked.most is not None and asked.most < size:
        return max(lowest, asked.most)
    return size


def _leaning(before: Leaning | None, size: int, wanted: int, now: datetime) -> Leaning:
    """Since the metrics began to ask on this side of the present size, as little as they ever asked for."""
    if before is None or before.since > now or before.size == size or (before.size > size) is not (wanted > size):
        return Leaning(since=now, size=wanted)
    nearest = min(before.size, wanted) if wanted > size else max(before.size, wanted)
    return replace(before, size=nearest)


def _cooling(policy: ScalePolicy, history: SizeHistory, now: datetime) -> bool:
    """Whether the last change was just now; one from the future, as after a clock was set back, says nothing."""
    if history.resized_at is None:
        return False
    return timedelta(0) <= now - history.resized_at < timedelta(seconds=policy.cool_down_seconds)


def _say_what_holds(draft: Draft, asked: Demand, bounds: tuple[int, int], incomplete: str) -> None:
    """Why the size stays, though the metrics, or the want of them, might have it otherwise."""
    size = draft.target.size
    if asked.least > size:
        words = f"{asked.least} are needed ({spoken(asked.leading)}), and the range ends at {bounds[1]}"
        draft.rest(SUBJECT, Rule.SIZE_RANGE, words, since=draft.now)
    elif asked.unknown:
        words = f"there is no data of {', '.join(asked.unknown)}{f' ({incomplete})' if incomplete else ''}: it stays"
        draft.rest(SUBJECT, Rule.NO_DATA, words, since=draft.now)
    elif asked.least < size <= (asked.most or 0):
        words = f"{asked.least} would do, but not every instance was measured: it stays"
        draft.rest(SUBJECT, Rule.NO_DATA, words, since=draft.now)


def _resize(draft: Draft, size: int, reason: str, *, since: datetime) -> None:
    """Unless something forbids it just now."""
    if size > draft.target.size and (draft.halted or draft.barred):
        words = f"{size} are needed ({reason}), but nothing of the wanted revision is launched"
        draft.rest(SUBJECT, Rule.STOPPED, words, since=since)
        return
    unsettled = _unsettled(draft) if size < draft.target.size else ""
    if unsettled:
        words = f"{size} would do ({reason}), but {unsettled}"
        draft.rest(SUBJECT, Rule.UNSETTLED, words, since=since, until=draft.zones.opens_at)
        return
    draft.size.resize = Resize(size=size, reason=reason)
    draft.size.history = SizeHistory(resized_at=draft.now, reason=reason)


def _unsettled(draft: Draft) -> str:
    """Why now is no time to have fewer; empty when it is one."""
    if draft.halted or draft.barred:
        return "the wanted revision is stopped"
    if draft.turn:
        return "a release waits for its turn"
    if draft.judging or draft.outgoing or any(not member.current for member in draft.sets.members):
        return "instances are being replaced"
    if out := _zones_out(draft):
        return f"zone {out[0]} is out" if len(out) == 1 else f"zones {', '.join(out)} are out"
    if draft.serving < draft.target.size:
        return f"{draft.serving} of {draft.target.size} serve"
    return ""


def _zones_out(draft: Draft) -> list[ZoneName]:
    """Zones that are shut, for whatever reason; and those where nobody serves, though there are enough for all."""
    zones = draft.zones
    out = zones.lost.union(zones.closed, zones.out)
    if draft.target.size >= len(zones.declared):
        out |= set(zones.declared) - {member.instance.zone for member in draft.sets.of(Standing.SERVING)}
    return sorted(out)
